import type { DeployConfig } from "../config/types.ts";
import { applicationName } from "../core/names.ts";
import type { Api } from "./api.ts";
import type { CliContext } from "./context.ts";
import { oneLine } from "./exit.ts";
import type { LoadedConfig } from "./load-config.ts";
import { waitFor } from "./progress.ts";
import { applicationProgress, type Progress, type Seen } from "./rollout.ts";

/** Makes a config the whole desired state; prints warnings that were not printed before. Resolves with its revision. */
export async function applyConfig(api: Api, ctx: CliContext, loaded: LoadedConfig): Promise<bigint> {
  const { deployConfigToMessage } = await import("../config/message.ts");
  const answer = await api.instance.applyConfig({
    config: deployConfigToMessage(loaded.config),
    baseDir: loaded.baseDir,
  });
  for (const warning of answer.warnings) {
    if (!loaded.warnings.includes(warning)) ctx.err(`warning: ${oneLine(warning)}\n`);
  }
  return answer.revision;
}

/** Names of a config's applications. */
export function applicationNames(config: DeployConfig): string[] {
  return config.applications.map((application) => application.name ?? "default");
}

/** Waits, with progress on stderr, until `progress` is done. */
export async function followApplications(
  api: Api,
  ctx: CliContext,
  names: readonly string[],
  wait: { progress(seen: Seen): Progress; timeoutS: number | undefined; signal: AbortSignal },
): Promise<void> {
  await waitFor(api, ctx, { name: "", concerns: (changed) => belongsTo(changed, names), ...wait });
}

/** Whether a resource is one of the applications or a part of one. */
export function belongsTo(resource: string, applications: readonly string[]): boolean {
  return applications.some((application) => {
    const name = applicationName(application);
    return resource === name || resource.startsWith(`${name}/`);
  });
}

/** Done when each is RUNNING; failed as soon as one is. */
export function allRunning(seen: Seen, names: readonly string[], revision: bigint): Progress {
  const each = names.map((name) => applicationProgress(seen, name, revision));
  const failed = each.find((progress) => progress.kind === "failed");
  if (failed !== undefined) return failed;
  const missing = each.flatMap((progress) => (progress.kind === "waiting" ? [progress.missing] : []));
  return missing.length > 0 ? { kind: "waiting", missing: missing.join("; ") } : { kind: "done" };
}
