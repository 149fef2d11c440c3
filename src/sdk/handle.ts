import { randomUUID } from "node:crypto";
import { HANDLE, hasBrand, RESPONSE } from "./brands.ts";
import { RequestCancelledError } from "./errors.ts";
import { type HandleCall, runtime } from "./runtime.ts";
import type { DeploymentHandle, DeploymentResponse, DeploymentResponseGenerator, HandleOptions } from "./types.ts";

/** Method that `handle.remote()` calls. */
export const DEFAULT_METHOD = "call";

/** A handle to a deployment; calls go through the process's router. */
export function makeHandle<T = unknown>(
  application: string,
  deployment: string,
  options: HandleOptions = {},
): DeploymentHandle<T> {
  const call = (method: string) => remote(application, deployment, method, options);
  const base = {
    [HANDLE]: { application, deployment },
    options: (more: HandleOptions) => makeHandle(application, deployment, { ...options, ...more }),
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

function remote(application: string, deployment: string, method: string, options: HandleOptions) {
  return (...args: unknown[]): unknown => {
    const parent = runtime().requests.getStore();
    const controller = new AbortController();
    const call: Omit<HandleCall, "args"> = {
      application,
      deployment,
      method,
      requestId: parent?.requestId ?? randomUUID(),
      multiplexedModelId: options.multiplexedModelId ?? "",
      revision: parent?.revision ?? 0,
      timeoutMs: options.timeoutS === undefined ? null : options.timeoutS * 1000,
      signal: parent === undefined ? controller.signal : AbortSignal.any([parent.signal, controller.signal]),
    };
    const cancel = (): void =>
      controller.abort(
        new RequestCancelledError(`call of ${deployment}.${method} (request ${call.requestId}) was cancelled`),
      );
    return options.stream ? streamResponse(call, args, cancel) : valueResponse(call, args, cancel);
  };
}

/** Starts at once; arguments that are responses of other calls are awaited first. */
function valueResponse(
  call: Omit<HandleCall, "args">,
  args: unknown[],
  cancel: () => void,
): DeploymentResponse<unknown> {
  const result = resolveArgs(args).then((resolved) => router().unary({ ...call, args: resolved }));
  return {
    [RESPONSE]: "value",
    requestId: call.requestId,
    cancel,
    // biome-ignore lint/suspicious/noThenProperty: a response is awaited like a promise
    then: (onFulfilled, onRejected) => result.then(onFulfilled, onRejected),
    catch: (onRejected) => result.catch(onRejected),
  };
}

/** Starts when it is read. */
function streamResponse(
  call: Omit<HandleCall, "args">,
  args: unknown[],
  cancel: () => void,
): DeploymentResponseGenerator<unknown> {
  return {
    [RESPONSE]: "stream",
    requestId: call.requestId,
    cancel,
    async *[Symbol.asyncIterator]() {
      try {
        yield* router().stream({ ...call, args: await resolveArgs(args) });
      } finally {
        cancel();
      }
    },
  };
}

function router() {
  const { router } = runtime();
  if (router === null) throw new Error("handles work only inside a replica");
  return router;
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
