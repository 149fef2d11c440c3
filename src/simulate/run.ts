/** Simulates the deployments of a config under a trace. */
import type { Random } from "../core/random.ts";
import { type Course, run } from "./course.ts";
import { deploymentCourse, type Outcome } from "./deployment.ts";
import { generator } from "./generator.ts";
import type { Subject } from "./subject.ts";
import type { Traffic } from "./traffic.ts";

/** What a run needs besides deployments and traffic. */
export interface RunOptions {
  /** Seconds from the decision to start a replica until it serves. */
  readonly replicaStartS: number;
  /** Any whole number: the same one gives the same result. */
  readonly seed: number;
  readonly epochS: number;
  readonly horizonS: number;
  readonly everyTick?: boolean;
}

/** A deployment and what reaches it. */
export interface Load {
  /** What decides, with the seed, which requests are drawn from rates: the trace's name for the deployment. */
  readonly key: string;
  readonly subject: Subject;
  readonly traffic: Traffic;
}

/**
 * Simulates each deployment by itself. A deployment gets the same requests whatever its config and whatever others are
 * beside it, so that configs can be compared.
 */
export function simulate(loads: readonly Load[], options: RunOptions): Outcome[] {
  return loads.map((load) => run(traceCourse(load, options)));
}

/** One of them, whatever scales it. */
export function traceCourse({ key, subject, traffic }: Load, { seed, ...rest }: RunOptions): Course {
  const random = (purpose: string): Random => generator(hash(`${seed}/${purpose}/${key}`));
  const randoms = { arrivalRandom: random("arrivals"), choiceRandom: random("choices") };
  return deploymentCourse(subject, traffic, { ...rest, ...randoms });
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
