/** What a user's policy is told of a simulated deployment, as the controller would tell it. */
import type { LoadCurve } from "../autoscaling/aggregate.ts";
import { shownTarget } from "../autoscaling/decide.ts";
import { NO_LOAD } from "../autoscaling/load.ts";
import { type PolicyInput, policyInput } from "../autoscaling/policy.ts";
import { emptyReports } from "../autoscaling/reports.ts";
import type { ScalingRules } from "../autoscaling/rules.ts";
import type { Series } from "../autoscaling/series.ts";
import type { ScalingState } from "../autoscaling/state.ts";
import type { AutoscalingConfig } from "../config/types.ts";

/** What is decided on. */
export interface ScaledSubject {
  readonly application: string;
  readonly deployment: string;
  readonly config: AutoscalingConfig;
  readonly rules: ScalingRules;
  /** Present: the policy of the application decides. */
  readonly together?: object;
}

/** How a simulated deployment stands. */
export interface Standing {
  readonly target: number;
  readonly running: readonly string[];
  readonly curve: LoadCurve;
  /** What waited, as the last report says. */
  readonly queued: Series;
  readonly state: ScalingState;
}

/** The input at `atS`, epoch seconds. Replicas report nothing of themselves, so there are no metrics by replica. */
export function policyQuestion(subject: ScaledSubject, standing: Standing, atS: number): PolicyInput {
  const { together, ...facts } = subject;
  const { target, running, curve, queued, state } = standing;
  const reports = emptyReports();
  const owner = { kind: "proxy", id: null } as const;
  const report = { handle: "router", owner, timestampS: atS, queued, running: new Map() };
  reports.handles.set("router", { report, receivedMonoS: 0 });
  return policyInput(
    {
      ...facts,
      runningReplicas: running,
      // To an application's policy gangs do not count.
      target: together === undefined ? shownTarget(subject.rules, target) : target,
      reports,
      load: { total: curve, source: NO_LOAD.source },
      state,
    },
    atS,
  );
}
