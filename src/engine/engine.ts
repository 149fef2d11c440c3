/**
 * The engine port: where builds and replicas run. Commands never throw and never wait; what comes of them arrives as
 * events, so the reconciler decides on data alone and a simulated engine can drive it on virtual time.
 * Drivers: local/ (processes under the supervisor); test/support has a simulated one.
 */
import type { LoggingInForce } from "../config/types.ts";
import type {
  BuiltDeployment,
  BuiltPolicy,
  BuiltRouter,
  DeploymentVersion,
  ProcessIdentity,
  ReplicaRecord,
  WorkingDir,
} from "../controller/records.ts";
import type { SeriesColumns } from "../core/series-table.ts";
import type { MetricFamily } from "../observability/metric-set.ts";

export type { BuiltPolicy, BuiltRouter, WorkingDir };

export interface Engine {
  /** All events go to this one listener, set before the first command. */
  onEvent(listener: (event: EngineEvent) => void): void;
  /** Bundles and inspects an application; ends in `built` or `build-failed`. */
  build(request: BuildRequest): void;
  cancelBuild(buildId: string): void;
  /** Whether what a build left is still there; the only command that answers at once. */
  hasBundle(bundlePath: string): boolean;
  /** Runs a replica: `spawned`, then `ready` or `start-failed`; `exited` at its end, always and once. */
  start(request: StartRequest): void;
  /**
   * Finds a replica that an earlier controller started: `ready` when it serves, nothing yet while it still starts,
   * `exited` when it is gone or is not the process recorded.
   */
  adopt(record: ReplicaRecord, request: StartRequest): void;
  /** Ends in `reconfigured` or `reconfigure-failed`. */
  reconfigure(id: string, version: DeploymentVersion, settings: ReplicaSettings): void;
  /** Ends in `health`. */
  checkHealth(id: string, timeoutMs: number): void;
  /** Graceful: the replica finishes what it has begun and exits. */
  stop(id: string, timeoutMs: number): void;
  /** SIGKILL. */
  kill(id: string): void;
}

export interface BuildRequest {
  readonly buildId: string;
  /** COMMAND_IMPORT_PATH: there is no code but that of policies; the working dirs are fetched. */
  readonly importPath: string;
  readonly baseDir: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** URIs of the zips to fetch. */
  readonly workingDirs: readonly string[];
  /** Which of them `importPath` is resolved in; null: `baseDir`. */
  readonly codeDir: string | null;
  /** Scaling policies of the config, `<module>:<export>`; those of the code are found by the build. */
  readonly policies: readonly string[];
  /** Those of shadows, which nothing follows. */
  readonly shadowPolicies: readonly string[];
  /** Request routers of the config, `<module>:<export>`; those of the code are found by the build. Absent: none. */
  readonly routers?: readonly string[];
}

export interface StartRequest {
  readonly id: string;
  readonly application: string;
  readonly deployment: string;
  readonly version: DeploymentVersion;
  readonly settings: ReplicaSettings;
  readonly args: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  readonly baseDir: string;
  readonly dataSocket: string;
  readonly controlSocket: string;
  readonly routePrefix: string;
  /** Number of the application's revision it is started for; 0 before there are revisions. */
  readonly revision: number;
  /** A program to run instead of the bundle. */
  readonly command: CommandSpec | null;
}

/** Any program that serves HTTP on $PORT or $WINDLASS_SOCKET. */
export interface CommandSpec {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** From the base dir, or absolute. */
  readonly workingDir: string;
  readonly readinessPath: string;
  readonly readinessTimeoutS: number;
}

/** Live settings of a replica; a change needs no restart. */
export interface ReplicaSettings {
  readonly userConfig: unknown;
  readonly maxOngoingRequests: number;
  readonly gracefulShutdownWaitLoopS: number;
  /** `logging_config` in force; null or absent: the defaults. */
  readonly logging?: LoggingInForce | null;
  /** How the user's metrics are sampled, in seconds; absent: nothing scales by load. */
  readonly loadSampling?: {
    readonly sampleIntervalS: number;
    readonly pushIntervalS: number;
    readonly lookBackS: number;
  };
  /** How often the user's recordRoutingStats is asked, in seconds; absent: as by default. */
  readonly routingStats?: { readonly periodS: number; readonly timeoutS: number };
}

/** What a replica reports of itself. */
export interface ReplicaLoad {
  readonly application: string;
  readonly deployment: string;
  readonly id: string;
  /** When the report was made, epoch seconds of the replica's clock. */
  readonly timestampS: number;
  /** By name of the metric; null: nothing was measured yet. */
  readonly metrics: ReadonlyMap<string, SeriesColumns> | null;
  /** How calls of the user's method went since the replica came up; absent: nothing is known of them. */
  readonly calls?: StatsCalls;
}

/** How calls of a user's recordAutoscalingStats went. */
export interface StatsCalls {
  /** How long the last one took. */
  readonly latencyMs: number;
  /** How many failed, by the name of the error. */
  readonly failures: ReadonlyMap<string, number>;
}

/** Takes in what replicas report; beside the events, because nothing has to be decided or stored for it. */
export interface ReplicaLoadSink {
  replicaReported(load: ReplicaLoad): void;
  /** It has stopped. */
  replicaGone(application: string, deployment: string, id: string): void;
}

/** Which replica. */
export interface ReplicaName {
  readonly application: string;
  readonly deployment: string;
  readonly id: string;
}

/** Takes in what replicas tell of themselves; beside the events, as {@link ReplicaLoadSink}. */
export interface ReplicaWordSink {
  /** It has or loads these models, and no others. */
  modelsTold(replica: ReplicaName, modelIds: readonly string[]): void;
  /** What request routers are to know of it: an object in JSON. */
  routingStatsTold(replica: ReplicaName, json: string): void;
  /** What it counted since it came up. */
  metricsTold(replica: ReplicaName, families: readonly MetricFamily[]): void;
  /** It has stopped. */
  replicaGone(replica: ReplicaName): void;
}

export type EngineEvent =
  | { readonly kind: "built"; readonly buildId: string; readonly result: BuildResult }
  | { readonly kind: "build-failed"; readonly buildId: string; readonly error: string }
  | { readonly kind: "spawned"; readonly id: string; readonly process: ProcessIdentity }
  /** `address`: see ReplicaRecord. */
  | { readonly kind: "ready"; readonly id: string; readonly address: string }
  | { readonly kind: "start-failed"; readonly id: string; readonly error: string }
  | { readonly kind: "reconfigured"; readonly id: string; readonly settings: string }
  | { readonly kind: "reconfigure-failed"; readonly id: string; readonly error: string }
  | { readonly kind: "health"; readonly id: string; readonly error: string | null }
  | { readonly kind: "exited"; readonly id: string; readonly detail: string };

export interface BuildResult {
  readonly bundlePath: string;
  readonly bundleHash: string;
  readonly exportName: string;
  readonly ingress: string;
  readonly deployments: readonly BuiltDeployment[];
  /** What was fetched, by URI; absent without any. */
  readonly workingDirs?: Readonly<Record<string, WorkingDir>>;
  /** Scaling policies, by `policy_function`; absent without any. */
  readonly policies?: Readonly<Record<string, BuiltPolicy>>;
  /** Request routers, by `request_router_class`; absent without any. */
  readonly routers?: Readonly<Record<string, BuiltRouter>>;
}
