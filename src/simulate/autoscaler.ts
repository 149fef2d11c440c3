/**
 * Sampling, reports and decisions of one deployment on virtual time: the product's own functions, at the moments at
 * which the product calls them. Times are seconds from the start; the functions get epoch seconds.
 */
import type { LoadCurve } from "../autoscaling/aggregate.ts";
import { valueAt } from "../autoscaling/aggregate.ts";
import { decideApplication } from "../autoscaling/application.ts";
import { constantUntilS } from "../autoscaling/boundary.ts";
import {
  BUILT_IN,
  type Decision,
  decide,
  isColdStart,
  type PolicyAnswer,
  type Situation,
  type Step,
  shownTarget,
} from "../autoscaling/decide.ts";
import { samplingIntervalS } from "../autoscaling/intervals.ts";
import { NO_LOAD } from "../autoscaling/load.ts";
import type { PolicyInput } from "../autoscaling/policy.ts";
import type { ScalingRules } from "../autoscaling/rules.ts";
import { askSchedule, type ScheduledWish, scheduleHoldsUntilS } from "../autoscaling/schedule.ts";
import { applyResult, NEW_SCALING_STATE, type ScalingState } from "../autoscaling/state.ts";
import { policyKind } from "../config/policy-kwargs.ts";
import type { CourseAnswer } from "./course.ts";
import type { SimulatedReplica } from "./data-plane.ts";
import { LoadWindow } from "./load-window.ts";
import { policyQuestion, type ScaledSubject } from "./policy-question.ts";

/** Decisions are made so many times a second, as the reference makes them. */
const TICKS_A_SECOND = 10;

/** Nothing is measured or told more often. */
const MIN_INTERVAL_S = 0.1;

/** What the autoscaler sees and does of the deployment. */
export interface Plant {
  readonly serving: readonly SimulatedReplica[];
  readonly queued: number;
  scaleTo(count: number, nowS: number): void;
}

/** How often a user's policy failed, and how first. */
export interface PolicyFailures {
  readonly count: number;
  readonly firstS: number;
  /** One line for users. */
  readonly reason: string;
}

/** A decision that waits for the answer of a policy. */
interface Asked {
  readonly situation: Situation;
  readonly nowS: number;
  readonly atS: number;
  readonly tick: number;
  readonly curve: LoadCurve;
}

export interface AutoscalerOptions {
  /** What second 0 is, epoch seconds: a whole number past 2^30. */
  readonly epochS: number;
  /** Decide each tick, whether or not it is proven to decide the same as the one before. For tests. */
  readonly everyTick?: boolean;
  /** Told each decision that was made. */
  onDecision?(decision: Decision): void;
}

export class Autoscaler {
  target: number;
  /** Ticks at which it was decided. */
  decided = 0;
  /** What the user's policy is to be told before anything else happens; see {@link answer}. */
  question: PolicyInput | undefined;
  failures: PolicyFailures | undefined;
  readonly #subject: ScaledSubject;
  readonly #rules: ScalingRules;
  readonly #options: AutoscalerOptions;
  readonly #plant: Plant;
  /** Arguments of `windlass:schedule`, where that decides. */
  readonly #schedule: object | undefined;
  /** A policy of the user's decides. */
  readonly #hosted: boolean;
  /** It is the application's, which is asked about all deployments at each tick, and between ticks about none. */
  readonly #together: boolean;
  #asked: Asked | undefined;
  readonly #window = new LoadWindow();
  readonly #lookBackS: number;
  readonly #sampleEveryS: number;
  readonly #pushEveryS: number;
  #samples = 0;
  #pushes = 0;
  /** The next tick that decides; Infinity: none until something changes. */
  #tick = 0;
  /** The last that did. */
  #last = -1;
  /** Whether requests waited at the last sample, and whether the last report said so. */
  #waiting = false;
  #told = false;
  #curve: LoadCurve | undefined = NO_LOAD.total;
  #state: ScalingState = NEW_SCALING_STATE;
  #nextS = 0;

  constructor(subject: ScaledSubject, target: number, plant: Plant, options: AutoscalerOptions) {
    const { config, rules } = subject;
    this.#subject = subject;
    this.#rules = rules;
    this.target = target;
    this.#plant = plant;
    this.#options = options;
    const { policy_function: policy, policy_kwargs: kwargs } = config.policy;
    this.#together = subject.together !== undefined;
    this.#schedule = policyKind(policy) === "schedule" && !this.#together ? kwargs : undefined;
    this.#hosted = policyKind(policy) === "hosted" || this.#together;
    this.#lookBackS = config.look_back_period_s;
    this.#sampleEveryS = Math.max(MIN_INTERVAL_S, samplingIntervalS(config));
    this.#pushEveryS = Math.max(MIN_INTERVAL_S, config.metrics_interval_s);
  }

  /** When it acts next. */
  get nextS(): number {
    return this.#nextS;
  }

  /** Acts at {@link nextS}: samples, then reports, then decides. */
  step(): void {
    const nowS = this.#nextS;
    if (this.#samples * this.#sampleEveryS <= nowS) {
      this.#samples += 1;
      this.#sample(nowS);
    } else if (this.#pushes * this.#pushEveryS <= nowS) {
      this.#pushes += 1;
      this.#push(nowS);
    } else this.#decide(nowS, this.#tick);
    this.#lookAhead();
  }

  /** A replica begins to serve: its series begins, and what counts has changed. */
  joined(replica: SimulatedReplica, nowS: number): void {
    this.#window.track(replica);
    this.#told = false;
    this.#changed(nowS);
    this.#lookAhead();
  }

  /** A replica serves no longer. */
  left(replica: SimulatedReplica, nowS: number): void {
    this.#window.drop(replica);
    this.#changed(nowS);
    this.#lookAhead();
  }

  /** Requests wait and nothing serves: the router reports at once, unless it has said so. */
  wake(nowS: number): void {
    if (this.#told) return;
    this.#window.forgetIdle();
    this.#sample(nowS);
    this.#push(nowS);
    this.#lookAhead();
  }

  #epochS(nowS: number): number {
    return this.#options.epochS + nowS;
  }

  #tickS(tick: number): number {
    // One division, as of milliseconds by 1000, so that moments are the product's to the last bit.
    return (this.#options.epochS * TICKS_A_SECOND + tick) / TICKS_A_SECOND;
  }

  #sample(nowS: number): void {
    const { queued, serving } = this.#plant;
    this.#window.sample(this.#epochS(nowS), queued, serving);
    this.#waiting = queued > 0;
  }

  #push(nowS: number): void {
    this.#window.report(this.#epochS(nowS) - this.#lookBackS);
    this.#told = this.#waiting;
    // Nothing after nothing decides the same.
    if (this.#window.quiet && this.#curve === NO_LOAD.total) return;
    this.#changed(nowS);
    // Where nothing runs the controller does not wait for the tick.
    if (this.#plant.serving.length === 0 && !this.#together) this.#decide(nowS, Math.floor(nowS * TICKS_A_SECOND));
  }

  /** The load is to be summed anew, and the next tick decides. */
  #changed(nowS: number): void {
    this.#curve = undefined;
    let tick = Math.ceil(nowS * TICKS_A_SECOND);
    if (tick / TICKS_A_SECOND < nowS) tick += 1;
    this.#tick = Math.min(this.#tick, Math.max(tick, this.#last + 1));
  }

  /** Decides; `tick` is the last one up to now. */
  #decide(nowS: number, tick: number): void {
    const { serving } = this.#plant;
    const atS = tick / TICKS_A_SECOND < nowS ? this.#epochS(nowS) : this.#tickS(tick);
    this.#curve ??= this.#window.load(serving, this.#rules.aggregation);
    const total = valueAt(this.#curve, atS);
    const running = serving.length;
    const situation = { rules: this.#rules, running, target: this.target, total, source: NO_LOAD.source };
    const asked: Asked = { situation, nowS, atS, tick, curve: this.#curve };
    if (!this.#hosted) {
      const { answer, wish } = this.#ownAnswer(situation, atS);
      this.#conclude(asked, answer, wish);
    } else if (isColdStart(situation) && !this.#together) this.#conclude(asked, { kind: "failed", reason: "" });
    else {
      this.#asked = asked;
      const running = serving.map(({ id }) => id);
      const { queued } = this.#window;
      const standing = { target: this.target, running, curve: asked.curve, queued, state: this.#state };
      this.question = policyQuestion(this.#subject, standing, atS);
    }
  }

  /** Goes on with what the policy answered to {@link question}. */
  answer(answer: CourseAnswer): void {
    const asked = this.#asked!;
    this.#asked = undefined;
    this.question = undefined;
    this.#conclude(asked, answer);
    this.#lookAhead();
  }

  #conclude({ situation, nowS, atS, tick, curve }: Asked, answer: CourseAnswer, wish?: ScheduledWish | null): void {
    const { decision, state } = this.#step(situation, atS, answer);
    const { running, target, rules } = situation;
    this.#state = applyResult({ result: decision.result, target, runningAtVersion: running, rules }, state, atS).state;
    const failed = answer.kind === "together" ? answer.answer.kind === "failed" : this.#hosted;
    if (failed && decision.kind === "kept") this.#failed(nowS, decision.reason);
    this.decided += 1;
    this.#options.onDecision?.(decision);
    this.#last = tick;
    const untilS = holdsUntilS(decision, curve, wish);
    this.#tick = this.#options.everyTick ? tick + 1 : this.#tickFrom(untilS, tick + 1);
    if (decision.result === this.target) return;
    this.target = decision.result;
    this.#tick = tick + 1;
    this.#plant.scaleTo(decision.result, nowS);
  }

  #step(situation: Situation, atS: number, answer: CourseAnswer): Step {
    if (answer.kind !== "together") return decide(situation, this.#state, atS, answer);
    const { deployment } = this.#subject;
    const one = new Map([[deployment, { situation, state: this.#state }]]);
    return decideApplication(one, answer.answer, atS).get(deployment)!;
  }

  #failed(nowS: number, reason: string): void {
    const { count, ...first } = this.failures ?? { count: 0, firstS: nowS, reason };
    this.failures = { count: count + 1, ...first };
  }

  /** What the request-based policy or the schedule says. */
  #ownAnswer(
    situation: Situation,
    atS: number,
  ): { readonly answer: PolicyAnswer; readonly wish?: ScheduledWish | null } {
    if (this.#schedule === undefined) return { answer: BUILT_IN };
    return askSchedule(this.#schedule, situation, shownTarget(this.#rules, this.target), atS);
  }

  /** The first tick at `timeS`, epoch seconds, or later, and not before `least`. */
  #tickFrom(timeS: number, least: number): number {
    if (timeS === Number.POSITIVE_INFINITY) return timeS;
    let tick = Math.max(least, Math.ceil((timeS - this.#options.epochS) * TICKS_A_SECOND));
    while (tick > least && this.#tickS(tick - 1) >= timeS) tick -= 1;
    while (this.#tickS(tick) < timeS) tick += 1;
    return tick;
  }

  #lookAhead(): void {
    this.#nextS = Math.min(
      this.#samples * this.#sampleEveryS,
      this.#pushes * this.#pushEveryS,
      this.#tick / TICKS_A_SECOND,
    );
  }
}

/** Until when the same is decided, epoch seconds; a user's policy is asked at each tick. */
function holdsUntilS(decision: Decision, curve: LoadCurve, wish: ScheduledWish | null | undefined): number {
  if (wish !== undefined) return scheduleHoldsUntilS(decision, wish, curve);
  // Where the config makes the built-in policy fail, time changes nothing.
  if (decision.kind === "kept" && decision.policy === "built-in") return Number.POSITIVE_INFINITY;
  return constantUntilS(decision, curve);
}
