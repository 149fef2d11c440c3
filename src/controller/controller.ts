/**
 * The controller's public face: the only door for api/. Reads are synchronous and from memory; writes resolve once
 * they are durable and reject with a WindlassError whose message may be shown to the caller.
 */
import type { Adjustment, DecisionRecord } from "../autoscaling/explain.ts";
import type { RecordedLoad } from "../autoscaling/recorded-load.ts";
import type { ApplicationConfig, DeployConfig, LeaseFallback, LoggingInForce } from "../config/types.ts";
import type { RouterFaultSum } from "../core/router-faults.ts";
import type { SeriesColumns } from "../core/series-table.ts";
import type { MetricFamily } from "../observability/metric-set.ts";
import type { ProxyMetrics, ReplicaMetrics } from "../observability/replica-metrics.ts";
import type { ScalingFigures } from "../observability/scaling-metrics.ts";
import type { CanaryStanding } from "./canary.ts";
import type { ColdStart } from "./cold-start.ts";
import type { LoadSampling } from "./load-sampling.ts";
import type { ApplicationPlan, DeploymentPlan, Plan } from "./plan.ts";
import type {
  ApplicationRecord,
  DeploymentRecord,
  InstanceRecord,
  ProxyRecord,
  ReplicaRecord,
  RevisionRecord,
} from "./records.ts";
import type { RevisionTraffic } from "./traffic.ts";

export { canaryWeight } from "./canary-state.ts";
export { shownMessage } from "./router-failure-state.ts";
export type { Adjustment, ApplicationPlan, CanaryStanding, DeploymentPlan, Plan, RecordedLoad };

export interface Controller {
  /** Everything as of `revision`, each list ordered by name. */
  snapshot(): Snapshot;
  application(name: string): ApplicationRecord | undefined;
  deployment(application: string, name: string): DeploymentRecord | undefined;
  /**
   * Replaces the whole desired state: `PUT /api/serve/applications/`. Makes an instance where there is none.
   * `config` has passed parse and check. Fails with INSTANCE_UNAVAILABLE while ending, INVALID_CONFIG for what only
   * the controller can know.
   */
  applyConfig(request: ApplyConfigRequest): Promise<{ revision: number; warnings: string[] }>;
  /**
   * Makes or replaces one declarative application; all else is left as it is. Makes an instance where there is none.
   * `config` has passed parse and check. Fails with NOT_FOUND unless `allowMissing`, STALE_ETAG when `etag` is given
   * and differs, INVALID_CONFIG where another application has the prefix, INSTANCE_UNAVAILABLE while ending.
   */
  putOneApplication(request: PutOneApplicationRequest): Promise<PutOneApplicationResult>;
  /**
   * Says what writes would do, and does nothing but build. Fails as they would; an application that cannot be built is
   * told in the plan. Aborting `signal` cancels the builds.
   */
  plan(request: PlanRequest, signal: AbortSignal): Promise<Plan>;
  /**
   * Does what a plan says, with the code it was made with. STALE_PLAN where it is unknown, or where what it was made on
   * has changed since. Once more, while nothing has changed after it, it answers as before.
   */
  applyPlan(request: ApplyPlanRequest): Promise<{ revision: number; warnings: string[] }>;
  /** What the plans that hold were built to: bundles and unpacked working dirs. */
  plannedPaths(): readonly string[];
  /** The webhook and ScaleDeployment; checks in the order of spec/control-plane.md 2.5. */
  scale(request: ScaleRequest): Promise<{ revision: number; previous: number; deployment: DeploymentRecord }>;
  /** NOT_FOUND unless `allowMissing`, STALE_ETAG when `etag` is given and differs. */
  deleteApplication(request: DeleteApplicationRequest): Promise<{ revision: number }>;
  /** Ends the instance; resolves once that is durable. Without an instance it has no effect. */
  endInstance(actor: string): Promise<{ revision: number }>;
  /** Resolves when the instance is absent and its proxies are gone. */
  instanceEnded(signal: AbortSignal): Promise<void>;
  /** The revisions that are kept of an application, oldest first; none where there is no such application. */
  revisions(application: string): readonly RevisionRecord[];
  /**
   * Makes a revision that equals an earlier one, its code included. Fails with NOT_FOUND where there is no such
   * application or revision, STALE_ETAG when `etag` is given and differs, NOT_POSSIBLE_NOW where there is nothing to go
   * back to or that cannot run any more, INSTANCE_UNAVAILABLE without an instance.
   */
  rollback(request: RollbackRequest): Promise<RollbackResult>;
  /**
   * Tries again what failed: the build, or starts that were given up or frozen. Without effect where nothing failed.
   * Fails with NOT_FOUND, and INSTANCE_UNAVAILABLE without an instance.
   */
  retry(request: RetryRequest): Promise<{ revision: number; application: ApplicationRecord }>;
  /** Moves a canary; NOT_FOUND, and NOT_POSSIBLE_NOW where none runs or it still starts. */
  changeCanary(request: CanaryRequest): Promise<{ revision: number; application: ApplicationRecord }>;
  /** Where the canary of an application stands, with the samples of its present step; undefined without one. */
  canary(application: string): CanaryStanding | undefined;
  /**
   * The scaling decisions on a deployment that differ from the one before them, newest first, as far as they are kept;
   * none where it is not autoscaled.
   */
  decisions(application: string, deployment: string, shadow?: boolean): Promise<readonly ScalingDecision[]>;
  /**
   * The one that held at a moment, epoch seconds, with the load and the time left of then as far as what it was made on
   * is recorded; undefined: none of then is kept.
   */
  decisionAt(
    application: string,
    deployment: string,
    atS: number,
    shadow?: boolean,
  ): Promise<ScalingDecision | undefined>;
  /** Calls back with each new decision on the deployment that differs from the one before; returns how to end that. */
  onDecision(
    application: string,
    deployment: string,
    listener: (decision: ScalingDecision) => void,
    shadow?: boolean,
  ): () => void;
  /** What is kept of the load on a deployment between two moments, epoch seconds; undefined: nothing. */
  recordedLoad(application: string, deployment: string, fromS: number, toS: number): RecordedLoad | undefined;
  /** The newest decisions of the autoscaler in numbers, of those that this process made. */
  scalingFigures(): readonly ScalingFigures[];
  /** What each replica counted, by its newest word. */
  replicaMetrics(): readonly ReplicaMetrics[];
  /** What each connected proxy counted, by its newest word. */
  proxyMetrics(): readonly ProxyMetrics[];
  /** Raises the rotation of an application's scaler token. */
  rotateToken(application: string, actor: string): Promise<ApplicationRecord>;
}

/** A scaling decision with how long the same was decided: from `sinceS` to `atS`, epoch seconds, in so many turns. */
export interface ScalingDecision extends DecisionRecord {
  readonly sinceS: number;
  readonly turns: number;
  /** Whether it is a shadow's, which nothing follows. Default: false. */
  readonly shadow?: boolean;
}

/** What is told of a deployment: the decisions that were new when it was written. Key `decision/<a>/<d>`. */
export interface DecisionNews {
  readonly application: string;
  readonly deployment: string;
  /** Oldest first; at least one. */
  readonly decisions: readonly ScalingDecision[];
}

/** What may be done to a canary. */
export interface CanaryRequest {
  readonly application: string;
  readonly verb: "promote" | "abort" | "pause" | "resume";
  /** promote: all requests at once, instead of the next step. */
  readonly full: boolean;
  /** abort: why, for the history. */
  readonly reason: string;
  readonly actor: string;
}

export interface Snapshot {
  readonly revision: number;
  readonly instance: InstanceRecord;
  readonly applications: readonly ApplicationRecord[];
  readonly deployments: readonly DeploymentRecord[];
  readonly replicas: readonly ReplicaRecord[];
  readonly proxies: readonly ProxyRecord[];
}

export interface ApplyConfigRequest {
  readonly config: DeployConfig;
  /** Absolute folder that relative import paths start from. */
  readonly baseDir: string;
  /** Who asks, for the journal: "admin", "token/<id>". */
  readonly actor: string;
}

export interface PlanRequest extends ApplyConfigRequest {
  /** Plans writes of the listed applications alone: all else is left as it is. */
  readonly onlyListed: boolean;
  /** Keeps nothing of the plan, whose token is "". Default: false. */
  readonly withoutToken?: boolean;
}

export interface ApplyPlanRequest {
  readonly token: string;
  /** Checks everything and changes nothing. */
  readonly validateOnly: boolean;
  readonly actor: string;
}

export interface PutOneApplicationRequest {
  readonly name: string;
  /** The whole config; its `name` is `name`. */
  readonly config: ApplicationConfig;
  /** Absolute folder that relative import paths start from. */
  readonly baseDir: string;
  readonly allowMissing: boolean;
  /** Fails with STALE_ETAG where there is one already. Default: false. */
  readonly onlyNew?: boolean;
  /** "" is not looked at. */
  readonly etag: string;
  /** Checks everything and changes nothing. */
  readonly validateOnly: boolean;
  /** "", or what the last write of this application had: then nothing is done. */
  readonly requestId: string;
  /** The set of applications that it belongs to from now on; absent or "": to none. */
  readonly managedBy?: string;
  /** Imperative ones are left alone by configs that do not list them. Default: declarative. */
  readonly source?: "declarative" | "imperative";
  readonly actor: string;
}

export interface PutOneApplicationResult {
  readonly revision: number;
  /** As it is now; undefined where `validateOnly` found none. */
  readonly application: ApplicationRecord | undefined;
}

export interface ScaleRequest {
  readonly application: string;
  readonly deployment: string;
  readonly target: number;
  readonly requestId: string;
  readonly reason: string;
  readonly etag: string;
  /** Name of the scaler that takes or renews the lease; absent or "": no lease is asked for. */
  readonly owner?: string;
  /** How long the lease lasts from now; absent: without end, 0: it is given up after this write. */
  readonly ttlMs?: number;
  /** What follows the lease's end; absent: what the application's config says. */
  readonly leaseFallback?: LeaseFallback;
  /** Refused when lower than one that was accepted before. */
  readonly fence?: number;
  /** Checks everything and changes nothing; the answer is what would come. */
  readonly dryRun?: boolean;
  /** Over anybody's lease; the caller was checked to be allowed that. */
  readonly force?: boolean;
  /** By hand: on any deployment that no autoscaler owns; the caller was checked to be allowed that. */
  readonly manual?: boolean;
  readonly actor: string;
}

export interface DeleteApplicationRequest {
  readonly application: string;
  readonly allowMissing: boolean;
  readonly etag: string;
  readonly actor: string;
}

export interface RollbackRequest {
  readonly application: string;
  /** 0: the newest revision before the present one that was up whole and differs from it. */
  readonly toRevision: number;
  /** "" is not looked at. */
  readonly etag: string;
  /** "", or what the last write of this application had: then nothing is done. */
  readonly requestId: string;
  /** Why, for the history. */
  readonly reason: string;
  /** Checks everything and changes nothing. */
  readonly validateOnly: boolean;
  readonly actor: string;
}

export interface RollbackResult {
  readonly revision: number;
  /** As it is now. */
  readonly application: ApplicationRecord;
  /** Number of the revision that was gone back to, or with `validateOnly` would be. */
  readonly rolledBackTo: number;
}

export interface RetryRequest {
  readonly application: string;
  readonly actor: string;
}

/** The freshness check of a record: changes with each accepted change of desired state. */
export function etagOf(record: { uid: string; generation: number }): string {
  return `${record.uid}-${record.generation}`;
}

/** Hands routing tables to routers; the runtime socket serves it. */
export interface RouteFeed {
  /** Tables for one router, the present one first; ends when `signal` aborts. A slow router skips tables. */
  watch(routerId: string, signal: AbortSignal): AsyncIterable<RouteNews>;
  /** Notes that a router applied a revision. */
  acknowledge(routerId: string, revision: number): void;
  /** Takes in how requests of split applications ended. */
  reportTraffic(traffic: readonly RevisionTraffic[]): void;
  /** Takes in what a proxy counts. */
  reportMetrics(routerId: string, families: readonly MetricFamily[]): void;
  /** Takes in how users' request routers failed. */
  reportRouterFaults(faults: readonly RouterFaultSum[]): void;
  /** Takes in what a router has to do; what is too late or about deployments nobody scales by load is passed over. */
  reportLoad(load: RouterLoad): void;
}

/** What a router is told: a table, or what is new of models; the first message has a table and all that is known. */
export interface RouteNews {
  /** Of the router's newest table. */
  readonly revision: number;
  readonly table?: RoutingTableData;
  readonly models?: readonly ReplicaModels[];
}

/** The models that a replica has or loads. */
export interface ReplicaModels {
  readonly application: string;
  readonly replicaId: string;
  readonly modelIds: readonly string[];
  /** What it told request routers of itself last: an object in JSON; absent: nothing. */
  readonly routingStatsJson?: string;
}

/** A router's report of load; windlass.runtime.v1.ReportLoadRequest as data. */
export interface RouterLoad {
  readonly routerId: string;
  /** When it was made, epoch seconds of the router's clock. */
  readonly timestampS: number;
  readonly deployments: readonly {
    readonly application: string;
    readonly deployment: string;
    /** "": requests that wait; by replica id: requests this router has there. */
    readonly series: ReadonlyMap<string, SeriesColumns>;
  }[];
}

/** A routing table with its revision; revisions only grow. */
export interface PublishedTable {
  readonly revision: number;
  readonly table: RoutingTableData;
}

/** What routers need; the same shape as windlass.runtime.v1.RoutingTable, free of the RPC library. */
export interface RoutingTableData {
  readonly routes: readonly { prefix: string; application: string; deployment: string }[];
  readonly deployments: readonly {
    application: string;
    deployment: string;
    /** `revision`: the one it runs; 0 or absent: it serves every one. */
    replicas: readonly { id: string; address: string; revision?: number }[];
    maxOngoingRequests: number;
    maxQueuedRequests: number;
    backpressureStatusCode: number;
    backpressureRetryAfterS: number | null;
    unavailable: string;
    /** While two revisions of the application share its requests; the same on each of its deployments. */
    split?: SplitData;
    /** Over the instance's; null: the instance's. */
    requestTimeoutS?: number | null;
    /** How its load is measured; absent: nothing scales it by load. */
    loadSampling?: LoadSampling;
    /** How long requests wait while no replica serves; absent: without end. */
    coldStart?: ColdStart;
    /** The ingress of an application without a route. */
    ingress?: boolean;
    /** How a replica is chosen; absent: by the power of two choices, with the default pauses. */
    requestRouting?: RequestRoutingData;
    /** Whether clients may ask for more than the normal priority; absent: no. */
    clientPriorities?: boolean;
  }[];
  readonly requestTimeoutS: number | null;
  /** Of gRPC calls; absent: no limit. */
  readonly grpcRequestTimeoutS?: number;
  /** `logging_config` of the instance; null or absent: none was given. */
  readonly logging?: LoggingInForce | null;
}

/** Which request router chooses; see windlass.runtime.v1.RequestRouting. */
export interface RequestRoutingData {
  readonly router: string;
  readonly kwargsJson: string;
  readonly bundlePath: string;
  readonly exportName: string;
  readonly initialBackoffS: number;
  readonly backoffMultiplier: number;
  readonly maxBackoffS: number;
}

/** How requests are shared between two revisions; see windlass.runtime.v1.Split. */
export interface SplitData {
  readonly stableRevision: number;
  readonly canaryRevision: number;
  /** Percent of the requests that go to the canary. */
  readonly weight: number;
  /** Empty: each request is drawn. */
  readonly stickyHeader: string;
}
