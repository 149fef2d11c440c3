import { applicationName } from "../../core/names.ts";
import { randomId } from "../../core/random.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import { allRunning, followApplications } from "../apply.ts";
import type { CliContext } from "../context.ts";
import { refuseTakenBack } from "../taken-back.ts";

/** Options of `windlass rollback`. */
export interface RollbackOptions {
  /** Number of the revision; undefined is the last one that was up. */
  readonly to?: number;
  /** Why, for the history. */
  readonly reason?: string;
  /** Wait until the application runs. */
  readonly wait?: boolean;
  /** Seconds to wait; undefined is no limit. */
  readonly timeout?: number;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

/** `windlass rollback`: puts an earlier revision of one application in force again. */
export async function rollback(
  ctx: CliContext,
  target: Target,
  application: string,
  options: RollbackOptions,
): Promise<void> {
  await withApi(
    target,
    async (api) => {
      const answer = await api.applications.rollbackApplication({
        name: applicationName(application),
        toRevision: BigInt(options.to ?? 0),
        requestId: randomId(ctx.random, 20),
        reason: options.reason ?? "",
        validateOnly: options.dryRun ?? false,
      });
      if (options.dryRun) {
        ctx.out(`${application}: would go back to revision ${answer.rolledBackTo}; nothing was changed\n`);
        return;
      }
      const number = answer.application?.revision ?? 0n;
      ctx.out(`${application}: goes back to revision ${answer.rolledBackTo}, as revision ${number}\n`);
      if (!options.wait) return;
      await followApplications(api, ctx, [application], {
        progress: (seen) => allRunning(seen, [application], answer.revision),
        timeoutS: options.timeout,
        signal: ctx.stopped(),
      });
      await refuseTakenBack(api, new Map([[application, number]]));
      ctx.out(`${application}: running\n`);
    },
    "windlass status",
  );
}
