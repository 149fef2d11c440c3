import { deploymentName } from "../../core/names.ts";
import { randomId } from "../../core/random.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { waitFor } from "../progress.ts";
import { type ScaleGoal, scaleProgress } from "../rollout.ts";

/** Options of `windlass scale`. */
export interface ScaleOptions {
  /** Wait until exactly the wanted replicas are RUNNING. */
  readonly wait?: boolean;
  /** Seconds to wait; undefined is no limit. */
  readonly timeout?: number;
  /** Why, for the journal. */
  readonly reason?: string;
}

/** `windlass scale`: sets a deployment's number of replicas. */
export async function scale(
  ctx: CliContext,
  target: Target,
  goal: { application: string; deployment: string; replicas: number },
  options: ScaleOptions,
): Promise<void> {
  await withApi(target, async (api) => {
    const name = deploymentName(goal.application, goal.deployment);
    const answer = await api.deployments.scaleDeployment({
      name,
      targetNumReplicas: goal.replicas,
      requestId: randomId(ctx.random, 20),
      reason: options.reason ?? "",
    });
    const what = `${goal.application}/${goal.deployment}`;
    ctx.out(`${what}: target ${answer.previousTargetNumReplicas} -> ${goal.replicas}\n`);
    if (!options.wait) return;
    const wanted: ScaleGoal = { ...goal, generation: answer.deployment?.generation ?? 0n };
    await waitFor(api, ctx, {
      name,
      concerns: (changed) => changed === name,
      progress: (seen) => scaleProgress(seen, wanted),
      timeoutS: options.timeout,
      signal: ctx.stopped(),
    });
    ctx.out(`${what}: ${goal.replicas} running\n`);
  });
}
