/**
 * Router and replicas of one deployment: requests are given to replicas, wait, are refused, end; replicas start, serve,
 * drain, exit. One router sees all, so it knows how full each replica is. Times are seconds from the start.
 */
import type { Random } from "../core/random.ts";
import { chooseReplica } from "../routing/choose.ts";
import { ColdClock } from "./cold-clock.ts";
import { EventHeap } from "./event-heap.ts";
import type { Sampled } from "./load-window.ts";
import type { Subject } from "./subject.ts";
import type { Tally } from "./tally.ts";
import { WaitingLine } from "./waiting-line.ts";

/** A replica: starting → serving → draining → gone; one that has not served goes at once. */
export interface SimulatedReplica extends Sampled {
  readonly id: string;
  readonly index: number;
  readonly startedS: number;
  readonly readyS: number;
  state: "starting" | "serving" | "draining" | "gone";
  ongoing: number;
  /** When it began to serve, and when it is killed while it drains. */
  servedS: number;
  killS: number;
}

/** Told when the replicas that serve change. */
export interface PlaneListener {
  joined(replica: SimulatedReplica, nowS: number): void;
  left(replica: SimulatedReplica, nowS: number): void;
}

export class DataPlane {
  /** Those that serve, the oldest first. */
  readonly serving: SimulatedReplica[] = [];
  /** Requests worked on, on draining replicas too. */
  ongoing = 0;
  readonly #subject: Subject;
  readonly #startDelayS: number;
  readonly #tally: Tally;
  readonly #random: Random;
  readonly #listener: PlaneListener;
  readonly #line = new WaitingLine();
  readonly #cold = new ColdClock();
  /** Ends of requests; the tag is twice the replica's index, plus one for a request that times out. */
  readonly #ends = new EventHeap();
  readonly #all: SimulatedReplica[] = [];
  #starting: SimulatedReplica[] = [];
  #draining: SimulatedReplica[] = [];
  /** Room for requests on those that serve. */
  #room = 0;
  /** When the next replica is ready, or is killed. */
  #replicaS = Number.POSITIVE_INFINITY;

  constructor(subject: Subject, startDelayS: number, tally: Tally, random: Random, listener: PlaneListener) {
    this.#subject = subject;
    this.#startDelayS = startDelayS;
    this.#tally = tally;
    this.#random = random;
    this.#listener = listener;
  }

  get queued(): number {
    return this.#line.size;
  }

  /** Replicas that are to serve: those that do and those that start. */
  get target(): number {
    return this.serving.length + this.#starting.length;
  }

  /** When something happens here next, if nothing comes from outside. */
  get nextS(): number {
    return Math.min(this.#ends.nextS, this.#replicaS, this.#expiryS());
  }

  /** A request comes. */
  arrive(nowS: number, serviceS: number): void {
    this.#advance(nowS);
    this.#tally.arrived += 1;
    if (this.#room > 0 && this.#line.size === 0) {
      this.#place(nowS, nowS, serviceS);
      return;
    }
    const limit = this.#subject.maxQueuedRequests;
    if (limit !== -1 && this.#line.size >= limit) this.#ended(nowS, "shed");
    else this.#line.append(nowS, serviceS, this.#cold.at(nowS));
  }

  /** Lets happen what is next, at {@link nextS}. At one moment waits end first, then work, then replicas change. */
  step(): void {
    const expiryS = this.#expiryS();
    const endS = this.#ends.nextS;
    if (expiryS <= endS && expiryS <= this.#replicaS) this.#expire(expiryS);
    else if (endS <= this.#replicaS) this.#end(endS);
    else this.#changeReplicas(this.#replicaS);
  }

  /** Starts or stops replicas until so many are to serve: those that do not serve yet stop first, then the newest. */
  scaleTo(count: number, nowS: number): void {
    this.#advance(nowS);
    while (this.target < count) this.#start(nowS, nowS + this.#startDelayS);
    while (this.target > count) {
      const unready = this.#starting.pop();
      if (unready !== undefined) this.#gone(unready, nowS);
      else this.#drain(this.serving.pop()!, nowS);
    }
    this.#lookAhead();
  }

  /** The first replicas, which serve from the start. */
  begin(count: number): void {
    for (let i = 0; i < count; i++) this.#start(0, 0);
    this.#changeReplicas(0);
  }

  /** The end: what is still there is unserved, and what still runs is counted until now. */
  finish(nowS: number): void {
    this.#advance(nowS);
    this.#tally.counts.unserved += this.#line.size + this.ongoing;
    for (const replica of [...this.#starting, ...this.serving, ...this.#draining]) this.#gone(replica, nowS);
  }

  #advance(nowS: number): void {
    this.#tally.advance(nowS, this.#line.size, this.ongoing);
  }

  #ended(nowS: number, how: "completed" | "shed" | "timedOut" | "noReplica"): void {
    this.#tally.counts[how] += 1;
    this.#tally.lastEndS = nowS;
  }

  /** When the oldest that waits is given up. */
  #expiryS(): number {
    return this.#line.size === 0 ? Number.POSITIVE_INFINITY : Math.min(this.#timeoutS(), this.#coldS());
  }

  #timeoutS(): number {
    const { requestTimeoutS } = this.#subject;
    return requestTimeoutS === null ? Number.POSITIVE_INFINITY : this.#line.headS + requestTimeoutS;
  }

  #coldS(): number {
    const { coldStartTimeoutS } = this.#subject;
    return coldStartTimeoutS === null
      ? Number.POSITIVE_INFINITY
      : this.#cold.whenS(this.#line.headReading + coldStartTimeoutS);
  }

  #expire(nowS: number): void {
    const how = this.#timeoutS() <= nowS ? "timedOut" : "noReplica";
    this.#advance(nowS);
    this.#tally.wait(nowS - this.#line.headS);
    this.#line.shift();
    this.#ended(nowS, how);
  }

  /** Gives a request to a replica; there must be room. */
  #place(nowS: number, cameS: number, serviceS: number): void {
    const replica = chooseReplica(this.serving, this.#subject.maxOngoingRequests, this.#random)!;
    replica.ongoing += 1;
    this.ongoing += 1;
    this.#room -= 1;
    this.#tally.wait(nowS - cameS);
    const { requestTimeoutS } = this.#subject;
    const endS = nowS + serviceS;
    if (requestTimeoutS !== null && cameS + requestTimeoutS < endS) {
      this.#ends.push(cameS + requestTimeoutS, 2 * replica.index + 1);
    } else this.#ends.push(endS, 2 * replica.index);
  }

  #pump(nowS: number): void {
    while (this.#room > 0 && this.#line.size > 0) {
      const { headS, headServiceS } = this.#line;
      this.#line.shift();
      this.#place(nowS, headS, headServiceS);
    }
  }

  #end(nowS: number): void {
    const tag = this.#ends.pop();
    const replica = this.#all[tag >> 1]!;
    // It was killed with what it worked on.
    if (replica.state === "gone") return;
    this.#advance(nowS);
    replica.ongoing -= 1;
    this.ongoing -= 1;
    this.#ended(nowS, (tag & 1) === 1 ? "timedOut" : "completed");
    if (replica.state === "serving") {
      this.#room += 1;
      this.#pump(nowS);
    } else if (replica.ongoing === 0) this.#leave(replica, nowS);
  }

  #start(nowS: number, readyS: number): void {
    const index = this.#all.length;
    const replica: SimulatedReplica = {
      id: String(index),
      index,
      startedS: nowS,
      readyS,
      state: "starting",
      ongoing: 0,
      servedS: 0,
      killS: Number.POSITIVE_INFINITY,
      column: 0,
      sinceRow: 0,
    };
    this.#all.push(replica);
    this.#starting.push(replica);
  }

  #drain(replica: SimulatedReplica, nowS: number): void {
    replica.state = "draining";
    replica.killS = nowS + this.#subject.gracefulShutdownTimeoutS;
    this.#tally.servingS += nowS - replica.servedS;
    this.#room -= this.#subject.maxOngoingRequests - replica.ongoing;
    this.#draining.push(replica);
    this.#cold.run(this.serving.length === 0, nowS);
    this.#listener.left(replica, nowS);
    if (replica.ongoing === 0) this.#leave(replica, nowS);
  }

  #leave(replica: SimulatedReplica, nowS: number): void {
    this.#draining = this.#draining.filter((each) => each !== replica);
    this.#gone(replica, nowS);
    this.#lookAhead();
  }

  #gone(replica: SimulatedReplica, nowS: number): void {
    if (replica.state === "serving") this.#tally.servingS += nowS - replica.servedS;
    replica.state = "gone";
    this.#tally.replicaS += nowS - replica.startedS;
  }

  /** Replicas that are ready by now begin to serve; draining ones whose time is up are killed. */
  #changeReplicas(nowS: number): void {
    this.#advance(nowS);
    for (const replica of this.#starting.filter(({ readyS }) => readyS <= nowS)) {
      replica.state = "serving";
      replica.servedS = nowS;
      this.serving.push(replica);
      this.#room += this.#subject.maxOngoingRequests;
      this.#listener.joined(replica, nowS);
    }
    this.#starting = this.#starting.filter(({ state }) => state === "starting");
    this.#cold.run(this.serving.length === 0, nowS);
    for (const replica of this.#draining.filter(({ killS }) => killS <= nowS)) {
      this.#tally.counts.dropped += replica.ongoing;
      this.#tally.lastEndS = nowS;
      this.ongoing -= replica.ongoing;
      this.#leave(replica, nowS);
    }
    this.#lookAhead();
    this.#pump(nowS);
  }

  #lookAhead(): void {
    let nextS = Number.POSITIVE_INFINITY;
    for (const { readyS } of this.#starting) nextS = Math.min(nextS, readyS);
    for (const { killS } of this.#draining) nextS = Math.min(nextS, killS);
    this.#replicaS = nextS;
  }
}
