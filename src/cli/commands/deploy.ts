import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import { allRunning, applicationNames, applyConfig, followApplications } from "../apply.ts";
import type { CliContext } from "../context.ts";
import { loadTarget } from "../load-config.ts";
import type { RuntimeEnvFlags } from "../runtime-env.ts";

/** Options of `windlass deploy`. */
export interface DeployOptions extends RuntimeEnvFlags {
  /** Name of the application at an import path. */
  readonly name?: string;
  /** Wait until every application runs. */
  readonly wait?: boolean;
  /** Seconds to wait; undefined is no limit. */
  readonly timeout?: number;
}

/** `windlass deploy`: makes a config, or one application by import path, the whole desired state. */
export async function deploy(
  ctx: CliContext,
  target: Target,
  what: string,
  args: readonly string[],
  options: DeployOptions,
): Promise<void> {
  const loaded = await loadTarget(ctx, what, args, options);
  const names = applicationNames(loaded.config);
  await withApi(target, async (api) => {
    const revision = await applyConfig(api, ctx, loaded);
    ctx.out(`${what}: accepted at revision ${revision}\n`);
    if (!options.wait) {
      ctx.out("follow it with `windlass status` or `windlass watch`\n");
      return;
    }
    await followApplications(api, ctx, names, {
      progress: (seen) => allRunning(seen, names, revision),
      timeoutS: options.timeout,
      signal: ctx.stopped(),
    });
    ctx.out(`${names.join(", ") || "nothing"}: running\n`);
  });
}
