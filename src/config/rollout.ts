/** What `rollout` means for a deployment: the limits of an update, and the settings with their defaults. */
import type { Problem } from "../core/errors.ts";
import { ANALYSIS_DEFAULTS, DEPLOYMENT_DEFAULTS, ROLLOUT_DEFAULTS } from "./defaults.ts";
import { show } from "./describe.ts";
import { isZero } from "./schema-rollout.ts";
import type { Fault } from "./schema-types.ts";
import type { EffectiveDeploymentConfig, EffectiveRollout, ReplicaAmount, RolloutConfig } from "./types.ts";

/** How far an update may stray from the target. */
export interface RolloutLimits {
  /** Replicas that may be started above the target. */
  readonly surge: number;
  /** Replicas that may be missing below the target. */
  readonly unavailable: number;
}

/**
 * The limits of an update at `replicas` as the target. `rollout.max_surge` rounds up, `rollout.max_unavailable` down;
 * without them max_surge_percent (rounded up) and rolling_update_percentage (rounded down, at least 1) say. When an
 * explicit max_unavailable leaves no room at all, one replica may be missing.
 */
export function rolloutLimits(
  config: Pick<EffectiveDeploymentConfig, "rollout" | "max_surge_percent" | "rolling_update_percentage">,
  replicas: number,
): RolloutLimits {
  const { max_surge, max_unavailable } = config.rollout ?? {};
  const surge =
    max_surge === undefined
      ? Math.ceil((replicas * config.max_surge_percent) / 100)
      : countOf(max_surge, replicas, Math.ceil);
  if (max_unavailable === undefined) {
    return { surge, unavailable: Math.max(Math.floor(config.rolling_update_percentage * replicas), 1) };
  }
  const unavailable = countOf(max_unavailable, replicas, Math.floor);
  return { surge, unavailable: surge === 0 ? Math.max(unavailable, 1) : unavailable };
}

/** An amount at `replicas`; only percentages are rounded. */
function countOf(amount: ReplicaAmount, replicas: number, round: (value: number) => number): number {
  if (typeof amount === "number") return amount;
  return round((replicas * Number.parseInt(amount, 10)) / 100);
}

/** The settings of `rollout` with every default but the limits', which {@link rolloutLimits} knows. */
export function fillRollout(given: RolloutConfig): EffectiveRollout {
  const { canary, canary_analysis: analysis, canary_sticky: sticky, ...rest } = given;
  return {
    ...ROLLOUT_DEFAULTS,
    ...rest,
    canary: (canary ?? []).map(({ weight, pause_s = null }) => ({ weight, pause_s })),
    canary_analysis: analysis === null ? null : { ...ANALYSIS_DEFAULTS, ...analysis },
    canary_sticky: sticky ? { header: sticky.header.toLowerCase() } : null,
  };
}

/** Whether a deployment's rollout has anything to say about trying a new revision of the application. */
export function saysCanary(rollout: RolloutConfig | null | undefined): boolean {
  return (["canary", "canary_analysis", "canary_sticky"] as const).some((key) => rollout?.[key] !== undefined);
}

/**
 * What is wrong with the canaries of one application, whose deployments say with `rollout` what they were given: they
 * are about the whole application, so only one deployment may have them.
 */
export function canaryProblem(
  deployments: readonly { readonly name: string; readonly rollout?: RolloutConfig | null | undefined }[],
): string | undefined {
  const names = [...new Set(deployments.filter(({ rollout }) => saysCanary(rollout)).map(({ name }) => name))];
  if (names.length <= 1) return undefined;
  return `canary settings stand on the deployments ${names.map(show).join(", ")}; they are about the whole application, so keep them on one, usually its ingress`;
}

/** A limit that is given twice by one source. */
export function doubleLimit(value: {
  readonly rollout?: RolloutConfig | null;
  readonly max_surge_percent?: number;
  readonly rolling_update_percentage?: number;
}): Fault | undefined {
  for (const [ours, theirs] of [
    ["max_surge", "max_surge_percent"],
    ["max_unavailable", "rolling_update_percentage"],
  ] as const) {
    if (value.rollout?.[ours] === undefined || value[theirs] === undefined) continue;
    return { kind: "rollout", message: `${theirs} and rollout.${ours} say the same; remove ${theirs}` };
  }
  return undefined;
}

/** What is wrong when code and config together leave an update no room; else undefined. */
export function noRoomProblem(
  rollout: RolloutConfig | null | undefined,
  surgePercent: number = DEPLOYMENT_DEFAULTS.max_surge_percent,
): Problem | undefined {
  if (!isZero(rollout?.max_unavailable)) return undefined;
  if (rollout?.max_surge !== undefined ? !isZero(rollout.max_surge) : surgePercent > 0) return undefined;
  const message = "is 0 while no replica may be started above the target; set rollout.max_surge to at least 1";
  return { path: "rollout.max_unavailable", message };
}
