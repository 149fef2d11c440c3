/** Decisions of a policy that speaks for a whole application. */
import {
  type Course,
  coldStart,
  type Decision,
  isColdStart,
  keep,
  type Situation,
  type Step,
  steer,
} from "./decide.ts";
import type { ApplicationAnswer } from "./policy-output.ts";
import { keptPolicyState, type ScalingState } from "./state.ts";

/** One autoscaled deployment of the application. */
export interface Member {
  readonly situation: Situation;
  readonly state: ScalingState;
}

/**
 * Decides for all members at `nowS`, epoch seconds. The policy has been asked first, in a cold start too. A deployment
 * it left out keeps its target, even outside the bounds; gangs do not count. A policy that failed changes nothing.
 */
export function decideApplication(
  members: ReadonlyMap<string, Member>,
  answer: ApplicationAnswer,
  nowS: number,
): ReadonlyMap<string, Step> {
  const steps = new Map<string, Step>();
  for (const [name, { situation, state }] of members) {
    const course: Course = { situation, policy: "user", shown: situation.target, gangSize: 1, nowS };
    if (answer.kind === "failed") {
      steps.set(name, { decision: keep(course, state.delay, answer.reason), state });
      continue;
    }
    const decision = decideOne(course, state, own(answer.output.desired, name));
    const policyState = keptPolicyState(own(answer.output.states ?? {}, name) ?? {});
    steps.set(name, { decision, state: { ...state, delay: decision.delay, policyState } });
  }
  return steps;
}

function decideOne(course: Course, state: ScalingState, desired: number | undefined): Decision {
  if (desired === undefined) return keep(course, state.delay, "the application's policy left this deployment out");
  if (isColdStart(course.situation)) return coldStart(course, state.delay);
  return steer(course, desired, state.delay);
}

/** Deployments may be named like what every object has. */
function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}
