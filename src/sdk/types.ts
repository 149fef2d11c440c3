import type { APPLICATION, DEPLOYMENT, HANDLE, RESPONSE } from "./brands.ts";
import type { DeploymentOptions, StoredOptions } from "./options.ts";

/** Anything that answers web requests: `{ fetch }`, as of Hono, itty-router and the like. */
export interface FetchHandler {
  fetch(request: Request): Response | Promise<Response>;
}

/**
 * A class, function or object with its options: what a replica of it runs. `T` is what handles to it can call,
 * `A` the arguments it is bound with.
 */
export interface Deployment<T = unknown, A extends readonly unknown[] = unknown[]> {
  readonly [DEPLOYMENT]: DeploymentSpec;
  /** Never set; keeps `T` and `A` apart in types. */
  readonly "~types"?: [T, A];
  /** Empty when neither the options nor the target has a name. */
  readonly name: string;
  /** A copy with `more` on top. */
  options(more: DeploymentOptions): Deployment<T, A>;
  /**
   * An application with this deployment as its ingress. The arguments go to the constructor in each replica; bound
   * applications among them, in nested arrays and plain objects too, arrive there as handles.
   */
  bind(...args: BindArgs<A>): Application<T>;
}

/** A bound deployment: deploy it by naming its export in `import_path`, or bind it to another deployment. */
export interface Application<T = unknown> {
  readonly [APPLICATION]: BoundDeployment;
  /** Never set; keeps `T` apart in types. */
  readonly "~type"?: T;
}

/** What a deployment was made of; for Windlass's own processes. */
export interface DeploymentSpec {
  readonly target: unknown;
  readonly kind: "class" | "function" | "object";
  readonly options: StoredOptions;
}

/** What `bind` was given; for Windlass's own processes. */
export interface BoundDeployment {
  readonly deployment: Deployment;
  readonly args: readonly unknown[];
}

/** What `bind` takes for a constructor's parameters. */
export type BindArgs<A extends readonly unknown[]> = { [K in keyof A]: BindArg<A[K]> };

/** A value, with applications in place of handles. */
export type BindArg<X> = X extends { readonly [HANDLE]: infer T }
  ? Application<T> | X
  : X extends ((...args: never[]) => unknown) | Date | Map<unknown, unknown> | Set<unknown> | ArrayBufferView
    ? X
    : X extends object
      ? { [K in keyof X]: BindArg<X[K]> }
      : X;

/**
 * Calls another deployment: `await handle.method.remote(...args)`, or `handle.remote(...args)` for a function or a
 * class with `call`. Arguments and results travel as structured clones.
 */
export type DeploymentHandle<T, Stream extends boolean = false> = HandleBase<T, Stream> & HandleMethods<T, Stream>;

/** The part of a handle that does not depend on the deployment's methods. */
export interface HandleBase<T, Stream extends boolean = false> {
  readonly [HANDLE]: T;
  /** A handle to the same deployment with other settings. */
  options<S extends boolean = Stream>(options: HandleOptions<S>): DeploymentHandle<T, S>;
  /** Calls the deployed function, or the method `call` of a deployed class. */
  remote: RemoteOf<T, Stream>;
}

/**
 * How urgent a request is among those that wait: a whole number from -9 to 9, or a name of one (-1, 0, 1). A step counts
 * as 10 s of waiting, so that none waits without end.
 */
export type Priority = "low" | "normal" | "high" | number;

/** Settings of the calls made through a handle. */
export interface HandleOptions<Stream extends boolean = boolean> {
  /** Read the result with `for await`: the method returns an iterator. Default false. */
  stream?: Stream;
  /** Prefer replicas that have this model. Default: none. */
  multiplexedModelId?: string;
  /** The session the calls belong to, for request routers such as `windlass:consistent-hash`. Default: none. */
  sessionId?: string;
  /** Seconds a call may take, waiting included. Default: no limit. */
  timeoutS?: number;
  /** How urgent calls are. Default: as the request they are made for, "normal" outside of one. */
  priority?: Priority;
}

type RemoteOf<T, Stream extends boolean> = T extends (...args: infer A) => infer R
  ? RemoteFunction<A, R, Stream>
  : T extends { call(...args: infer A): infer R }
    ? RemoteFunction<A, R, Stream>
    : never;

type HandleMethods<T, Stream extends boolean> = T extends (...args: never[]) => unknown
  ? unknown
  : {
      // Fields are never, instead of left out: looking at them here would not end where two classes have handles to each
      // other.
      readonly [K in Exclude<keyof T & string, "options" | "remote" | "then">]: T[K] extends (
        ...args: infer A
      ) => infer R
        ? { remote: RemoteFunction<A, R, Stream> }
        : never;
    };

/** A method as its callers see it. */
export type RemoteFunction<A extends readonly unknown[], R, Stream extends boolean> = (
  ...args: { [K in keyof A]: A[K] | DeploymentResponse<A[K]> }
) => Stream extends true ? DeploymentResponseGenerator<ItemOf<Awaited<R>>> : DeploymentResponse<Awaited<R>>;

type ItemOf<R> = R extends AsyncIterable<infer I> | Iterable<infer I> ? I : never;

/** A running call. Await it, or pass it as an argument into another call. */
export interface DeploymentResponse<T> extends PromiseLike<T> {
  readonly [RESPONSE]: "value";
  /** The id of the request this call belongs to, as in logs and `x-request-id`. */
  readonly requestId: string;
  /** Whether `cancel` was called, even where the call had ended before. */
  readonly cancelled: boolean;
  /** Ends the call; who awaits it gets a RequestCancelledError. May be repeated. */
  cancel(): void;
  catch<U>(onRejected: (reason: unknown) => U | PromiseLike<U>): Promise<T | U>;
  finally(onSettled: () => void): Promise<T>;
}

/** A running call of a handle with `stream`; its items come as the replica makes them. */
export interface DeploymentResponseGenerator<I> extends AsyncIterable<I> {
  readonly [RESPONSE]: "stream";
  /** See {@link DeploymentResponse.requestId}. */
  readonly requestId: string;
  /** Whether `cancel` was called. */
  readonly cancelled: boolean;
  /** Ends the call. Leaving a `for await` loop does so as well. */
  cancel(): void;
}
