/** The last decisions about one deployment. */
import { isFutile } from "./boundary.ts";
import type { Decision } from "./decide.ts";

/** A decision and how long the same was decided again. */
export interface LoggedDecision {
  readonly first: Decision;
  /** The newest that says the same as `first`; its load and time may differ. */
  readonly last: Decision;
  readonly turns: number;
}

/** Whether two decisions say the same: only time has passed, or the load changed without any effect. */
export function saysTheSame(a: Decision, b: Decision): boolean {
  if (a.kind !== b.kind || a.rules !== b.rules || a.running !== b.running || a.target !== b.target) return false;
  if (a.result !== b.result) return false;
  // A wait for what a bound forbids ends in nothing and begins again, for as long as nobody has any load.
  if (!sameStep(a, b) && !(isFutile(a) && isFutile(b))) return false;
  if (a.kind === "steered" && b.kind === "steered") return a.scaled === b.scaled;
  return a.kind !== "kept" || b.kind !== "kept" || a.reason === b.reason;
}

function sameStep({ proposed: a, delay: x }: Decision, { proposed: b, delay: y }: Decision): boolean {
  return a === b && x.kind === y.kind && (x.kind === "none" || y.kind === "none" || x.sinceS === y.sinceS);
}

/** Keeps the last decisions that differ. Adding costs next to nothing; explain.ts formats what is read. */
export class DecisionLog {
  readonly #entries: { first: Decision; last: Decision; turns: number }[] = [];
  readonly #limit: number;
  /** Where the oldest stands once the limit is reached. */
  #oldest = 0;

  /** `limit` decisions are kept. Default 64. */
  constructor(limit = 64) {
    this.#limit = limit;
  }

  /** Adds the newest decision; true when it differs from the one before. */
  add(decision: Decision): boolean {
    const entries = this.#entries;
    const full = entries.length === this.#limit;
    const newest = entries[full ? (this.#oldest + this.#limit - 1) % this.#limit : entries.length - 1];
    if (newest && saysTheSame(newest.last, decision)) {
      newest.last = decision;
      newest.turns += 1;
      return false;
    }
    const entry = { first: decision, last: decision, turns: 1 };
    if (full) {
      entries[this.#oldest] = entry;
      this.#oldest = (this.#oldest + 1) % this.#limit;
    } else entries.push(entry);
    return true;
  }

  /** What is kept, oldest first. */
  list(): readonly LoggedDecision[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)].map((entry) => ({
      ...entry,
    }));
  }
}
