/** Scaling policies are bundled with their application, so that a mistake is found by the deploy. */
import { policyFunctionIn } from "../config/policy-kwargs.ts";
import { isRecord } from "../config/schema-types.ts";
import type { BuiltPolicy } from "../engine/engine.ts";
import type { BuildContext } from "./build.ts";
import { bundleApplication } from "./bundle.ts";
import type { BuildPlace } from "./place.ts";
import type { BuilderRequest } from "./protocol.ts";
import { BuildError, type ImportPath, resolveImportPath, resolveInZip } from "./resolve.ts";

/** What of a request policies are built from. */
export type PolicyRequest = Pick<BuilderRequest, "policies" | "shadowPolicies" | "baseDir" | "bundlesDir">;

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
    const policy = await buildPolicy(name, request, place, sdkUrl);
    built[name] = followed.has(name) ? policy : { ...policy, shadow: true };
  }
  return built;
}

async function buildPolicy(
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
      ? message.replace("import_path", "policy_function")
      : `policy_function "${name}": ${message}`;
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
