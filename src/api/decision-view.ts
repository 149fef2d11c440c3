/** Scaling decisions as the API shows them. Pure. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type ScalingDecision as Message, ScalingDecisionSchema } from "../../gen/windlass/v1/scaling_pb.ts";
import type { Adjustment, ScalingDecision } from "../controller/controller.ts";

/** As a message of windlass.v1. */
export function decisionView(decision: ScalingDecision): Message {
  const { load, desired } = decision;
  return create(ScalingDecisionSchema, {
    time: timestampFromMs(decision.atS * 1_000),
    since: timestampFromMs(decision.sinceS * 1_000),
    turns: decision.turns,
    policy: decision.policy,
    runningReplicas: decision.running,
    targetReplicas: decision.target,
    totalRequests: decision.totalRequests,
    runningFrom: load.runningFrom,
    series: load.series,
    ...(load.oldestAgeS === null ? {} : { oldestAgeS: load.oldestAgeS }),
    ...(load.newestAgeS === null ? {} : { newestAgeS: load.newestAgeS }),
    ...(desired === null ? {} : { desired }),
    adjustments: decision.adjustments.map((adjustment) => ({ ...adjustment })),
    result: decision.result,
    withoutDelays: decision.withoutDelays,
    keptBecause: decision.keptBecause ?? "",
    shadow: decision.shadow ?? false,
  });
}

/** As REST shows it. */
export function decisionBody(decision: ScalingDecision): Record<string, unknown> {
  const { load } = decision;
  return {
    time_s: decision.atS,
    since_s: decision.sinceS,
    turns: decision.turns,
    policy: decision.policy,
    running_replicas: decision.running,
    target_replicas: decision.target,
    total_requests: decision.totalRequests,
    running_from: load.runningFrom,
    series: load.series,
    oldest_age_s: load.oldestAgeS,
    newest_age_s: load.newestAgeS,
    desired: decision.desired,
    adjustments: decision.adjustments.map(adjustmentBody),
    result: decision.result,
    without_delays: decision.withoutDelays,
    kept_because: decision.keptBecause ?? "",
    shadow: decision.shadow ?? false,
  };
}

function adjustmentBody(adjustment: Adjustment): Record<string, unknown> {
  const { kind, from, to } = adjustment;
  switch (adjustment.kind) {
    case "factor":
      return { kind, from, to, factor: adjustment.factor };
    case "delay": {
      const { direction, delayS, leftS } = adjustment;
      return { kind, from, to, direction, delay_s: delayS, left_s: leftS };
    }
    case "gang":
      return { kind, from, to, gang_size: adjustment.gangSize };
    default:
      return { kind, from, to };
  }
}
