/** From a `policy_function` to something that can be asked. */
import { pathToFileURL } from "node:url";
import { type BundleRequest, bundleApplication, endBundler } from "../builder/bundle.ts";
import { BuildError, resolveImportPath, resolveInZip } from "../builder/resolve.ts";
import { isQueuePolicy, PROMETHEUS_POLICY, policyKind, readPrometheusKwargs } from "../config/policy-kwargs.ts";
import { readQueueKwargs } from "../config/queue-kwargs.ts";
import type { Clock } from "../core/clock.ts";
import { isClass } from "../sdk/brands.ts";
import { type LoadedPolicy, PolicyError } from "./policy.ts";
import { prometheusPolicy } from "./prometheus.ts";
import type { HostPlace, LoadRequest } from "./protocol.ts";
import { queuePolicy } from "./queue.ts";
import { readQueue } from "./queue-brokers.ts";

/** What loading needs beside the request. */
export interface LoadContext {
  readonly place: HostPlace;
  readonly clock: Clock;
  /** URL of the running SDK, which `import "windlass"` in policies becomes. */
  readonly sdkUrl: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Loads a policy; a class gets its arguments here, a function with each call. Throws what user code throws. */
export async function loadPolicy(request: LoadRequest, context: LoadContext): Promise<LoadedPolicy> {
  const { policyFunction, kwargs } = request;
  if (policyFunction === PROMETHEUS_POLICY) {
    const read = readPrometheusKwargs(kwargs);
    if (!read.ok) throw new PolicyError(read.issues[0]?.message ?? "wrong policy_kwargs");
    return prometheusPolicy(read.kwargs, context);
  }
  if (isQueuePolicy(policyFunction)) {
    const read = readQueueKwargs(kwargs);
    if (!read.ok) throw new PolicyError(read.issues[0]?.message ?? "wrong policy_kwargs");
    return queuePolicy(read.kwargs, context.clock, readQueue);
  }
  if (policyKind(policyFunction) === "requests") {
    throw new PolicyError("is the request-based policy, which decides for one deployment; name a function of your own");
  }
  const { bundlePath, exportName } = request.built ?? (await bundlePolicy(policyFunction, context));
  const module = (await import(pathToFileURL(bundlePath).href)) as Record<string, unknown>;
  return asPolicy(module, exportName, kwargs);
}

async function bundlePolicy(
  policyFunction: string,
  { place, sdkUrl }: LoadContext,
): Promise<{ bundlePath: string; exportName: string }> {
  const { baseDir, workingDir, bundlesDir } = place;
  const codeDir = workingDir ?? baseDir;
  try {
    const resolve = workingDir === null ? resolveImportPath : resolveInZip;
    const { file, exportName } = resolve(policyFunction, codeDir);
    const bundlePath = await bundle({ file, baseDir: codeDir, packagesDir: baseDir, bundlesDir, sdkUrl });
    return { bundlePath, exportName };
  } catch (error) {
    if (error instanceof BuildError) throw new PolicyError(error.message.replace(/^import_path ".*?"(?:: | )/, ""));
    throw error;
  }
}

/** Bundles under way: what they share ends with the last of them. */
let bundling = 0;

async function bundle(request: BundleRequest): Promise<string> {
  bundling += 1;
  try {
    return (await bundleApplication(request)).path;
  } finally {
    bundling -= 1;
    if (bundling === 0) await endBundler();
  }
}

function asPolicy(
  module: Readonly<Record<string, unknown>>,
  exportName: string,
  kwargs: Readonly<Record<string, unknown>>,
): LoadedPolicy {
  if (!Object.hasOwn(module, exportName)) {
    const names = Object.keys(module);
    const has = names.length === 0 ? "nothing" : names.join(", ");
    throw new PolicyError(`no export "${exportName}": the module exports ${has}`);
  }
  const exported = module[exportName];
  if (isClass(exported)) {
    const instance = new exported(kwargs);
    if (hasDecide(instance)) return (input) => instance.decide(input);
    throw new PolicyError(`class "${exportName}" has no method decide(input); add it`);
  }
  if (typeof exported === "function") return (input) => (exported as (...args: unknown[]) => unknown)(input, kwargs);
  throw new PolicyError(`export "${exportName}" must be a function, or a class with decide(input)`);
}

function hasDecide(value: object): value is { decide(input: unknown): unknown } {
  return "decide" in value && typeof value.decide === "function";
}
