/**
 * What the process that runs application code tells the SDK: one object for all copies of the SDK, so that it is
 * found by code that brought its own.
 */
import { AsyncLocalStorage } from "node:async_hooks";

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
  /** The revision of the application it goes to, while two share the requests; 0: there is one. */
  readonly revision?: number;
  /** Aborts when the request is cancelled; calls made for it end with it. */
  readonly signal: AbortSignal;
}

/** One call of another deployment. */
export interface HandleCall {
  readonly application: string;
  readonly deployment: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly requestId: string;
  readonly multiplexedModelId: string;
  /** Of the request it is made for; 0 or absent: none. */
  readonly revision?: number;
  /** null: no limit. */
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal;
}

/** Places calls on replicas. Rejects with the errors of errors.ts. */
export interface CallRouter {
  unary(call: HandleCall): Promise<unknown>;
  stream(call: HandleCall): AsyncIterable<unknown>;
}

/** State shared by all copies of the SDK in a process. */
export interface WindlassRuntime {
  replica: ReplicaContext | null;
  /** null where no calls can be made. */
  router: CallRouter | null;
  readonly requests: AsyncLocalStorage<RequestContext>;
}

const KEY: unique symbol = Symbol.for("windlass.runtime");

/** The process's runtime state. */
export function runtime(): WindlassRuntime {
  const holder = globalThis as { [KEY]?: WindlassRuntime };
  holder[KEY] ??= { replica: null, router: null, requests: new AsyncLocalStorage() };
  return holder[KEY];
}

/**
 * Where this code runs: application, deployment, replica. Throws outside a replica, at a module's top level in the
 * builder for one.
 */
export function getReplicaContext(): ReplicaContext {
  const { replica } = runtime();
  if (replica === null) {
    throw new Error("getReplicaContext() works only inside a replica: call it in a constructor or a method");
  }
  return replica;
}

/** The model id of the present request; empty without one or outside a request. */
export function getMultiplexedModelId(): string {
  return runtime().requests.getStore()?.multiplexedModelId ?? "";
}
