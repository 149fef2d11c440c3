/**
 * What a config would have made of a load that was recorded. A recording says how many requests there were at a time, not
 * when each came nor how long it took: the same number is there whatever the replicas, and nothing is known of waits.
 */
import type { RecordedLoad } from "../autoscaling/recorded-load.ts";
import { withinBounds } from "../autoscaling/rules.ts";
import { Autoscaler, type Plant } from "./autoscaler.ts";
import { type Course, run } from "./course.ts";
import type { SimulatedReplica } from "./data-plane.ts";
import { failuresOf, type Outcome, scheduleIn, Timeline } from "./deployment.ts";
import type { Subject } from "./subject.ts";
import { Tally } from "./tally.ts";

export type { RecordedLoad };

/** How a recording is simulated. */
export interface RecordingOptions {
  /** What second 0 is, epoch seconds: a whole number past 2^30, not after the recording's begin. */
  readonly epochS: number;
  /** Seconds that are simulated. */
  readonly horizonS: number;
  /** Seconds from the decision to start a replica until it serves. */
  readonly replicaStartS: number;
}

/**
 * Runs a config's deployment, which no policy of the user's scales, under a recorded load. It begins with the replicas that
 * were wanted then.
 */
export function simulateRecording(subject: Subject, load: RecordedLoad, options: RecordingOptions): Outcome {
  return run(recordingCourse(subject, load, options));
}

/** The same for any deployment. */
export function* recordingCourse(subject: Subject, load: RecordedLoad, options: RecordingOptions): Course {
  const { epochS, horizonS, replicaStartS } = options;
  const tally = new Tally(horizonS);
  const { autoscaling } = subject;
  const wanted = load.replicas.target[0] ?? subject.initialReplicas;
  const initial = autoscaling ? withinBounds(autoscaling.rules, wanted) : subject.initialReplicas;
  const timeline = new Timeline(initial, autoscaling?.config.look_back_period_s ?? 0);
  const plane = new ImposedLoad(subject.maxOngoingRequests, replicaStartS, tally);
  const autoscaler = autoscaling
    ? new Autoscaler({ ...subject, ...autoscaling }, initial, plane, { epochS })
    : undefined;
  plane.listener = {
    joined: (replica, nowS) => autoscaler?.joined(replica, nowS),
    left: (replica, nowS) => autoscaler?.left(replica, nowS),
    aimed: (count, nowS) => timeline.aim(count, nowS),
    serves: (count, nowS) => timeline.serving(count, nowS),
  };
  plane.begin(initial);
  const { timesS, values } = load.requests;
  let next = 0;
  for (;;) {
    const loadS = next < timesS.length ? Math.max(0, timesS[next]! - epochS) : Number.POSITIVE_INFINITY;
    const scalerS = autoscaler?.nextS ?? Number.POSITIVE_INFINITY;
    const nowS = Math.min(loadS, plane.nextS, scalerS);
    if (nowS >= horizonS) break;
    if (loadS <= plane.nextS && loadS <= scalerS) plane.impose(values[next++]!, nowS);
    else if (plane.nextS <= scalerS) plane.step();
    else autoscaler!.step();
    while (autoscaler?.question) autoscaler.answer(yield autoscaler.question);
    if (plane.serving.length === 0 && plane.queued > 0) autoscaler?.wake(nowS);
    while (autoscaler?.question) autoscaler.answer(yield autoscaler.question);
  }
  plane.finish(horizonS);
  const outcome = outcomeOf(subject, tally, timeline, horizonS, autoscaler?.decided ?? 0);
  return { ...outcome, ...scheduleIn(subject, options), ...failuresOf(autoscaler) };
}

/** What was recorded, in the form of what is simulated: replicas are counted while they ran. */
export function recordedOutcome(subject: Subject, load: RecordedLoad, options: RecordingOptions): Outcome {
  const { epochS, horizonS } = options;
  const { requests, replicas } = load;
  const tally = new Tally(horizonS);
  const timeline = new Timeline(replicas.target[0] ?? 0, subject.autoscaling?.config.look_back_period_s ?? 0);
  let [request, replica, running, level] = [0, 0, 0, 0];
  for (let fromS = 0; fromS < horizonS; ) {
    for (; (replicas.timesS[replica] ?? Number.POSITIVE_INFINITY) - epochS <= fromS; replica++) {
      running = replicas.running[replica]!;
      if (replicas.target[replica] !== timeline.target) timeline.aim(replicas.target[replica]!, fromS);
      timeline.serving(running, fromS);
    }
    for (; (requests.timesS[request] ?? Number.POSITIVE_INFINITY) - epochS <= fromS; request++) {
      level = requests.values[request]!;
    }
    const nextS = Math.min(requests.timesS[request] ?? Infinity, replicas.timesS[replica] ?? Infinity) - epochS;
    const toS = Math.min(horizonS, nextS);
    const slots = running * subject.maxOngoingRequests;
    tally.advance(toS, Math.max(0, level - slots), Math.min(level, slots));
    tally.replicaS += running * (toS - fromS);
    tally.servingS += running * (toS - fromS);
    fromS = toS;
  }
  return outcomeOf(subject, tally, timeline, horizonS, 0);
}

function outcomeOf(
  { application, deployment, maxOngoingRequests }: Subject,
  tally: Tally,
  timeline: Timeline,
  endS: number,
  decided: number,
): Outcome {
  const horizonS = endS;
  return {
    application,
    deployment,
    endS,
    requests: { ...tally.counts, arrived: 0 },
    waits: tally.waits(),
    loadOnly: true,
    replicaSeconds: tally.replicaS,
    slotSeconds: tally.servingS * maxOngoingRequests,
    workedSeconds: tally.workedS,
    ...timeline.result(),
    load: tally.loadArea.map((area) => (area * tally.loadArea.length) / horizonS),
    decided,
  };
}

interface ImposedListener {
  joined(replica: SimulatedReplica, nowS: number): void;
  left(replica: SimulatedReplica, nowS: number): void;
  aimed(count: number, nowS: number): void;
  serves(count: number, nowS: number): void;
}

/** Replicas among which a given number of requests is shared evenly; what is beyond their limits waits. */
class ImposedLoad implements Plant {
  readonly serving: SimulatedReplica[] = [];
  queued = 0;
  listener!: ImposedListener;
  readonly #limit: number;
  readonly #startS: number;
  readonly #tally: Tally;
  #starting: SimulatedReplica[] = [];
  #requests = 0;
  #ongoing = 0;
  #started = 0;

  constructor(limit: number, startS: number, tally: Tally) {
    this.#limit = limit;
    this.#startS = startS;
    this.#tally = tally;
  }

  /** When the next replica is ready. */
  get nextS(): number {
    return this.#starting[0]?.readyS ?? Number.POSITIVE_INFINITY;
  }

  begin(count: number): void {
    for (let i = 0; i < count; i++) this.#start(0, 0);
    if (count > 0) this.step();
    else this.listener.serves(0, 0);
  }

  /** So many requests are there from now on. */
  impose(requests: number, nowS: number): void {
    this.#advance(nowS);
    this.#requests = requests;
    this.#share();
  }

  /** Lets replicas serve that are ready. */
  step(): void {
    const nowS = this.nextS;
    this.#advance(nowS);
    while (this.nextS <= nowS) {
      const replica = this.#starting.shift()!;
      replica.state = "serving";
      replica.servedS = nowS;
      this.serving.push(replica);
      this.listener.joined(replica, nowS);
    }
    this.#share();
    this.listener.serves(this.serving.length, nowS);
  }

  /** Those that do not serve yet stop first, then the newest. What a replica works on when it stops is not known. */
  scaleTo(count: number, nowS: number): void {
    this.#advance(nowS);
    this.listener.aimed(count, nowS);
    while (this.serving.length + this.#starting.length < count) this.#start(nowS, nowS + this.#startS);
    while (this.serving.length + this.#starting.length > count) {
      const unready = this.#starting.pop();
      if (unready !== undefined) this.#tally.replicaS += nowS - unready.startedS;
      else {
        const replica = this.serving.pop()!;
        this.#count(replica, nowS);
        replica.state = "gone";
        this.listener.left(replica, nowS);
      }
    }
    this.#share();
    this.listener.serves(this.serving.length, nowS);
  }

  finish(nowS: number): void {
    this.#advance(nowS);
    for (const replica of this.serving) this.#count(replica, nowS);
    for (const { startedS } of this.#starting) this.#tally.replicaS += nowS - startedS;
  }

  #count({ startedS, servedS }: SimulatedReplica, nowS: number): void {
    this.#tally.replicaS += nowS - startedS;
    this.#tally.servingS += nowS - servedS;
  }

  #advance(nowS: number): void {
    this.#tally.advance(nowS, this.queued, this.#ongoing);
  }

  #share(): void {
    const count = this.serving.length;
    this.#ongoing = Math.min(this.#requests, count * this.#limit);
    this.queued = this.#requests - this.#ongoing;
    this.serving.forEach((replica, i) => {
      replica.ongoing = Math.floor(this.#ongoing / count) + (i < this.#ongoing % count ? 1 : 0);
    });
  }

  #start(startedS: number, readyS: number): void {
    const index = this.#started++;
    this.#starting.push({
      id: String(index),
      index,
      startedS,
      readyS,
      state: "starting",
      ongoing: 0,
      servedS: 0,
      killS: Number.POSITIVE_INFINITY,
      column: 0,
      sinceRow: 0,
    });
  }
}
