/**
 * What the process that runs application code tells the SDK: one object for all copies of the SDK, so that it is
 * found by code that brought its own.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";
import { MetricSet } from "../observability/metric-set.ts";
import type { WebSocketUpgrade, WebSocketUpgradeOptions } from "./websocket.ts";

/** Where application code runs. */
export interface ReplicaContext {
  readonly appName: string;
  readonly deployment: string;
  /** Unique within the instance. */
  readonly replicaId: string;
  /** The instance of the deployed class; null while it is being constructed. */
  readonly servableObject: unknown;
}

/** The request that application code works on. */
export interface RequestContext {
  readonly requestId: string;
  /** Empty: none was asked for. */
  readonly multiplexedModelId: string;
  /** The session it belongs to; empty or absent: none was named. */
  readonly sessionId?: string;
  /** The revision of the application it goes to, while two share the requests; 0: there is one. */
  readonly revision?: number;
  /** The prefix that it came by over HTTP, also where it is a call made for such a request; empty or absent: none. */
  readonly route?: string;
  /** How urgent it is, from -9 to 9; calls made for it are as urgent unless they say something else. Absent: 0. */
  readonly priority?: number;
  /** Aborts when the request is cancelled; calls made for it end with it. */
  readonly signal: AbortSignal;
  /** Takes the request for a websocket; absent where it asks for none. */
  upgradeWebSocket?(options: WebSocketUpgradeOptions): WebSocketUpgrade;
  /** Has `listener` called once the request has ended: its answer was sent, or nobody waits for it any more. */
  onEnd?(listener: () => void): void;
}

/** The calls that share a batch, see {@link getBatchContext}. */
export interface BatchContext {
  /** The request of each call, in the order of the inputs; undefined for a call that belongs to none. */
  readonly requests: readonly (RequestContext | undefined)[];
  /** The id of each request; empty for a call that belongs to none. */
  readonly requestIds: readonly string[];
}

/** One call of another deployment. */
export interface HandleCall {
  readonly application: string;
  readonly deployment: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly requestId: string;
  readonly multiplexedModelId: string;
  /** The session it belongs to; empty or absent: none. */
  readonly sessionId?: string;
  /** Of the request it is made for; 0 or absent: none. */
  readonly revision?: number;
  /** That of the request it is made for; empty or absent: none. */
  readonly route?: string;
  /** From -9 to 9. Absent: 0. */
  readonly priority?: number;
  /** null: no limit. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal;
}

/** Places calls on replicas. Rejects with the errors of errors.ts. */
export interface CallRouter {
  unary(call: HandleCall): Promise<unknown>;
  stream(call: HandleCall): AsyncIterable<unknown>;
}

/** Where code of an application runs that shares its process with others, as in tests. */
export interface Place {
  readonly replica: ReplicaContext;
  readonly router: CallRouter;
  /** What its code counts; absent: the process's. */
  readonly metrics?: MetricSet;
}

/** State shared by all copies of the SDK in a process. */
export interface WindlassRuntime {
  replica: ReplicaContext | null;
  /** null where no calls can be made. */
  router: CallRouter | null;
  /** Beats `replica` and `router` where several deployments run in one process. */
  readonly places: AsyncLocalStorage<Place>;
  readonly requests: AsyncLocalStorage<RequestContext>;
  /** Time for what waits inside application code. Outside of Windlass, as in its author's tests, the system's. */
  clock: Clock;
  readonly random: Random;
  /** Whether Windlass runs this process and imports the application's modules in it. */
  hosted: boolean;
  /** What the SDK counts in application code. */
  readonly metrics: MetricSet;
  /** The batch that application code works on. */
  readonly batches: AsyncLocalStorage<BatchContext>;
  /** Models that caches hold or load; a replica tells routers of them. */
  readonly models: ModelRegistry;
}

/** See {@link WindlassRuntime.models}. */
export interface ModelRegistry {
  readonly caches: Set<ModelIds>;
  /** Called when the ids may have changed. */
  onChange: () => void;
}

/** The models of one cache. */
export interface ModelIds {
  /** Of models that are there or will soon be. */
  ids(): Iterable<string>;
  /** Of those that are there. */
  held(): Iterable<string>;
  /** Unloads all; for when the replica ends. */
  close(): Promise<void>;
}

const KEY: unique symbol = Symbol.for("windlass.runtime");

/** The process's runtime state. */
export function runtime(): WindlassRuntime {
  const holder = globalThis as { [KEY]?: WindlassRuntime };
  holder[KEY] ??= {
    replica: null,
    router: null,
    places: new AsyncLocalStorage(),
    requests: new AsyncLocalStorage(),
    clock: systemClock,
    random: systemRandom,
    hosted: false,
    metrics: new MetricSet(),
    batches: new AsyncLocalStorage(),
    models: { caches: new Set(), onChange: () => {} },
  };
  return holder[KEY];
}

/**
 * Where this code runs: application, deployment, replica. Throws outside a replica, at a module's top level in the
 * builder for one.
 */
export function getReplicaContext(): ReplicaContext {
  const { replica: only, places } = runtime();
  const replica = places.getStore()?.replica ?? only;
  if (replica === null) {
    throw new Error("getReplicaContext() works only inside a replica: call it in a constructor or a method");
  }
  return replica;
}

/**
 * The request that this code works on, however it came: its id, its model, and the signal that aborts when nobody waits for
 * its answer any more. undefined outside of one, as in constructors. Methods that handles call have no other way to learn it.
 */
export function getRequestContext(): RequestContext | undefined {
  return runtime().requests.getStore();
}

/** The calls that share the present batch; undefined outside of a function given to `batch`. */
export function getBatchContext(): BatchContext | undefined {
  return runtime().batches.getStore();
}

/** The model id of the present request, in a batch of all its requests; empty without one or outside a request. */
export function getMultiplexedModelId(): string {
  return runtime().requests.getStore()?.multiplexedModelId ?? "";
}

/** The session of the present request, in a batch that of its first; empty without one or outside a request. */
export function getSessionId(): string {
  return runtime().requests.getStore()?.sessionId ?? "";
}
