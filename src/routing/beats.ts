import type { Clock, Timer } from "../core/clock.ts";

interface Beat<Member> {
  readonly members: Set<Member>;
  timer: Timer;
}

/** Calls back at intervals: one timer for all members of the same interval, none without members. */
export class Beats<Member> {
  readonly #clock: Clock;
  readonly #run: (members: ReadonlySet<Member>) => void;
  readonly #beats = new Map<number, Beat<Member>>();
  readonly #intervals = new Map<Member, number>();

  /** `run` gets all members whose time has come. Its timers do not keep the process alive. */
  constructor(clock: Clock, run: (members: ReadonlySet<Member>) => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Adds a member, or moves it to another interval; one that has this interval already keeps its time. */
  set(member: Member, intervalMs: number): void {
    if (this.#intervals.get(member) === intervalMs) return;
    this.delete(member);
    this.#intervals.set(member, intervalMs);
    let beat = this.#beats.get(intervalMs);
    if (beat === undefined) {
      beat = { members: new Set(), timer: this.#arm(intervalMs) };
      this.#beats.set(intervalMs, beat);
    }
    beat.members.add(member);
  }

  delete(member: Member): void {
    const intervalMs = this.#intervals.get(member);
    if (intervalMs === undefined) return;
    this.#intervals.delete(member);
    const beat = this.#beats.get(intervalMs)!;
    beat.members.delete(member);
    if (beat.members.size > 0) return;
    beat.timer.cancel();
    this.#beats.delete(intervalMs);
  }

  #arm(intervalMs: number): Timer {
    return this.#clock.timer(intervalMs, () => this.#beat(intervalMs), { unref: true });
  }

  #beat(intervalMs: number): void {
    const beat = this.#beats.get(intervalMs);
    if (beat === undefined) return;
    beat.timer = this.#arm(intervalMs);
    this.#run(beat.members);
  }
}
