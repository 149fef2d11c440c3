import { APPLICATION, DEPLOYMENT, hasBrand, isClass } from "./brands.ts";
import { type DeploymentOptions, mergeOptions, type StoredOptions, toStoredOptions } from "./options.ts";
import type { Application, Deployment, DeploymentSpec, FetchHandler } from "./types.ts";

/**
 * Makes a class deployable: `deployment(Model, { numReplicas: 2 }).bind(...)`. Each replica makes one instance.
 * HTTP requests go to its `fetch(request)`, else to `call(request)`. Hooks it may have: `reconfigure(userConfig)`,
 * `checkHealth()` (throws when ill), `recordAutoscalingStats()` (metrics by name, for autoscaling policies),
 * `recordRoutingStats()` (JSON by name, for request routers), `[Symbol.asyncDispose]()` or `[Symbol.dispose]()`.
 */
export function deployment<A extends unknown[], T extends object>(
  target: new (...args: A) => T,
  options?: DeploymentOptions,
): Deployment<T, A>;
/** Makes a function deployable: HTTP requests and handle calls go to it. */
export function deployment<A extends unknown[], R>(
  target: (...args: A) => R,
  options?: DeploymentOptions,
): Deployment<(...args: A) => R, []>;
/** Makes an object with `fetch(request)` deployable. */
export function deployment<T extends FetchHandler>(target: T, options?: DeploymentOptions): Deployment<T, []>;
export function deployment(target: unknown, options?: DeploymentOptions): Deployment {
  const stored = toStoredOptions(options);
  if (hasBrand(target, DEPLOYMENT)) {
    throw new TypeError("deployment() got a deployment: use its .options() to change it");
  }
  if (typeof target === "function") {
    return make({ target, kind: isClass(target) ? "class" : "function", options: stored });
  }
  if (isFetchHandler(target)) return make({ target, kind: "object", options: stored });
  throw new TypeError(`deployment() needs a class, a function or an object with fetch(request), not ${typeof target}`);
}

/** Whether `value` has a `fetch` method. */
export function isFetchHandler(value: unknown): value is FetchHandler {
  return (
    (typeof value === "object" || typeof value === "function") &&
    value !== null &&
    typeof (value as { fetch?: unknown }).fetch === "function"
  );
}

/** Arguments are stored as they are; see graph.ts for what becomes of applications among them. */
function make(spec: DeploymentSpec): Deployment {
  return {
    [DEPLOYMENT]: spec,
    name: nameOf(spec),
    options: (more) => make({ ...spec, options: mergeOptions(spec.options, toStoredOptions(more)) }),
    bind(...args): Application {
      return { [APPLICATION]: { deployment: this, args } };
    },
  };
}

function nameOf({ target, kind, options }: { target: unknown; kind: string; options: StoredOptions }): string {
  if (typeof options.name === "string") return options.name;
  const name = kind === "object" ? (target as object).constructor?.name : (target as { name?: unknown }).name;
  // "Object" and "default" are JavaScript's names for what has none.
  return typeof name === "string" && name !== "Object" && name !== "default" ? name : "";
}
