/** Simulations as courses: they run on their own until a policy of the user's has to be asked. */
import type { PolicyAnswer } from "../autoscaling/decide.ts";
import type { PolicyInput } from "../autoscaling/policy.ts";
import type { ApplicationAnswer } from "../autoscaling/policy-output.ts";
import type { Outcome } from "./deployment.ts";

/** What a policy answered: the deployment's own, or the one of its application for all. */
export type CourseAnswer = PolicyAnswer | { readonly kind: "together"; readonly answer: ApplicationAnswer };

/** A simulation under way: it gives what a policy is to be told, and goes on with the answer. */
export type Course = Generator<PolicyInput, Outcome, CourseAnswer>;

/** The same of deployments for which one policy decides, by their names. */
export type CommonCourse = Generator<Readonly<Record<string, PolicyInput>>, ReadonlyMap<string, Outcome>, CourseAnswer>;

/**
 * Runs the simulations of deployments for which one policy decides. Each goes on by itself from tick to tick, at which all
 * are asked about; one that has ended is asked about as it stood last.
 */
export function* commonCourse(courses: ReadonlyMap<string, Course>): CommonCourse {
  const inputs = new Map<string, PolicyInput>();
  const outcomes = new Map<string, Outcome>();
  const went = (name: string, step: IteratorResult<PolicyInput, Outcome>): void => {
    if (step.done) outcomes.set(name, step.value);
    else inputs.set(name, step.value);
  };
  for (const [name, course] of courses) went(name, course.next());
  for (;;) {
    const waiting = [...courses].filter(([name]) => !outcomes.has(name));
    const momentsS = waiting.map(([name]) => inputs.get(name)!.currentTimeS);
    if (momentsS.length === 0) return outcomes;
    const currentTimeS = Math.min(...momentsS);
    const question = [...inputs].map(([name, input]) => [name, { ...input, currentTimeS }] as const);
    const answer = yield Object.fromEntries(question);
    for (const [i, [name, course]] of waiting.entries()) {
      if (momentsS[i] === currentTimeS) went(name, course.next(answer));
    }
  }
}

/** Runs a simulation that asks nobody. */
export function run(course: Course): Outcome {
  const { done, value } = course.next();
  if (done) return value;
  throw new Error(`the policy of ${value.application}/${value.deployment} has to be asked`);
}
