/** Simulates one deployment: requests, replicas and the autoscaler, event by event. */
import type { Decision } from "../autoscaling/decide.ts";
import type { Random } from "../core/random.ts";
import { Autoscaler, type Plant, type PolicyFailures } from "./autoscaler.ts";
import { type Course, run } from "./course.ts";
import { DataPlane, type PlaneListener } from "./data-plane.ts";
import { type ScheduleCourse, scheduleCourse } from "./schedule-windows.ts";
import type { Subject } from "./subject.ts";
import { BUCKETS, type RequestCounts, Tally, type Waits } from "./tally.ts";
import { arrivalsOf, type Traffic } from "./traffic.ts";

/** Requests that are not through so long after the last ones may come never will be, in seconds. */
export const GIVE_UP_S = 3600;

/** How a deployment is simulated. */
export interface SimulationOptions {
  /** Requests come until then, seconds from the start; replicas are counted until then, or until the last request ended. */
  readonly horizonS: number;
  /** What second 0 is, epoch seconds: a whole number past 2^30, where the autoscaler's sums are exact. */
  readonly epochS: number;
  /** Seconds from the decision to start a replica until it serves. */
  readonly replicaStartS: number;
  /** Draws requests from rates, and replicas. The same ones give the same result. */
  readonly arrivalRandom: Random;
  readonly choiceRandom: Random;
  /** Decide each tick, also where it is proven to change nothing. For tests. */
  readonly everyTick?: boolean;
  /** Told each decision that was made. */
  onDecision?(decision: Decision): void;
}

/** A step function in columns: the numbers hold from `timesS[i]`, seconds from the start, on. */
export interface ReplicaTimeline {
  readonly timesS: readonly number[];
  readonly target: readonly number[];
  /** Those that serve. */
  readonly serving: readonly number[];
}

/** What came of a deployment. */
export interface Outcome {
  readonly application: string;
  readonly deployment: string;
  /** Seconds that were simulated. */
  readonly endS: number;
  readonly requests: RequestCounts & { readonly arrived: number };
  readonly waits: Waits;
  /** From each decision to start a replica until it exited. */
  readonly replicaSeconds: number;
  /** Those of them in which a replica took requests, times the requests it takes at a time. */
  readonly slotSeconds: number;
  /** Seconds of all requests together that replicas worked on them. */
  readonly workedSeconds: number;
  readonly peakReplicas: number;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  /** Changes of the target against the direction of the one before, less than a look-back period after it. */
  readonly flaps: number;
  readonly timeline: ReplicaTimeline;
  /** Mean requests that waited or were worked on, in so many equal stretches of the horizon. */
  readonly load: Float64Array;
  /** Turns of the autoscaler that decided. */
  readonly decided: number;
  /** Absent: no policy of the user's failed. */
  readonly policyFailures?: PolicyFailures;
  /** Where a schedule decides. */
  readonly schedule?: ScheduleCourse;
  /** Only how many requests there were is known: `requests` and `waits` say nothing. */
  readonly loadOnly?: true;
}

/** Runs `traffic` against one deployment, which no policy of the user's scales. */
export function simulateDeployment(subject: Subject, traffic: Traffic, options: SimulationOptions): Outcome {
  return run(deploymentCourse(subject, traffic, options));
}

/** The same for any deployment. */
export function* deploymentCourse(subject: Subject, traffic: Traffic, options: SimulationOptions): Course {
  const { horizonS, replicaStartS, arrivalRandom, choiceRandom } = options;
  const tally = new Tally(horizonS);
  const timeline = new Timeline(subject.initialReplicas, subject.autoscaling?.config.look_back_period_s ?? 0);
  const listener: PlaneListener = {
    joined(replica, nowS) {
      autoscaler?.joined(replica, nowS);
      timeline.serving(plane.serving.length, nowS);
    },
    left(replica, nowS) {
      autoscaler?.left(replica, nowS);
      timeline.serving(plane.serving.length, nowS);
    },
  };
  const plane: DataPlane = new DataPlane(subject, replicaStartS, tally, choiceRandom, listener);
  const plant: Plant = {
    get serving() {
      return plane.serving;
    },
    get queued() {
      return plane.queued;
    },
    scaleTo(count, nowS) {
      timeline.aim(count, nowS);
      plane.scaleTo(count, nowS);
    },
  };
  const autoscaler = subject.autoscaling
    ? new Autoscaler({ ...subject, ...subject.autoscaling }, subject.initialReplicas, plant, options)
    : undefined;
  plane.begin(subject.initialReplicas);

  const arrivals = arrivalsOf(traffic, arrivalRandom);
  let endS = horizonS;
  for (;;) {
    const planeS = plane.nextS;
    const arrivalS = arrivals.nextS;
    const scalerS = autoscaler === undefined ? Number.POSITIVE_INFINITY : autoscaler.nextS;
    const nowS = Math.min(planeS, arrivalS, scalerS);
    if (nowS > horizonS) {
      const pending = plane.queued + plane.ongoing > 0;
      endS = Math.max(horizonS, tally.lastEndS);
      if (!pending) break;
      if (nowS > horizonS + GIVE_UP_S) {
        endS = horizonS + GIVE_UP_S;
        break;
      }
    }
    if (planeS <= arrivalS && planeS <= scalerS) plane.step();
    else if (arrivalS <= scalerS) {
      plane.arrive(arrivalS, arrivals.serviceS);
      arrivals.advance();
    } else autoscaler!.step();
    while (autoscaler?.question) autoscaler.answer(yield autoscaler.question);
    if (plane.serving.length === 0 && plane.queued > 0) autoscaler?.wake(nowS);
    while (autoscaler?.question) autoscaler.answer(yield autoscaler.question);
  }
  plane.finish(endS);
  const { replicaS, servingS, workedS, counts, arrived, loadArea } = tally;
  return {
    application: subject.application,
    deployment: subject.deployment,
    endS,
    requests: { ...counts, arrived },
    waits: tally.waits(),
    replicaSeconds: replicaS,
    slotSeconds: servingS * subject.maxOngoingRequests,
    workedSeconds: workedS,
    ...timeline.result(),
    load: loadArea.map((area) => (area * BUCKETS) / horizonS),
    decided: autoscaler?.decided ?? 0,
    ...scheduleIn(subject, options),
    ...failuresOf(autoscaler),
  };
}

/** How often the user's policy failed, where it did. */
export function failuresOf(autoscaler: Autoscaler | undefined): Pick<Outcome, "policyFailures"> {
  return autoscaler?.failures === undefined ? {} : { policyFailures: autoscaler.failures };
}

/** The schedule that decides, where one does. */
export function scheduleIn(
  { autoscaling }: Pick<Subject, "autoscaling">,
  { epochS, horizonS }: { readonly epochS: number; readonly horizonS: number },
): Pick<Outcome, "schedule"> {
  const policy = autoscaling?.together === undefined ? autoscaling?.config.policy : undefined;
  const schedule = scheduleCourse(policy, epochS, horizonS);
  return schedule === undefined ? {} : { schedule };
}

/** Collects how target and replicas went. */
export class Timeline {
  readonly #timesS: number[] = [0];
  readonly #target: number[];
  readonly #serving: number[] = [0];
  readonly #lookBackS: number;
  #peak = 0;
  #ups = 0;
  #downs = 0;
  #flaps = 0;
  #lastUp: boolean | undefined;
  #lastS = 0;

  constructor(target: number, lookBackS: number) {
    this.#target = [target];
    this.#lookBackS = lookBackS;
  }

  /** The newest target. */
  get target(): number {
    return this.#target.at(-1)!;
  }

  aim(target: number, nowS: number): void {
    const up = target > this.#target.at(-1)!;
    if (up) this.#ups += 1;
    else this.#downs += 1;
    if (this.#lastUp === !up && nowS - this.#lastS < this.#lookBackS) this.#flaps += 1;
    this.#lastUp = up;
    this.#lastS = nowS;
    this.#add(nowS, target, this.#serving.at(-1)!);
  }

  serving(serving: number, nowS: number): void {
    this.#peak = Math.max(this.#peak, serving);
    this.#add(nowS, this.#target.at(-1)!, serving);
  }

  result(): Pick<Outcome, "timeline" | "peakReplicas" | "scaleUps" | "scaleDowns" | "flaps"> {
    return {
      timeline: { timesS: this.#timesS, target: this.#target, serving: this.#serving },
      peakReplicas: this.#peak,
      scaleUps: this.#ups,
      scaleDowns: this.#downs,
      flaps: this.#flaps,
    };
  }

  /** One entry for each moment. */
  #add(nowS: number, target: number, serving: number): void {
    const last = this.#timesS.length - 1;
    const at = this.#timesS[last] === nowS ? last : last + 1;
    this.#timesS[at] = nowS;
    this.#target[at] = target;
    this.#serving[at] = serving;
  }
}
