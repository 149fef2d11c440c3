import { applicationName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { type Api, withApi } from "../api.ts";
import { allRunning, applicationNames, applyConfig, followApplications } from "../apply.ts";
import type { CliContext } from "../context.ts";
import { loadTarget } from "../load-config.ts";
import type { RuntimeEnvFlags } from "../runtime-env.ts";
import { presentRevisions, refuseTakenBack } from "../taken-back.ts";

/** Options of `windlass deploy`. */
export interface DeployOptions extends RuntimeEnvFlags {
  /** Name of the application at an import path. */
  readonly name?: string;
  /** Try again what had failed: builds, and starts that were given up or frozen. */
  readonly retry?: boolean;
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
    const before = options.wait ? await presentRevisions(api, names) : new Map<string, bigint>();
    const accepted = await applyConfig(api, ctx, loaded);
    ctx.out(`${what}: accepted at revision ${accepted}\n`);
    const revision = options.retry ? await retryAll(api, names, accepted) : accepted;
    if (!options.wait) {
      ctx.out("follow it with `windlass status` or `windlass watch`\n");
      return;
    }
    await followApplications(api, ctx, names, {
      progress: (seen) => allRunning(seen, names, revision),
      timeoutS: options.timeout,
      signal: ctx.stopped(),
    });
    await refuseTakenBack(api, before);
    ctx.out(`${names.join(", ") || "nothing"}: running\n`);
  });
}

/** Resolves with the store's revision that holds all of it. */
async function retryAll(api: Api, names: readonly string[], accepted: bigint): Promise<bigint> {
  let revision = accepted;
  for (const name of names) {
    const answer = await api.applications.retryApplication({ name: applicationName(name) });
    if (answer.revision > revision) revision = answer.revision;
  }
  return revision;
}
