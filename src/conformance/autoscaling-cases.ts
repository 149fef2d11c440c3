/** Cases of single autoscaling decisions and of decisions over time. */
import { decideApplication, type Member } from "../autoscaling/application.ts";
import {
  BUILT_IN,
  type Decision,
  decide,
  isColdStart,
  type PolicyAnswer,
  type Situation,
} from "../autoscaling/decide.ts";
import type { DelayState } from "../autoscaling/delay.ts";
import { withoutDelays } from "../autoscaling/explain.ts";
import { scaleStep } from "../autoscaling/factor.ts";
import { NO_LOAD } from "../autoscaling/load.ts";
import { readApplicationOutput, readPolicyOutput } from "../autoscaling/policy-output.ts";
import { type ScalingRules, scalingRules } from "../autoscaling/rules.ts";
import { NEW_SCALING_STATE, register, type ScalingState } from "../autoscaling/state.ts";
import { effectiveFactors } from "../config/effective.ts";
import { parseAutoscalingConfig } from "../config/parse.ts";
import type { CapacityDirection } from "../config/target-capacity.ts";
import type { AutoscalingConfig } from "../config/types.ts";
import { type CaseRunner, canonical, compare, type VectorCase } from "./case.ts";

interface Recorded {
  readonly config: unknown;
  readonly target_capacity?: number | null;
  readonly target_capacity_direction?: CapacityDirection;
  readonly gang_size?: number | null;
}

function configOf(document: unknown): AutoscalingConfig {
  const parsed = parseAutoscalingConfig(document);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join("; "));
  return parsed.config;
}

const capacityOf = ({ target_capacity, target_capacity_direction }: Recorded) =>
  [target_capacity ?? null, target_capacity_direction ?? null] as const;

const rulesOf = (input: Recorded, document = input.config): ScalingRules =>
  scalingRules(configOf(document), ...capacityOf(input), input.gang_size ?? 1);

/** One decision without delays, or the factor's step alone; the case's function tells. */
export const runDecisionCase: CaseRunner = (vector) => {
  const input = vector.input as Recorded & Record<string, number>;
  if (vector.fn === "scale") {
    const { up, down } = effectiveFactors(configOf(input.config));
    const factors = { upFactor: up, downFactor: down };
    return compare(vector.expected, scaleStep(input.desired!, input.running_replicas!, factors));
  }
  if (vector.fn !== "core") return { kind: "failed", expected: "a known function", actual: vector.fn };
  const rules = { ...rulesOf(input), upDelayS: 0, downDelayS: 0, toZeroDelayS: 0 };
  const situation: Situation = {
    rules,
    running: input.running_replicas!,
    target: input.target_replicas!,
    total: input.total_num_requests!,
    source: NO_LOAD.source,
  };
  const { decision } = decide(situation, NEW_SCALING_STATE, 0);
  if (withoutDelays(decision) !== decision.result) {
    return { kind: "failed", expected: decision.result, actual: { withoutDelays: withoutDelays(decision) } };
  }
  return compare(vector.expected, {
    cold_start: decision.kind === "cold-start",
    raw_desired: decision.kind === "steered" ? decision.desired : null,
    scaled: decision.kind === "steered" ? decision.scaled : null,
    before_bounds: decision.proposed,
    lower_bound: rules.lower,
    upper_bound: rules.upper,
    decision: decision.result,
  });
};

interface Tick {
  readonly t: number;
  readonly total: number;
  readonly running: number;
  readonly target: number;
  readonly policy_output?: number;
  readonly redeploy?: { readonly config: unknown; readonly version: string };
}

/** Decisions tick by tick with what is remembered in between. */
export const runTrajectoryCase: CaseRunner = (vector) => {
  const { policy } = vector.input as { policy: string };
  if (policy === "application") return runApplicationTrajectory(vector);
  const input = vector.input as Recorded & { ticks: readonly Tick[] };
  let registered = { config: configOf(input.config), version: "v1" };
  let rules = rulesOf(input);
  let state = NEW_SCALING_STATE;
  const actual = input.ticks.map((tick) => {
    if (tick.redeploy) {
      const { version } = tick.redeploy;
      const config = configOf(tick.redeploy.config);
      const changed = canonical(registered) !== canonical({ config, version });
      registered = { config, version };
      rules = rulesOf(input, tick.redeploy.config);
      const [capacity, direction] = capacityOf(input);
      const started = register({ config, capacity, direction, current: { target: tick.target, changed } }, state);
      state = started.state;
      return { registered_target: started.target };
    }
    const situation = situationOf(rules, tick);
    let answer: PolicyAnswer = BUILT_IN;
    if (policy === "custom" && !isColdStart(situation)) {
      answer = readPolicyOutput({ desired: tick.policy_output, state: { seen: seenBy(state) + 1 } });
    }
    const step = decide(situation, state, tick.t, answer);
    state = step.state;
    const told = { decision: step.decision.result, ...delayShown(state.delay) };
    return policy === "custom" ? { ...told, user_state_seen: state.policyState.seen ?? null } : told;
  });
  return compare(vector.expected, actual);
};

const situationOf = (rules: ScalingRules, { running, target, total }: Tick): Situation => ({
  rules,
  running,
  target,
  total,
  source: NO_LOAD.source,
});

const seenBy = (state: ScalingState): number => (state.policyState.seen ?? 0) as number;

function delayShown(delay: DelayState): { counter: number; since: number | null } {
  if (delay.kind === "none") return { counter: 0, since: null };
  return { counter: delay.kind === "up" ? delay.turns : -delay.turns, since: delay.sinceS };
}

interface ApplicationTick {
  readonly t: number;
  readonly deployments: Readonly<Record<string, Tick>>;
  readonly policy_output: Readonly<Record<string, number>>;
  readonly policy_state_output: Readonly<Record<string, Readonly<Record<string, unknown>> | null>> | null;
}

function runApplicationTrajectory(vector: VectorCase) {
  const input = vector.input as unknown as Recorded & {
    readonly config: Readonly<Record<string, unknown>>;
    readonly ticks: readonly ApplicationTick[];
  };
  const rules = new Map(Object.entries(input.config).map(([name, document]) => [name, rulesOf(input, document)]));
  const states = new Map<string, ScalingState>();
  const actual = input.ticks.map((tick) => {
    const members = new Map(
      Object.entries(tick.deployments).map(([name, told]): [string, Member] => [
        name,
        { situation: situationOf(rules.get(name)!, told), state: states.get(name) ?? NEW_SCALING_STATE },
      ]),
    );
    const output = { desired: tick.policy_output, states: tick.policy_state_output };
    const answer = readApplicationOutput(output, [...members.keys()]);
    const steps = [...decideApplication(members, answer, tick.t)];
    for (const [name, step] of steps) states.set(name, step.state);
    const decided = (decision: Decision): boolean => decision.kind !== "kept";
    return {
      decisions: Object.fromEntries(
        steps.flatMap(([name, { decision }]) => (decided(decision) ? [[name, decision.result]] : [])),
      ),
      state: Object.fromEntries(
        steps.map(([name, { state }]) => [name, { ...state.policyState, ...delayShown(state.delay) }]),
      ),
    };
  });
  return compare(vector.expected, actual);
}
