/** Waiting for what a run of `windlass apply` wrote. */
import { Application_State } from "../../../gen/windlass/v1/application_pb.ts";
import { applicationName } from "../../core/names.ts";
import type { Api } from "../api.ts";
import { followApplications } from "../apply.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { outcomeOf } from "../first-deploy.ts";
import type { Seen } from "../rollout.ts";
import { refuseTakenBack } from "../taken-back.ts";
import type { RunResult } from "./run.ts";

/**
 * Waits until what did not fail is RUNNING and what was deleted is gone. Throws a CliError with a line for each that
 * failed or went back to an earlier revision.
 */
export async function waitForRun(
  api: Api,
  ctx: CliContext,
  run: RunResult,
  timeoutS: number | undefined,
): Promise<void> {
  const names = run.outcomes
    .filter(({ action }) => action !== "failed" && action !== "delete")
    .map(({ application }) => application);
  const deleted = run.outcomes.filter(({ action }) => action === "delete").map(({ application }) => application);
  let failures: readonly string[] = [];
  await followApplications(api, ctx, [...names, ...deleted], {
    progress(seen) {
      const outcome = outcomeOf(seen, names, run.revision);
      failures = outcome.failures;
      const missing = [...outcome.missing, ...stillThere(seen, deleted, run.revision)];
      return missing.length > 0 ? { kind: "waiting", missing: missing.join("; ") } : { kind: "done" };
    },
    timeoutS,
    signal: ctx.stopped(),
  });
  if (failures.length > 0) throw new CliError(EXIT.failed, failures);
  await refuseTakenBack(api, new Map([...run.before].filter(([name]) => names.includes(name))));
}

function stillThere({ applications, synced, revision }: Seen, names: readonly string[], from: bigint): string[] {
  if (names.length > 0 && !(synced && revision >= from)) return ["no news yet"];
  return names
    .filter((name) => applications.get(applicationName(name))?.state === Application_State.DELETING)
    .map((name) => `${name}: is being deleted`);
}
