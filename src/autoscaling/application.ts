/** Decisions of a policy that speaks for a whole application. */
import {
  type Course,
  coldStart,
  type Decision,
  isColdStart,
  keep,
  notANumber,
  type Situation,
  type Step,
  steer,
} from "./decide.ts";
import type { ApplicationPolicyOutput } from "./policy.ts";
import { keptPolicyState, type ScalingState } from "./state.ts";

/** One autoscaled deployment of the application. */
export interface Member {
  readonly situation: Situation;
  readonly state: ScalingState;
}

/** What an application's policy said; `reason` is one line for users. */
export type ApplicationAnswer =
  | { readonly kind: "answered"; readonly output: ApplicationPolicyOutput }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * Decides for all members at `nowS`, epoch seconds. The policy has been asked first, in a cold start too. A deployment
 * it left out keeps its target, even outside the bounds; gangs do not count. An answer that is no good changes nothing.
 */
export function decideApplication(
  members: ReadonlyMap<string, Member>,
  answer: ApplicationAnswer,
  nowS: number,
): ReadonlyMap<string, Step> {
  const fault = answer.kind === "failed" ? answer.reason : faultOf(answer.output, members);
  const steps = new Map<string, Step>();
  for (const [name, { situation, state }] of members) {
    const course: Course = { situation, shown: situation.target, gangSize: 1, nowS };
    if (fault !== undefined || answer.kind === "failed") {
      steps.set(name, { decision: keep(course, state.delay, fault ?? ""), state });
      continue;
    }
    const { desired, states } = answer.output;
    const decision = decideOne(course, state, Object.hasOwn(desired, name) ? desired[name] : undefined);
    const kept = states !== null && Object.hasOwn(states, name) ? states[name] : null;
    steps.set(name, {
      decision,
      state: { ...state, delay: decision.delay, policyState: keptPolicyState(kept ?? {}) },
    });
  }
  return steps;
}

function decideOne(course: Course, state: ScalingState, desired: number | undefined): Decision {
  if (desired === undefined) return keep(course, state.delay, "the application's policy left this deployment out");
  if (isColdStart(course.situation)) return coldStart(course, state.delay);
  return steer(course, desired, state.delay);
}

/** What is wrong with an answer, in one line. It comes from users' code, so nothing about it is certain. */
function faultOf(
  { desired, states }: ApplicationPolicyOutput,
  members: ReadonlyMap<string, Member>,
): string | undefined {
  if (!isObject(desired)) return "the application's policy returned no replicas by deployment; return an object";
  if (states !== null && !isObject(states))
    return "the application's policy returned a state that is no object; return an object or null";
  for (const name of [...Object.keys(desired), ...Object.keys(states ?? {})]) {
    if (members.has(name)) continue;
    const known = [...members.keys()].join(", ");
    return `the application's policy names ${JSON.stringify(name)}, which does not autoscale; it may name ${known}`;
  }
  for (const [name, count] of Object.entries(desired)) {
    if (!Number.isFinite(count)) return `${name}: ${notANumber(count)}`;
  }
  for (const [name, state] of Object.entries(states ?? {})) {
    if (state !== null && !isObject(state))
      return `${name}: the policy returned a state that is no object; return an object`;
  }
  return undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
