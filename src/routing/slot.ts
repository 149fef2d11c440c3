import type { Candidate } from "./choose.ts";
import type { Ejection } from "./ejection.ts";

/** A load that a replica reported counts for this long. */
const REPORT_VALID_MS = 10_000;
/**
 * Requests of one router that may wait at one replica: several, so that none is missing when several slots become free
 * at once; few, since those that wait at one replica cannot go to another.
 */
const MAX_PARKED = 4;
/** How long one waits there at first; then twice as long each time, so that long services cost few questions. */
const FIRST_PATIENCE_MS = 200;
const MAX_PATIENCE_MS = 1_600;

/** How long a replica that refused is left alone: `initialMs`, then `multiplier` times as long, at most `maxMs`. */
export interface Backoff {
  initialMs: number;
  multiplier: number;
  maxMs: number;
}

/** Unless a deployment's config says otherwise. */
export const DEFAULT_BACKOFF: Readonly<Backoff> = { initialMs: 25, multiplier: 2, maxMs: 500 };

/** The pause after so many (from 0) before it. */
export function pauseMs({ initialMs, multiplier, maxMs }: Readonly<Backoff>, before: number): number {
  return Math.min(initialMs * multiplier ** before, maxMs);
}

/** One replica as one router sees it. */
export class Slot implements Candidate {
  readonly id: string;
  readonly address: string;
  /** The revision of the application it runs; 0: it serves every one. */
  revision: number;
  /** What the choice reads; set by {@link refresh}. */
  ongoing = 0;
  /** Requests of this router in the replica: exact. */
  own = 0;
  /** Nobody listened there; out until the next table. */
  dropped = false;
  /** The table no longer has it; requests in it go on. */
  retired = false;
  /** Monotonic ms until which the replica is left alone. */
  blockedUntilMs = 0;
  /** Requests of `own` that wait there for a slot, as far as known. */
  parked = 0;
  /** How long a request may wait there. Ms. */
  patienceMs = FIRST_PATIENCE_MS;
  /** What it did wrong; undefined: nothing. */
  ejection: Ejection | undefined;
  /** It was full when last heard of; a request may wait there. */
  #full = false;
  /** It refuses at once what asks to wait, as one that is about to stop does. */
  #refusesToWait = false;
  /** Requests of other callers, by the last report. */
  #others = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #refusals = 0;
  /** Shared by a deployment's replicas; may change. */
  readonly #backoff: Readonly<Backoff>;

  constructor(id: string, address: string, revision = 0, backoff: Readonly<Backoff> = DEFAULT_BACKOFF) {
    this.id = id;
    this.address = address;
    this.revision = revision;
    this.#backoff = backoff;
  }

  /** Requests in it, as far as known: ours and, while that is news, those of others. */
  queueLength(nowMs: number): number {
    return nowMs - this.#reportedAtMs > REPORT_VALID_MS ? this.own : this.own + this.#others;
  }

  /** Whether it is left out, or has to show with one request that it need not be. */
  get ejected(): boolean {
    return this.ejection?.untilMs !== undefined;
  }

  /** Whether somebody listens there, and it is not left out for what it did. */
  serves(nowMs: number): boolean {
    return !this.dropped && this.ejection?.keepsOut(nowMs, this.own) !== true;
  }

  /**
   * Sets `ongoing` for a request that goes in or comes back. The load of others weighs in the choice but never makes a
   * replica look full by itself: it may be gone by now, and asking costs one rejection at most.
   */
  refresh(nowMs: number, maxOngoing: number): void {
    const unfit = this.dropped || this.blockedUntilMs > nowMs || (this.#full && this.parked > 0);
    if (unfit || this.ejection?.keepsOut(nowMs, this.own)) this.ongoing = Number.POSITIVE_INFINITY;
    else if (this.#others === 0 || nowMs - this.#reportedAtMs > REPORT_VALID_MS) this.ongoing = this.own;
    else this.ongoing = Math.max(this.own, Math.min(this.own + this.#others, maxOngoing - 1));
  }

  /** Sets `ongoing` for a request that may wait there; Infinity where it is not full, or has enough that wait. */
  refreshToPark(): void {
    const fit = this.#full && !this.#refusesToWait && !this.dropped && !this.ejected && this.parked < MAX_PARKED;
    this.ongoing = fit ? this.own : Number.POSITIVE_INFINITY;
  }

  /** The replica said how many requests it has, ours included; -1: it did not say. */
  reported(ongoing: number, nowMs: number): void {
    if (ongoing < 0) return;
    this.#others = Math.max(0, ongoing - this.own);
    this.#reportedAtMs = nowMs;
  }

  /** It took in a request. `contended`: others wait for its slots, and the next of ours goes to wait as well. */
  accepted(nowMs: number, contended: boolean): void {
    this.patienceMs = FIRST_PATIENCE_MS;
    this.#refusesToWait = false;
    if (contended) this.#isFull(nowMs);
    else {
      this.#full = false;
      this.ended();
    }
  }

  /** It finished a request of ours: there is room, unless others wait for it. */
  ended(): void {
    if (this.#full) return;
    this.#refusals = 0;
    this.blockedUntilMs = 0;
  }

  /** It had no room. `asked`: whether the request could have waited there, and did for its time. */
  rejected(nowMs: number, asked: "no" | "refused" | "waited"): void {
    if (asked === "waited") {
      this.patienceMs = Math.min(2 * this.patienceMs, MAX_PATIENCE_MS);
      this.#isFull(nowMs);
      return;
    }
    this.#backOff(nowMs);
    this.#full = true;
    if (asked === "refused") this.#refusesToWait = true;
    else if (!this.#refusesToWait)
      this.blockedUntilMs = Math.max(this.blockedUntilMs, nowMs + pauseMs(this.#backoff, 0));
  }

  /** It could not be asked. */
  unreachable(nowMs: number): void {
    this.#full = false;
    this.#backOff(nowMs);
  }

  /** Leaves it alone, by default for 0, 25, 50, … 500 ms, however many requests wait. */
  #backOff(nowMs: number): void {
    this.#refusals += 1;
    this.blockedUntilMs = nowMs + (this.#refusals === 1 ? 0 : pauseMs(this.#backoff, this.#refusals - 2));
  }

  #isFull(nowMs: number): void {
    this.#full = true;
    this.#refusesToWait = false;
    this.#refusals = 1;
    this.blockedUntilMs = nowMs + pauseMs(this.#backoff, 0);
  }
}
