import { pathToFileURL } from "node:url";
import type { Clock } from "../core/clock.ts";
import type { BuildResult } from "../engine/engine.ts";
import { walkGraph } from "../sdk/graph.ts";
import { applicationFromExport, NotAnApplicationError } from "../sdk/load.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { bundleApplication } from "./bundle.ts";
import type { BuilderOutcome, BuilderRequest } from "./protocol.ts";
import { BuildError, resolveImportPath } from "./resolve.ts";

/** What a build needs beside its request. */
export interface BuildContext {
  readonly clock: Clock;
  /** URL of the running SDK, which `import "windlass"` in bundles becomes. */
  readonly sdkUrl: string;
  /** Milliseconds that loading the module and its builder function may take. */
  readonly importTimeoutMs: number;
}

/** Bundles, imports and inspects an application. Runs its code in this process. Never throws. */
export async function buildApplication(request: BuilderRequest, context: BuildContext): Promise<BuilderOutcome> {
  try {
    return { ok: true, result: await inspect(request, context) };
  } catch (error) {
    const known = error instanceof BuildError || error instanceof NotAnApplicationError;
    if (error instanceof NotAnApplicationError) return failed(`import_path "${request.importPath}": ${error.message}`);
    return failed(known ? (error as Error).message : userErrorLine(error, request.baseDir));
  }
}

function failed(error: string): BuilderOutcome {
  return { ok: false, error };
}

async function inspect(request: BuilderRequest, context: BuildContext): Promise<BuildResult> {
  const { baseDir, bundlesDir } = request;
  const { file, exportName } = resolveImportPath(request.importPath, baseDir);
  const bundle = await bundleApplication({ file, baseDir, bundlesDir, sdkUrl: context.sdkUrl });
  const application = await withDeadline(context, request.importPath, async () => {
    const module = (await import(pathToFileURL(bundle.path).href)) as Record<string, unknown>;
    return applicationFromExport(module, exportName, request.args);
  });
  const graph = walkGraph(application, exportName);
  return {
    bundlePath: bundle.path,
    bundleHash: bundle.hash,
    exportName,
    ingress: graph.ingress,
    deployments: graph.nodes.map(({ name, spec, outbound }) => {
      const { name: _, ...options } = spec.options;
      return { name, options, outbound };
    }),
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
