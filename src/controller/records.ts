/**
 * What the store holds, one JSON document a key, and the keys. Pure data: the step functions take and return these.
 *
 *   instance                                  InstanceRecord
 *   application/<a>                           ApplicationRecord
 *   revision/<a>/<8 digits>                   RevisionRecord
 *   deployment/<a>/<d>                        DeploymentRecord
 *   replica/<a>/<d>/<id>                      ReplicaRecord
 *   proxy/<id>                                ProxyRecord
 *   autoscaling/<a>/<d>                       ScalingRecord (autoscale-memory.ts)
 *   trace/<a>/<d>/<8 digits>                  TraceChunk (autoscale-record.ts)
 *   decision/<a>/<d>                          DecisionNews (controller.ts): what the feed of decisions tells
 *   shadow/…, shadow-trace/…, shadow-decision/…   the same three of a deployment's autoscaling_shadow
 *   token/<id>                                TokenRecord (written by api/)
 *   journal/<16 digits>                       JournalRecord
 *
 * <a> and <d> are percent-escaped.
 */
import type {
  ApplicationConfig,
  EffectiveDeploymentConfig,
  GrpcOptions,
  HttpOptions,
  LoggingConfig,
} from "../config/types.ts";
import { interned } from "../core/interned.ts";

export type ApplicationStatus = "NOT_STARTED" | "DEPLOYING" | "DEPLOY_FAILED" | "RUNNING" | "UNHEALTHY" | "DELETING";

export type DeploymentStatus = "UPDATING" | "HEALTHY" | "UNHEALTHY" | "DEPLOY_FAILED" | "UPSCALING" | "DOWNSCALING";

export type DeploymentStatusTrigger =
  | "UNSPECIFIED"
  | "CONFIG_UPDATE_STARTED"
  | "CONFIG_UPDATE_COMPLETED"
  | "UPSCALE_COMPLETED"
  | "DOWNSCALE_COMPLETED"
  | "AUTOSCALING"
  | "REPLICA_STARTUP_FAILED"
  | "DEPLOYMENT_ACTOR_FAILED"
  | "HEALTH_CHECK_FAILED"
  | "INTERNAL_ERROR"
  | "DELETING";

/** The reference's names for replica states, as shown to users. */
export type ReplicaStateName = "STARTING" | "UPDATING" | "RECOVERING" | "RUNNING" | "STOPPING" | "PENDING_MIGRATION";

/** All times are epoch milliseconds unless a name says otherwise. */
export interface InstanceRecord {
  readonly uid: string;
  readonly state: "running" | "ending" | "absent";
  readonly httpOptions: HttpOptions;
  readonly grpcOptions: GrpcOptions;
  /** `logging_config` of the last document that had one, for controller and proxies. */
  readonly logging?: LoggingConfig;
  readonly proxyLocation: "Disabled" | "HeadOnly" | "EveryNode";
  /** http://host:port of the proxies; empty without proxies. */
  readonly httpAddress: string;
  readonly targetCapacity: number | null;
  readonly targetCapacityDirection: "UP" | "DOWN" | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The instance before there is one. */
export const ABSENT_INSTANCE: InstanceRecord = {
  uid: "",
  state: "absent",
  httpOptions: {},
  grpcOptions: {},
  proxyLocation: "EveryNode",
  httpAddress: "",
  targetCapacity: null,
  targetCapacityDirection: null,
  createdAt: 0,
  updatedAt: 0,
};

export interface ApplicationRecord {
  readonly name: string;
  readonly uid: string;
  readonly source: "declarative" | "imperative";
  /** As it was put: only supplied keys. */
  readonly config: ApplicationConfig;
  readonly baseDir: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly build: BuildState;
  /** The build that is served; kept while a newer one is made or has failed. */
  readonly built: BuiltApplication | null;
  readonly deleting: boolean;
  readonly status: ApplicationStatus;
  readonly message: string;
  /** null: not exposed over HTTP, or not built yet. */
  readonly routePrefix: string | null;
  readonly lastDeployedAt: number;
  /** request_id of the last write, for idempotency; absent without one. */
  readonly requestId?: string;
  /** Number of the revision in force; absent before the first and in records of earlier versions. */
  readonly revision?: number;
  /** The canary that runs; absent without one. */
  readonly canary?: CanaryRecord;
  /** The set of `windlass apply` that it belongs to; absent where its last whole write was no part of one. */
  readonly managedBy?: string;
  /** Raised by `token --rotate`: part of the scaler token's derivation. */
  readonly tokenRotation: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** One version of an application, immutable but for how it fared. Goes with its application. */
export interface RevisionRecord {
  readonly application: string;
  readonly applicationUid: string;
  /** From 1, without gaps. */
  readonly number: number;
  readonly config: ApplicationConfig;
  readonly baseDir: string;
  /** Written once, when the build ends; null while it runs, and where it failed. */
  readonly built: BuiltApplication | null;
  readonly cause: RevisionCause;
  readonly actor: string;
  readonly reason: string;
  /** How it fared: pending until it was up whole or failed for good. */
  readonly outcome: "pending" | "running" | "superseded" | "failed";
  /** Why it failed; else "". */
  readonly message: string;
  readonly createdAt: number;
}

export type RevisionCause =
  | { readonly kind: "config" }
  /** The same config, edited sources. */
  | { readonly kind: "sources" }
  | { readonly kind: "rollback" | "auto-rollback"; readonly of: number };

/**
 * A canary: revision `revision` is tried beside `stable`. While there is one, `DeploymentRecord.version` and `config`
 * are the canary's and `DeploymentRecord.stable` holds what the rest runs.
 */
export interface CanaryRecord {
  readonly stable: number;
  readonly revision: number;
  readonly steps: readonly { readonly weight: number; readonly pauseS: number | null }[];
  /** Index into `steps`. */
  readonly step: number;
  /** Requests with the same value of this header stay with a revision; "": each is drawn. */
  readonly stickyHeader: string;
  /** null: nothing is compared, and steps go by time alone. */
  readonly analysis: CanaryAnalysis | null;
  readonly phase:
    | { readonly kind: "starting"; readonly since: number }
    | { readonly kind: "running"; readonly since: number }
    | { readonly kind: "awaiting-promotion"; readonly since: number }
    | { readonly kind: "paused"; readonly since: number; readonly by: string };
}

/** When a canary is sent back; see docs/canary.md. */
export interface CanaryAnalysis {
  readonly minRequests: number;
  readonly maxErrorRateIncrease: number;
  /** null: latency is not compared. */
  readonly maxLatencyRatio: number | null;
  /** 0.5 to 0.99. */
  readonly latencyQuantile: number;
}

/** `check` builds run behind an unchanged config to notice edited sources; deployments stay visible meanwhile. */
export type BuildState =
  | {
      readonly kind: "building";
      readonly buildId: string;
      readonly check: boolean;
      readonly since: number;
      /** Who asked for it; absent: the controller. */
      readonly actor?: string;
    }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };

/** What the builder reports: where the bundle lies and what the application consists of. */
export interface BuiltApplication {
  readonly bundlePath: string;
  /** SHA-256 of the bundle's content, part of the code version. */
  readonly bundleHash: string;
  readonly exportName: string;
  readonly ingress: string;
  readonly deployments: readonly BuiltDeployment[];
  /** Hash of the config inputs this build was made from. */
  readonly inputsHash: string;
  /** The folder it was built for, in which its replicas run; absent in records of earlier versions. */
  readonly baseDir?: string;
  /** The zips of `runtime_env.working_dir`, by URI; absent without any. */
  readonly workingDirs?: Readonly<Record<string, WorkingDir>>;
  /** Scaling policies, by `policy_function`; absent without any. */
  readonly policies?: Readonly<Record<string, BuiltPolicy>>;
  /** Request routers, by `request_router_class`; absent without any. */
  readonly routers?: Readonly<Record<string, BuiltRouter>>;
}

/** The bundle of a request router. */
export type BuiltRouter = Pick<BuiltPolicy, "bundlePath" | "bundleHash" | "exportName">;

/** The bundle of a scaling policy. */
export interface BuiltPolicy {
  readonly bundlePath: string;
  /** SHA-256 of its content. */
  readonly bundleHash: string;
  readonly exportName: string;
  /** Only shadows name it: what is followed does not depend on it. */
  readonly shadow?: true;
}

/** An unpacked `runtime_env.working_dir`. */
export interface WorkingDir {
  /** Absolute folder. */
  readonly path: string;
  /** SHA-256 of the zip, part of the code version. */
  readonly hash: string;
}

export interface BuiltDeployment {
  readonly name: string;
  /** Options set in code, by the reference's field names, only those supplied. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Names of the deployments it holds handles to. */
  readonly outbound: readonly string[];
}

export interface DeploymentRecord {
  readonly application: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly config: EffectiveDeploymentConfig;
  /** Names of the options that code or config set. */
  readonly userConfigured: readonly string[];
  /** A replica whose `restart` differs is replaced; one whose `settings` differs is reconfigured. */
  readonly version: DeploymentVersion;
  readonly target: DeploymentTarget;
  readonly ingress: boolean;
  readonly outbound: readonly string[];
  readonly status: DeploymentStatus;
  readonly trigger: DeploymentStatusTrigger;
  readonly message: string;
  /** Failed starts in a row of the present version. */
  readonly failures: number;
  /** Whether a replica of the present version has ever run. */
  readonly everRan: boolean;
  /** How long the last replica that came up took from its start, in ms; absent before the first. */
  readonly lastStartMs?: number;
  /** Whether the present version is replacing an older one; `failed` is frozen until the version changes. */
  readonly rollout: "none" | "active" | "failed";
  /** When the present version was wanted, or a replica of it last became ready; see progress-state.ts. */
  readonly progressAt?: number;
  /** What the revision before runs here while a canary is tried; absent without one, and where both run the same. */
  readonly stable?: { readonly version: DeploymentVersion; readonly config: EffectiveDeploymentConfig };
  readonly lastError: string;
  /** Why its scaling policy decides nothing, or what it warns of; absent where all is well. */
  readonly policyFailure?: string;
  /** How its request router failed lately; absent where it did not. */
  readonly routerFailure?: RouterFailure;
  readonly deleting: boolean;
  readonly replicaCounts: Readonly<Partial<Record<ReplicaStateName, number>>>;
  /** The last replicas that ended, newest first; bounded. */
  readonly recentDead: readonly DeadReplica[];
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A request router of the user's that fails, as routers tell; see router-failure-state.ts. */
export interface RouterFailure {
  /** `request_router_class`. */
  readonly router: string;
  /** Tells one version of its code and arguments from the next. */
  readonly version: string;
  /** `load`, `error`, `late`, `nonsense` or `hook`. */
  readonly reason: string;
  /** The newest error in one line. */
  readonly error: string;
  /** How many faults since `since`. */
  readonly count: number;
  readonly since: number;
  /** When routers last told of one, as far as that is written. */
  readonly at: number;
}

export interface DeploymentVersion {
  readonly restart: string;
  readonly settings: string;
  readonly bundlePath: string;
  readonly exportName: string;
  /** The unpacked `runtime_env.working_dir` it runs in; absent: the application's base dir. */
  readonly workingDir?: string;
  /** The bundle of the user's request router; absent: a built-in one chooses. */
  readonly requestRouter?: { readonly bundlePath: string; readonly exportName: string };
}

export interface DeploymentTarget {
  readonly replicas: number;
  readonly owner: "config" | "autoscaler" | "external" | "manual";
  readonly reason: string;
  readonly since: number;
  /** request_id of the last external write, for idempotency. */
  readonly requestId: string;
  /** The owner that the last external write named; absent without. */
  readonly by?: string;
  /** Who may set the target; absent: anybody who may scale. */
  readonly lease?: LeaseRecord;
  /** The highest fence accepted in the deployment's life; absent: none was sent. */
  readonly fence?: number;
}

/** The right of one named scaler to set a target. */
export interface LeaseRecord {
  readonly owner: string;
  /** null: without end. */
  readonly expiresAt: number | null;
  /** What follows the end. */
  readonly fallback: "hold" | "floor" | "policy";
}

export interface ReplicaRecord {
  readonly id: string;
  readonly application: string;
  readonly deployment: string;
  readonly deploymentUid: string;
  readonly version: DeploymentVersion;
  readonly state: ReplicaState;
  /** null until the process was seen to run. */
  readonly process: ProcessIdentity | null;
  readonly dataSocket: string;
  readonly controlSocket: string;
  /** Where it takes requests: the data socket; of a command "plain:<socket>" or "plain:127.0.0.1:PORT"; "" until ready. */
  readonly address: string;
  /** What it takes of the node from its start on, by the reference's names; absent in records of earlier versions. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Ids of the GPUs it was given; absent without any. */
  readonly gpus?: readonly string[];
  readonly startedAt: number;
  readonly updatedAt: number;
}

export interface DeadReplica {
  readonly id: string;
  readonly pid: number | null;
  readonly startedAt: number;
}

/** Tells a process from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the system's own ticks (field 22 of /proc/PID/stat, or `ps -o lstart`). */
  readonly startTime: string;
  readonly bootId: string;
}

/** See replica-state.ts for the transitions. */
export type ReplicaState =
  /** Not started yet: the node has no room for it. */
  | { readonly kind: "waiting"; readonly since: number }
  | { readonly kind: "starting"; readonly since: number }
  | { readonly kind: "recovering"; readonly since: number; readonly was: "starting" | "running" | "updating" }
  | { readonly kind: "running"; readonly since: number }
  | { readonly kind: "updating"; readonly since: number; readonly to: DeploymentVersion }
  | {
      readonly kind: "stopping";
      readonly since: number;
      /** unrouting: routers still may know it. draining: told to stop. killed: SIGKILL was sent. */
      readonly stage: "unrouting" | "draining" | "killed";
      readonly deadline: number;
    };

export interface ProxyRecord {
  readonly id: string;
  readonly pid: number;
  readonly state: "starting" | "healthy" | "unhealthy" | "draining";
}

/** What happened and was asked for, in order; a bounded ring. */
export type JournalRecord = { readonly at: number; readonly actor: string } & (
  | { readonly kind: "config-applied"; readonly applications: readonly string[]; readonly deleted: readonly string[] }
  | { readonly kind: "application-deleted"; readonly application: string }
  | {
      readonly kind: "scale";
      readonly application: string;
      readonly deployment: string;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
      readonly requestId: string;
      /** Absent where the write sent none. */
      readonly owner?: string;
      readonly fence?: number;
    }
  | {
      readonly kind: "lease-ended";
      readonly application: string;
      readonly deployment: string;
      readonly owner: string;
      readonly from: number;
      readonly to: number;
    }
  | {
      readonly kind: "rollback";
      readonly application: string;
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  | {
      readonly kind: "canary";
      readonly application: string;
      readonly revision: number;
      /** "started", "step 2 of 3", "paused", "promoted", "aborted". */
      readonly event: string;
      readonly reason: string;
    }
  | {
      readonly kind: "transition";
      readonly application: string;
      readonly deployment: string;
      readonly from: string;
      readonly to: string;
      readonly message: string;
    }
  | { readonly kind: "instance"; readonly state: string }
  | { readonly kind: "token-rotated"; readonly application: string }
  | { readonly kind: "retry"; readonly application: string }
);

/** What a build left on disk: the bundle, unless there is no code, and unpacked working dirs. */
export function builtPaths({ bundlePath, workingDirs, policies, routers }: BuiltApplication): string[] {
  const folders = Object.values(workingDirs ?? {}).map(({ path }) => path);
  const bundles = [policies, routers].flatMap((built) => Object.values(built ?? {}).map((each) => each.bundlePath));
  return [bundlePath, ...folders, ...bundles].filter((path) => path !== "");
}

const folder = (kind: string) => interned((a, d) => `${kind}/${encodeURIComponent(a)}/${encodeURIComponent(d)}/`);
const record = (kind: string) => interned((a, d) => `${kind}/${encodeURIComponent(a)}/${encodeURIComponent(d)}`);
const deploymentKey = record("deployment");
const replicaFolder = folder("replica");
const [scalingKey, shadowKey] = [record("autoscaling"), record("shadow")];
const [traceFolder, shadowTraceFolder] = [folder("trace"), folder("shadow-trace")];

export const keys = {
  instance: "instance",
  application: (application: string) => `application/${encodeURIComponent(application)}`,
  deployment: deploymentKey,
  /** Under which all replicas of a deployment are. */
  replicas: replicaFolder,
  replica: (application: string, deployment: string, id: string) => `${replicaFolder(application, deployment)}${id}`,
  revision: (application: string, number: number) =>
    `revision/${encodeURIComponent(application)}/${String(number).padStart(8, "0")}`,
  proxy: (id: string) => `proxy/${id}`,
  scaling: (application: string, deployment: string, shadow = false) =>
    (shadow ? shadowKey : scalingKey)(application, deployment),
  /** Under which all that is recorded of a deployment's decisions is. */
  traces: (application: string, deployment: string, shadow: boolean) =>
    (shadow ? shadowTraceFolder : traceFolder)(application, deployment),
  trace: (application: string, deployment: string, sequence: number, shadow = false) =>
    `${keys.traces(application, deployment, shadow)}${String(sequence).padStart(8, "0")}`,
  decision: (application: string, deployment: string, shadow = false) =>
    `${shadow ? "shadow-" : ""}decision/${encodeURIComponent(application)}/${encodeURIComponent(deployment)}`,
  token: (id: string) => `token/${id}`,
  journal: (sequence: number) => `journal/${String(sequence).padStart(16, "0")}`,
} as const;

/** Name of the application in the store key of a deployment. */
export function applicationIn(key: string): string {
  return decodeURIComponent(key.slice(key.indexOf("/") + 1, key.lastIndexOf("/")));
}

/** Name of the deployment in its store key. */
export function nameIn(key: string): string {
  return decodeURIComponent(key.slice(key.lastIndexOf("/") + 1));
}

/** The state's name as users see it. */
export function replicaStateName(state: ReplicaState): ReplicaStateName {
  // The reference knows no other name for a replica that is pending.
  return state.kind === "waiting" ? "STARTING" : (state.kind.toUpperCase() as ReplicaStateName);
}
