/** Asks a Prometheus server beside the calls of the policy, so that a call never waits for it. */

import type { PolicyInput } from "../autoscaling/policy.ts";
import { type PrometheusReading, prometheusAnswer } from "../autoscaling/prometheus.ts";
import type { PrometheusKwargs } from "../config/policy-kwargs.ts";
import type { LoadContext } from "./load.ts";
import { Answer, type LoadedPolicy, PolicyError } from "./policy.ts";
import { queryPrometheus } from "./query.ts";

/**
 * The policy `windlass:prometheus`: each call answers from what is known and sees to it that it is asked again once
 * per `interval_s`. The last value is kept in the policy's state, so a new process begins with it.
 */
export function prometheusPolicy(kwargs: PrometheusKwargs, context: Pick<LoadContext, "clock" | "env">): LoadedPolicy {
  const { clock, env } = context;
  let reading: PrometheusReading = { sample: null, problem: null, asked: false };
  let nextAtMs = Number.NEGATIVE_INFINITY;
  const ask = async (): Promise<void> => {
    const result = await queryPrometheus(kwargs, clock, env);
    nextAtMs = clock.monotonic() + kwargs.interval_s * 1000;
    reading =
      "value" in result
        ? { sample: { value: result.value, atS: clock.now() / 1000 }, problem: null, asked: true }
        : { ...reading, problem: result.problem, asked: true };
  };
  return (given) => {
    const input = given as PolicyInput;
    if (clock.monotonic() >= nextAtMs) {
      nextAtMs = Number.POSITIVE_INFINITY;
      void ask();
    }
    if (reading.sample === null) reading = { ...reading, sample: remembered(input.policyState) };
    const answer = prometheusAnswer(kwargs, reading, input);
    if (answer.kind === "hold") throw new PolicyError(answer.reason);
    const { sample } = reading;
    const state = sample === null ? {} : { value: sample.value, at_s: sample.atS };
    return new Answer({ desired: answer.desired, state }, answer.warning);
  };
}

function remembered({ value, at_s }: PolicyInput["policyState"]): PrometheusReading["sample"] {
  return typeof value === "number" && typeof at_s === "number" ? { value, atS: at_s } : null;
}
