import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { ScalingDecision } from "../../gen/windlass/v1/scaling_pb.ts";

/** A scaling decision by the names of REST. */
export function decisionDocument(decision: ScalingDecision): Record<string, unknown> {
  const timeS = (time: ScalingDecision["time"]): number | null =>
    time === undefined ? null : timestampMs(time) / 1_000;
  return {
    time_s: timeS(decision.time),
    since_s: timeS(decision.since),
    turns: decision.turns,
    policy: decision.policy,
    running_replicas: decision.runningReplicas,
    target_replicas: decision.targetReplicas,
    total_requests: decision.totalRequests,
    running_from: decision.runningFrom,
    series: decision.series,
    oldest_age_s: decision.oldestAgeS ?? null,
    newest_age_s: decision.newestAgeS ?? null,
    desired: decision.desired ?? null,
    adjustments: decision.adjustments.map(({ kind, from, to, factor, direction, delayS, leftS, gangSize }) => ({
      kind,
      from,
      to,
      ...(factor === undefined ? {} : { factor }),
      ...(direction === "" ? {} : { direction, delay_s: delayS, left_s: leftS }),
      ...(gangSize === undefined ? {} : { gang_size: gangSize }),
    })),
    result: decision.result,
    without_delays: decision.withoutDelays,
    kept_because: decision.keptBecause,
    shadow: decision.shadow,
  };
}
