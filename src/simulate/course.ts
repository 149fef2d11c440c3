/** Simulations as courses: they run on their own until a policy of the user's has to be asked. */
import type { PolicyAnswer } from "../autoscaling/decide.ts";
import type { PolicyInput } from "../autoscaling/policy.ts";
import type { Outcome } from "./deployment.ts";

/** A simulation under way: it gives what a policy is to be told, and goes on with the answer. */
export type Course = Generator<PolicyInput, Outcome, PolicyAnswer>;

/** Runs a simulation that asks nobody. */
export function run(course: Course): Outcome {
  const { done, value } = course.next();
  if (done) return value;
  throw new Error(`the policy of ${value.application}/${value.deployment} has to be asked`);
}
