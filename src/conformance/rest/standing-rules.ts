/** The rules for what is waited for, and for which replicas are kept. Pure. */
import { isRecord } from "../../config/schema-types.ts";
import { type Projection, projectionOf } from "./document.ts";
import { mismatches } from "./match.ts";
import { applicationsOf, overrideIn, type RuleContext, sameStanding } from "./rules.ts";
import type { Comparison, Wait } from "./scenario.ts";

/** One deliberate difference in what is waited for. */
export interface WaitRule {
  readonly name: string;
  applies(wait: Wait, context: RuleContext): boolean;
  held(projection: Projection, wait: Wait, context: RuleContext): boolean;
  /** Nothing that follows before the next change can be compared. */
  readonly ends?: true;
}

/** The rules for waits: the first one that applies is waited for beside the condition. */
export const WAIT_RULES: readonly WaitRule[] = [
  {
    name: "contract 3, fixes: a refused PUT changes nothing",
    applies: (_, context) => context.refusedBy !== undefined,
    held: (projection, _, context) =>
      context.before !== undefined && sameStanding(projection, projectionOf(context.before)),
  },
  {
    name: "contract 3.2, T18: autoscaling set in code together with external_scaler_enabled is refused",
    applies: (wait, context) => externallyScaled(wait, context).length > 0,
    held: (projection, wait, context) =>
      externallyScaled(wait, context).every((name) => {
        const { status, message } = projection.applications[name] ?? {};
        return status === "DEPLOY_FAILED" && /external_scaler_enabled/.test(message!) && /autoscaling/.test(message!);
      }),
    ends: true,
  },
];

/** One deliberate difference in which replicas are kept. */
export interface ComparisonRule {
  readonly name: string;
  applies(comparison: Comparison, context: RuleContext): boolean;
  /** `kept` of the `now` present replicas were there before. */
  held(kept: number, now: number, comparison: Comparison): boolean;
}

/** Fields whose change the reference does not see. */
const MISSED_FIELDS = [
  "max_replicas_per_node",
  "placement_group_bundles",
  "placement_group_strategy",
  "placement_group_bundle_label_selector",
];

/** The rules for comparisons. */
export const COMPARISON_RULES: readonly ComparisonRule[] = [
  {
    name: "contract 3.2, T6: every field is compared, so a change of placement replaces the replicas",
    applies: ({ application, deployment, relation }, { desired, desiredBefore }) => {
      const now = overrideIn(desired, application, deployment) ?? {};
      const before = overrideIn(desiredBefore, application, deployment) ?? {};
      const keys = [...new Set([...Object.keys(now), ...Object.keys(before)])];
      const changed = keys.filter((key) => mismatches(before[key], now[key], "exact").length > 0);
      return relation === "same" && changed.length > 0 && changed.every((key) => MISSED_FIELDS.includes(key));
    },
    held: (kept, now, comparison) => kept === 0 && now === comparison.now,
  },
];

/** Applications of the condition that are to run and whose scaler is external. */
function externallyScaled({ condition }: Wait, { desired }: RuleContext): string[] {
  const wanted = isRecord(condition) && isRecord(condition.applications) ? condition.applications : {};
  return applicationsOf(desired)
    .filter((application) => application.external_scaler_enabled === true)
    .map(({ name }) => String(name))
    .filter((name) => isRecord(wanted[name]) && wanted[name].status === "RUNNING");
}
