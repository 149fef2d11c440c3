import type { Candidate } from "./choose.ts";

/** A load that a replica reported counts for this long. */
const REPORT_VALID_MS = 10_000;
const FIRST_BACKOFF_MS = 25;
const MAX_BACKOFF_MS = 500;

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
  /** Requests of other callers, by the last report. */
  #others = 0;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #refusals = 0;

  constructor(id: string, address: string, revision = 0) {
    this.id = id;
    this.address = address;
    this.revision = revision;
  }

  /**
   * Sets `ongoing`. The load of others weighs in the choice but never makes a replica look full by itself: it may be
   * gone by now, and asking costs one rejection at most.
   */
  refresh(nowMs: number, maxOngoing: number): void {
    if (this.dropped || this.blockedUntilMs > nowMs) this.ongoing = Number.POSITIVE_INFINITY;
    else if (this.#others === 0 || nowMs - this.#reportedAtMs > REPORT_VALID_MS) this.ongoing = this.own;
    else this.ongoing = Math.max(this.own, Math.min(this.own + this.#others, maxOngoing - 1));
  }

  /** The replica said how many requests it has, ours included; -1: it did not say. */
  reported(ongoing: number, nowMs: number): void {
    if (ongoing < 0) return;
    this.#others = Math.max(0, ongoing - this.own);
    this.#reportedAtMs = nowMs;
  }

  /** It took a request, or finished one of ours: there is room. */
  open(): void {
    this.#refusals = 0;
    this.blockedUntilMs = 0;
  }

  /** It refused. Left alone for 0, 25, 50, … 500 ms, however many requests wait. */
  refused(nowMs: number): void {
    this.#refusals += 1;
    const backoffMs = this.#refusals === 1 ? 0 : FIRST_BACKOFF_MS * 2 ** Math.min(this.#refusals - 2, 10);
    this.blockedUntilMs = nowMs + Math.min(backoffMs, MAX_BACKOFF_MS);
  }
}
