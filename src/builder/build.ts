import { pathToFileURL } from "node:url";
import { COMMAND_IMPORT_PATH } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { BuildResult } from "../engine/engine.ts";
import { walkGraph } from "../sdk/graph.ts";
import { applicationFromExport, NotAnApplicationError } from "../sdk/load.ts";
import { runtime } from "../sdk/runtime.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { bundleApplication } from "./bundle.ts";
import type { BuildPlace } from "./place.ts";
import { buildPolicies, buildRouters } from "./policies.ts";
import type { BuilderOutcome, BuilderRequest } from "./protocol.ts";
import { BuildError, resolveImportPath, resolveInZip } from "./resolve.ts";

/** What a build needs beside its request. */
export interface BuildContext {
  readonly clock: Clock;
  /** URL of the running SDK, which `import "windlass"` in bundles becomes. */
  readonly sdkUrl: string;
  /** Milliseconds that loading the module and its builder function may take. */
  readonly importTimeoutMs: number;
}

/** Bundles, imports and inspects an application. Runs its code in this process. Never throws. */
export async function buildApplication(
  request: BuilderRequest,
  place: BuildPlace,
  context: BuildContext,
): Promise<BuilderOutcome> {
  try {
    const commands = request.importPath === COMMAND_IMPORT_PATH;
    const result = await (commands ? buildCommands : inspect)(request, place, context);
    return { ok: true, result: { ...result, ...(place.workingDirs ? { workingDirs: place.workingDirs } : {}) } };
  } catch (error) {
    const known = error instanceof BuildError || error instanceof NotAnApplicationError;
    if (error instanceof NotAnApplicationError) return failed(`import_path "${request.importPath}": ${error.message}`);
    return failed(known ? (error as Error).message : userErrorLine(error, place.codeDir));
  }
}

function failed(error: string): BuilderOutcome {
  return { ok: false, error };
}

/** A build of programs: what they are stands in the config, but their scaling policies are code. */
async function buildCommands(request: BuilderRequest, place: BuildPlace, context: BuildContext): Promise<BuildResult> {
  const named = await buildNamed(request, [], place, context);
  return { bundlePath: "", bundleHash: "", exportName: "", ingress: "", deployments: [], ...named };
}

/** What config and code name beside the application itself: scaling policies and request routers. */
async function buildNamed(
  request: BuilderRequest,
  options: readonly object[],
  place: BuildPlace,
  context: BuildContext,
): Promise<Pick<BuildResult, "policies" | "routers">> {
  const policies = await buildPolicies(request, options, place, context);
  const routers = await buildRouters(request, options, place, context);
  return {
    ...(Object.keys(policies).length > 0 ? { policies } : {}),
    ...(Object.keys(routers).length > 0 ? { routers } : {}),
  };
}

async function inspect(request: BuilderRequest, place: BuildPlace, context: BuildContext): Promise<BuildResult> {
  const { codeDir, unpacked } = place;
  const { file, exportName } = unpacked
    ? resolveInZip(request.importPath, codeDir)
    : resolveImportPath(request.importPath, codeDir);
  const bundle = await bundleApplication({
    file,
    baseDir: codeDir,
    packagesDir: request.baseDir,
    bundlesDir: request.bundlesDir,
    sdkUrl: context.sdkUrl,
  });
  runtime().hosted = true;
  const application = await withDeadline(context, request.importPath, async () => {
    const module = (await import(pathToFileURL(bundle.path).href)) as Record<string, unknown>;
    return applicationFromExport(module, exportName, request.args);
  });
  const graph = walkGraph(application, exportName);
  const named = await buildNamed(
    request,
    graph.nodes.map(({ spec }) => spec.options),
    place,
    context,
  );
  return {
    bundlePath: bundle.path,
    bundleHash: bundle.hash,
    exportName,
    ingress: graph.ingress,
    deployments: graph.nodes.map(({ name, spec, outbound }) => {
      const { name: _, ...options } = spec.options;
      return { name, options, outbound };
    }),
    ...named,
  };
}

async function withDeadline<T>(
  { clock, importTimeoutMs }: BuildContext,
  importPath: string,
  work: () => Promise<T>,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = clock.timer(importTimeoutMs, () =>
    late.reject(
      new BuildError(
        `import_path "${importPath}": loading the module took longer than ${importTimeoutMs / 1000} s: ` +
          "do slow work in a constructor, not at the module's top level",
      ),
    ),
  );
  try {
    return await Promise.race([work(), late.promise]);
  } finally {
    timer.cancel();
  }
}
