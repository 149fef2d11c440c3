/** Schemas of `rollout`: how a deployment is updated, and how a new revision of its application is tried first. */
import * as z from "zod";
import { ANALYSIS_DEFAULTS as A, ROLLOUT_DEFAULTS as R } from "./defaults.ts";
import { show } from "./describe.ts";
import { converted, laxBool, laxFloat, laxInt, optional, required, rules, strictObject } from "./schema-fields.ts";
import type { Fault } from "./schema-types.ts";
import type { CanaryStep, ReplicaAmount, RolloutConfig } from "./types.ts";

const AMOUNT_LABEL = 'a whole number >= 0 or a percentage such as "25%", at most "100%"';
const AMOUNT_JSON = {
  anyOf: [
    { type: "integer", minimum: 0 },
    { type: "string", pattern: "^(?:100|[0-9]{1,2})%$" },
  ],
};

function readAmount(raw: unknown): { value: ReplicaAmount } | Fault {
  const text = typeof raw === "string" ? raw.trim() : raw;
  const count = typeof text === "string" && /^\d+$/.test(text) ? Number(text) : text;
  if (Number.isInteger(count) && Number(count) >= 0) return { value: Number(count) };
  if (typeof text === "string" && /^(?:100|\d{1,2})%$/.test(text)) return { value: text as ReplicaAmount };
  return { kind: "out_of_range", message: `must be ${AMOUNT_LABEL}, got ${show(raw)}` };
}

const amount = (doc: string) =>
  optional(converted({ label: AMOUNT_LABEL, json: AMOUNT_JSON }, readAmount), { doc, update: "controller" });

/** One step of a canary. */
export const CANARY_STEP_SCHEMA = strictObject("CanaryStep", {
  weight: required(laxInt({ min: 1, max: 99 }), {
    doc: "Percent of the requests that the new revision gets; higher with each step.",
    update: "controller",
  }),
  pause_s: optional(laxFloat({ min: 0, finite: true }).nullable(), {
    doc: "Seconds until the next step; null waits for `promote`.",
    default: null,
    update: "controller",
  }),
});

function ratio(): z.ZodType<number> {
  return laxFloat({ finite: true }).superRefine(
    rules((value) =>
      value > 1
        ? undefined
        : { kind: "not_above_minimum", message: `must be a finite number > 1 or null, got ${String(value)}` },
    ),
  );
}

/** When a canary is aborted by itself. */
export const CANARY_ANALYSIS_SCHEMA = strictObject("CanaryAnalysis", {
  min_requests: optional(laxInt({ min: 1 }), {
    doc: "Requests the new revision must have answered in a step before it is judged.",
    default: A.min_requests,
    update: "controller",
  }),
  max_error_rate_increase: optional(laxFloat({ min: 0, max: 1 }), {
    doc: "By how much its part of failed requests may exceed the old revision's, 0 to 1.",
    default: A.max_error_rate_increase,
    update: "controller",
  }),
  max_latency_ratio: optional(ratio().nullable(), {
    doc: "How many times the old revision's latency its own may be; null does not look at latency.",
    default: A.max_latency_ratio,
    update: "controller",
  }),
  latency_quantile: optional(laxFloat({ min: 0.5, max: 0.99 }), {
    doc: "The quantile of latency that is compared.",
    default: A.latency_quantile,
    update: "controller",
  }),
});

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What keeps a caller on one revision. */
export const CANARY_STICKY_SCHEMA = strictObject("CanarySticky", {
  header: required(
    z
      .string()
      .superRefine(
        rules((name) =>
          HEADER_NAME.test(name)
            ? undefined
            : { kind: "not_supported", message: `must be the name of a header, got ${show(name)}; write e.g. x-user` },
        ),
      ),
    { doc: "Requests with the same value of this header get the same revision; any case.", update: "controller" },
  ),
});

function noRoom({ max_surge: surge, max_unavailable: unavailable }: RolloutConfig): Fault | undefined {
  if (!isZero(surge) || !isZero(unavailable)) return undefined;
  const message = "has max_surge 0 and max_unavailable 0, which no update can keep; raise one of them";
  return { kind: "rollout", message };
}

/** Whether an amount is none, however it is written. */
export function isZero(amount: ReplicaAmount | undefined): boolean {
  return amount !== undefined && Number.parseInt(String(amount), 10) === 0;
}

function risingWeights(steps: readonly CanaryStep[]): Fault | undefined {
  const index = steps.findIndex((step, at) => at > 0 && step.weight <= steps[at - 1]!.weight);
  if (index < 0) return undefined;
  const weights = steps.map(({ weight }) => weight).join(", ");
  return {
    kind: "rollout",
    message: `has the weights ${weights}; each must be above the one before, and all below 100`,
  };
}

/** How a deployment is updated. */
export const ROLLOUT_SCHEMA = strictObject("Rollout", {
  max_surge: amount(
    "Replicas, or percent of them rounded up, that may be started above the target while updating; instead of max_surge_percent.",
  ),
  max_unavailable: amount(
    "Replicas, or percent of them rounded down, that may be missing while updating; instead of rolling_update_percentage.",
  ),
  auto_rollback: optional(laxBool(), {
    doc: "Goes back to the last revision that ran when an update fails to start or misses its deadline.",
    default: R.auto_rollback,
    update: "controller",
  }),
  progress_deadline_s: optional(laxFloat({ above: 0, finite: true }).nullable(), {
    doc: "Seconds an update may go without progress before it has failed; null is no limit.",
    default: R.progress_deadline_s,
    update: "controller",
  }),
  canary: optional(z.array(CANARY_STEP_SCHEMA).superRefine(rules(risingWeights)), {
    doc: "Steps in which a new revision of the application gets a growing part of the requests; on one deployment of an application only, usually its ingress.",
    default: [],
    update: "controller",
  }),
  canary_analysis: optional(CANARY_ANALYSIS_SCHEMA.nullable(), {
    doc: "When a canary is aborted by itself; null is never.",
    default: A,
    update: "controller",
  }),
  canary_sticky: optional(CANARY_STICKY_SCHEMA.nullable(), {
    doc: "What keeps a caller on one revision; null splits request by request.",
    default: null,
    update: "controller",
  }),
}).superRefine(rules(noRoom));
