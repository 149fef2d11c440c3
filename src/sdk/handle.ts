import { randomUUID } from "node:crypto";
import { LATENCY_BOUNDS_MS, type MetricDeclaration } from "../observability/metric-set.ts";
import { MAX_PRIORITY, parsePriority } from "../routing/priority.ts";
import { HANDLE, hasBrand, RESPONSE } from "./brands.ts";
import { RequestCancelledError } from "./errors.ts";
import { suggest } from "./options.ts";
import { type CallRouter, type HandleCall, runtime } from "./runtime.ts";
import type { DeploymentHandle, DeploymentResponse, DeploymentResponseGenerator, HandleOptions } from "./types.ts";

/** Longest delay of a timer. */
const MAX_TIMEOUT_S = Math.floor((2 ** 31 - 1) / 1_000);

const ARGS_RESOLUTION: MetricDeclaration = {
  name: "serve_router_args_resolution_latency_ms",
  help: "Time that a call waited for those of its arguments that are responses.",
  kind: "histogram",
  labelNames: ["deployment", "application", "handle", "actor_id"],
  bounds: LATENCY_BOUNDS_MS,
  whole: true,
};

/** Method that `handle.remote()` calls. */
export const DEFAULT_METHOD = "call";

/** A handle to a deployment; calls go through `router`, by default the process's. `deployment` "": the ingress. */
export function makeHandle<T = unknown>(
  application: string,
  deployment: string,
  options: HandleOptions = {},
  router: () => CallRouter = processRouter,
): DeploymentHandle<T> {
  const call = (method: string) => remote(application, deployment, method, options, router);
  const base = {
    [HANDLE]: { application, deployment },
    options: (more: HandleOptions) => makeHandle(application, deployment, { ...options, ...checked(more) }, router),
    remote: call(DEFAULT_METHOD),
  };
  return new Proxy(base, {
    get(target, property) {
      if (Object.hasOwn(target, property)) return Reflect.get(target, property);
      // Awaiting or serialising a handle must not call anything.
      if (typeof property === "symbol" || property === "then" || property === "toJSON") return undefined;
      return { remote: call(property) };
    },
  }) as unknown as DeploymentHandle<T>;
}

function remote(
  application: string,
  deployment: string,
  method: string,
  options: HandleOptions,
  router: () => CallRouter,
) {
  return (...args: unknown[]): unknown => {
    const parent = runtime().requests.getStore();
    const controller = new AbortController();
    const call: Omit<HandleCall, "args"> = {
      application,
      deployment,
      method,
      requestId: parent?.requestId ?? randomUUID(),
      multiplexedModelId: options.multiplexedModelId ?? "",
      ...(options.sessionId ? { sessionId: options.sessionId } : {}),
      revision: parent?.revision ?? 0,
      route: parent?.route ?? "",
      priority: priorityOf(options.priority) ?? parent?.priority ?? 0,
      timeoutMs: options.timeoutS === undefined ? null : options.timeoutS * 1000,
      signal: parent === undefined ? controller.signal : AbortSignal.any([parent.signal, controller.signal]),
    };
    const started: Started = {
      call,
      args,
      router,
      get cancelled() {
        return controller.signal.aborted;
      },
      cancel: () =>
        controller.abort(
          new RequestCancelledError(`call of ${deployment}.${method} (request ${call.requestId}) was cancelled`),
        ),
    };
    return options.stream ? streamResponse(started) : valueResponse(started);
  };
}

const OPTIONS = ["stream", "multiplexedModelId", "sessionId", "timeoutS", "priority"];

/** What the value of a header may not have. */
const CONTROL = /[^\t\x20-\x7e\x80-\u{10ffff}]/u;

function priorityOf(given: HandleOptions["priority"]): number | undefined {
  return given === undefined ? undefined : parsePriority(String(given));
}

/** Throws for what no handle understands: an option that acts on nothing would be missed too late. */
function checked(options: HandleOptions): HandleOptions {
  for (const name of Object.keys(options)) {
    if (OPTIONS.includes(name)) continue;
    const near = suggest(name, OPTIONS);
    throw new TypeError(`handle.options() has no option "${name}"${near ? `: did you mean "${near}"?` : ""}`);
  }
  const { timeoutS, priority } = options;
  for (const name of ["multiplexedModelId", "sessionId"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== "string") {
      throw new TypeError(`${name} must be text, not ${typeof value}: ${String(value)}`);
    }
    if (value !== undefined && CONTROL.test(value)) {
      throw new TypeError(`${name} must have no control characters, not ${JSON.stringify(value.slice(0, 64))}`);
    }
  }
  if (priority !== undefined && priorityOf(priority) === undefined) {
    throw new RangeError(
      `priority must be "low", "normal", "high" or a whole number from -${MAX_PRIORITY} to ${MAX_PRIORITY}, not ${priority}`,
    );
  }
  if (timeoutS !== undefined && !(typeof timeoutS === "number" && timeoutS > 0 && timeoutS <= MAX_TIMEOUT_S)) {
    throw new RangeError(
      `timeoutS must be a number above 0 and at most ${MAX_TIMEOUT_S}, not ${timeoutS}; leave it out for no limit`,
    );
  }
  return options;
}

interface Started {
  readonly call: Omit<HandleCall, "args">;
  readonly args: readonly unknown[];
  readonly router: () => CallRouter;
  readonly cancelled: boolean;
  cancel(): void;
}

/** Starts at once; arguments that are responses of other calls are awaited first. */
function valueResponse(started: Started): DeploymentResponse<unknown> {
  const { call, router, cancel } = started;
  const result = resolved(started).then((resolved) => router().unary({ ...call, args: resolved }));
  return {
    [RESPONSE]: "value",
    requestId: call.requestId,
    cancel,
    get cancelled() {
      return started.cancelled;
    },
    // biome-ignore lint/suspicious/noThenProperty: a response is awaited like a promise
    then: (onFulfilled, onRejected) => result.then(onFulfilled, onRejected),
    catch: (onRejected) => result.catch(onRejected),
    finally: (onSettled) => result.finally(onSettled),
  };
}

/** Ends calls whose items nobody can read any more, though none said so: they would hold their replicas' slots for good. */
const dropped = new FinalizationRegistry<() => void>((end) => end());

/** Starts when it is read. */
function streamResponse(started: Started): DeploymentResponseGenerator<unknown> {
  const { call, router, cancel } = started;
  let left = false;
  const end = (): void => {
    left ||= !started.cancelled;
    cancel();
  };
  async function* read(): AsyncGenerator<unknown> {
    try {
      yield* router().stream({ ...call, args: await resolved(started) });
    } finally {
      end();
    }
  }
  return {
    [RESPONSE]: "stream",
    requestId: call.requestId,
    cancel,
    get cancelled() {
      return started.cancelled && !left;
    },
    [Symbol.asyncIterator]() {
      const items = read();
      dropped.register(items, end);
      return items;
    },
  };
}

function processRouter(): CallRouter {
  const state = runtime();
  const placed = state.places.getStore()?.router ?? state.router;
  if (placed !== null) return placed;
  if (state.hosted) throw new Error("handles work only inside a replica: call them in a constructor or a method");
  state.router = lazyOutside();
  return state.router;
}

/** What a program needs that is no replica, and most are. */
function lazyOutside(): CallRouter & { close(): Promise<void> } {
  let made: Promise<CallRouter & { close(): Promise<void> }> | undefined;
  const get = async (): Promise<CallRouter & { close(): Promise<void> }> => {
    made ??= import("./outside.ts").then(({ outsideRouter }) => outsideRouter());
    // What was not there may come.
    made.catch(() => {
      made = undefined;
    });
    return made;
  };
  return {
    unary: async (call) => (await get()).unary(call),
    async *stream(call) {
      yield* (await get()).stream(call);
    },
    async close() {
      const open = made;
      made = undefined;
      await (await open?.catch(() => undefined))?.close();
    },
  };
}

/**
 * Ends what handles keep open in a program that is no replica, which otherwise does not end by itself. Calls that run
 * fail; later ones open it anew. Without effect in replicas.
 */
export async function disconnect(): Promise<void> {
  const { router, hosted } = runtime();
  if (!hosted) await (router as Partial<ReturnType<typeof lazyOutside>> | null)?.close?.();
}

/** Arguments that are responses are waited for, which is counted. */
function resolved({ call: { application, deployment }, args }: Started): Promise<unknown[]> {
  if (!args.some((arg) => hasBrand(arg, RESPONSE))) return resolveArgs(args);
  const { clock, metrics, replica } = runtime();
  const sinceMs = clock.monotonic();
  return resolveArgs(args).finally(() => {
    const actorId = replica?.replicaId ?? "";
    const handle = `${application}#${deployment}#${actorId}`;
    metrics.meter(ARGS_RESOLUTION, deployment, application, handle, actorId).add(clock.monotonic() - sinceMs);
  });
}

async function resolveArgs(args: readonly unknown[]): Promise<unknown[]> {
  return Promise.all(
    args.map((arg) => {
      if (!hasBrand(arg, RESPONSE)) return [arg];
      if ((arg as { [RESPONSE]: string })[RESPONSE] === "stream") {
        throw new TypeError("a streaming response cannot be an argument: read it and pass the items");
      }
      return (arg as DeploymentResponse<unknown>).then((value) => [value]);
    }),
    // Wrapped in arrays so that Promise.all does not await arguments that happen to be thenables.
  ).then((wrapped) => wrapped.map(([value]) => value));
}
