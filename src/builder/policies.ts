/** Scaling policies are bundled with their application, so that a mistake is found by the deploy. */
import { policyFunctionIn } from "../config/policy-kwargs.ts";
import type { BuiltPolicy } from "../engine/engine.ts";
import type { BuildContext } from "./build.ts";
import { bundleApplication } from "./bundle.ts";
import type { BuildPlace } from "./place.ts";
import type { BuilderRequest } from "./protocol.ts";
import { BuildError, resolveImportPath, resolveInZip } from "./resolve.ts";

/**
 * Bundles the policies that the config names and those that the code does (`options` of its deployments). None is
 * loaded: what a module does while it is loaded is between it and the process that policies run in.
 */
export async function buildPolicies(
  request: Pick<BuilderRequest, "policies" | "baseDir" | "bundlesDir">,
  options: readonly object[],
  { codeDir, unpacked }: BuildPlace,
  { sdkUrl }: Pick<BuildContext, "sdkUrl">,
): Promise<Readonly<Record<string, BuiltPolicy>>> {
  const { baseDir, bundlesDir } = request;
  const built: Record<string, BuiltPolicy> = {};
  for (const name of new Set([...(request.policies ?? []), ...options.flatMap((each) => inCode(each) ?? [])])) {
    try {
      const { file, exportName } = unpacked ? resolveInZip(name, codeDir) : resolveImportPath(name, codeDir);
      const bundle = await bundleApplication({ file, baseDir: codeDir, packagesDir: baseDir, bundlesDir, sdkUrl });
      built[name] = { bundlePath: bundle.path, bundleHash: bundle.hash, exportName };
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      const { message } = error;
      const said = message.startsWith("import_path ")
        ? message.replace("import_path", "policy_function")
        : `policy_function "${name}": ${message}`;
      throw new BuildError(said);
    }
  }
  return built;
}

function inCode(options: { readonly autoscaling_config?: unknown }): string | undefined {
  const { autoscaling_config: scaling } = options;
  return typeof scaling === "object" && scaling !== null && "policy" in scaling
    ? policyFunctionIn(scaling.policy)
    : undefined;
}
