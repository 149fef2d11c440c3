import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Lease, Lease_Fallback } from "../../../gen/windlass/v1/deployment_pb.ts";
import { applicationName, deploymentName } from "../../core/names.ts";
import { randomId } from "../../core/random.ts";
import type { Target } from "../address.ts";
import { type Api, withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
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
  /** Check everything and change nothing. */
  readonly dryRun?: boolean;
  /** Name that takes or renews the lease. */
  readonly owner?: string;
  /** Seconds that the lease lasts; 0 gives it up. */
  readonly ttl?: number;
  readonly fence?: number;
  readonly fallback?: "hold" | "floor" | "policy";
  /** Over anybody's lease. */
  readonly force?: boolean;
}

/** `windlass scale`: sets a deployment's number of replicas. */
export async function scale(
  ctx: CliContext,
  target: Target,
  goal: { application: string; deployment: string; replicas: number },
  options: ScaleOptions,
): Promise<void> {
  const { owner = "", ttl, fence, fallback, dryRun = false, force = false } = options;
  if (dryRun && options.wait) throw new CliError(EXIT.usage, "--dry-run changes nothing to wait for; leave out --wait");
  await withApi(target, async (api) => {
    const name = deploymentName(goal.application, goal.deployment);
    const answer = await api.deployments.scaleDeployment({
      name,
      targetNumReplicas: goal.replicas,
      requestId: randomId(ctx.random, 20),
      reason: options.reason ?? "",
      owner,
      ...(ttl === undefined ? {} : { ttl: durationOf(ttl) }),
      ...(fence === undefined ? {} : { fence: BigInt(fence) }),
      leaseFallback: FALLBACKS[fallback ?? "unspecified"],
      dryRun,
      force,
      manual: await byHand(api, goal.application),
    });
    const what = `${goal.application}/${goal.deployment}`;
    const lease = answer.deployment?.lease;
    const held = lease === undefined ? "" : `; ${leaseText(lease)}`;
    const tried = dryRun ? " (dry run, nothing was changed)" : "";
    ctx.out(`${what}: target ${answer.previousTargetNumReplicas} -> ${goal.replicas}${held}${tried}\n`);
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

/** Whether the call needs a person's rights: the webhook is closed. What cannot be read is left to the call to say. */
async function byHand(api: Api, application: string): Promise<boolean> {
  try {
    const { application: found } = await api.applications.getApplication({ name: applicationName(application) });
    return found !== undefined && !found.externalScalerEnabled;
  } catch {
    return false;
  }
}

const FALLBACKS = {
  unspecified: Lease_Fallback.UNSPECIFIED,
  hold: Lease_Fallback.HOLD,
  floor: Lease_Fallback.FLOOR,
  policy: Lease_Fallback.POLICY,
} as const;

function durationOf(seconds: number): Duration {
  const whole = Math.floor(seconds);
  return create(DurationSchema, { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) });
}

function leaseText({ owner, expireTime }: Lease): string {
  const end = expireTime === undefined ? "without end" : `until ${timestampDate(expireTime).toISOString()}`;
  return `lease of ${JSON.stringify(owner)} ${end}`;
}
