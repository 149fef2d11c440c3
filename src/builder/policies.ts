/** Scaling policies and request routers are bundled with their application, so that a mistake is found by the deploy. */
import { policyFunctionIn } from "../config/policy-kwargs.ts";
import { routerModuleIn } from "../config/request-router.ts";
import { isRecord } from "../config/schema-types.ts";
import type { BuiltPolicy, BuiltRouter } from "../engine/engine.ts";
import type { BuildContext } from "./build.ts";
import { bundleApplication } from "./bundle.ts";
import type { BuildPlace } from "./place.ts";
import type { BuilderRequest } from "./protocol.ts";
import { BuildError, type ImportPath, resolveImportPath, resolveInZip } from "./resolve.ts";

/** What of a request policies are built from. */
export type PolicyRequest = Pick<BuilderRequest, "policies" | "shadowPolicies" | "routers" | "baseDir" | "bundlesDir">;

/**
 * Bundles the policies that the config names and those that the code does (`options` of its deployments), and looks
 * whether they are exported. None is loaded: what a module does while it is loaded is between it and the process that
 * policies run in. Throws a BuildError for one that is not there.
 */
export async function buildPolicies(
  request: PolicyRequest,
  options: readonly object[],
  place: BuildPlace,
  { sdkUrl }: Pick<BuildContext, "sdkUrl">,
): Promise<Readonly<Record<string, BuiltPolicy>>> {
  const followed = new Set([...(request.policies ?? []), ...inCode(options, "autoscaling_config")]);
  const shadows = [...(request.shadowPolicies ?? []), ...inCode(options, "autoscaling_shadow")];
  const built: Record<string, BuiltPolicy> = {};
  for (const name of new Set([...followed, ...shadows])) {
    const policy = await buildOne("policy_function", name, request, place, sdkUrl);
    built[name] = followed.has(name) ? policy : { ...policy, shadow: true };
  }
  return built;
}

/** The same for the request routers that config and code name. */
export async function buildRouters(
  request: PolicyRequest,
  options: readonly object[],
  place: BuildPlace,
  { sdkUrl }: Pick<BuildContext, "sdkUrl">,
): Promise<Readonly<Record<string, BuiltRouter>>> {
  const inCode = options.flatMap(
    (each) => routerModuleIn((each as Readonly<Record<string, unknown>>)["request_router_config"]) ?? [],
  );
  const built: Record<string, BuiltRouter> = {};
  for (const name of new Set([...(request.routers ?? []), ...inCode])) {
    built[name] = await buildOne("request_router_class", name, request, place, sdkUrl);
  }
  return built;
}

async function buildOne(
  field: "policy_function" | "request_router_class",
  name: string,
  { baseDir, bundlesDir }: PolicyRequest,
  { codeDir, unpacked }: BuildPlace,
  sdkUrl: string,
): Promise<BuiltPolicy> {
  try {
    const { file, exportName }: ImportPath = (unpacked ? resolveInZip : resolveImportPath)(name, codeDir);
    const bundle = await bundleApplication({ file, baseDir: codeDir, packagesDir: baseDir, bundlesDir, sdkUrl });
    if (bundle.exports?.includes(exportName) === false) throw new BuildError(missingExport(exportName, bundle.exports));
    return { bundlePath: bundle.path, bundleHash: bundle.hash, exportName };
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    const { message } = error;
    const said = message.startsWith("import_path ")
      ? message.replace("import_path", field)
      : `${field} "${name}": ${message}`;
    throw new BuildError(said);
  }
}

function missingExport(name: string, exported: readonly string[]): string {
  const has = exported.length === 0 ? "nothing" : exported.join(", ");
  return `no export "${name}": the module exports ${has}`;
}

function inCode(options: readonly object[], field: "autoscaling_config" | "autoscaling_shadow"): string[] {
  return options.flatMap((each) => {
    const scaling = (each as Readonly<Record<string, unknown>>)[field];
    return isRecord(scaling) ? (policyFunctionIn(scaling["policy"]) ?? []) : [];
  });
}
