import type { ReplicaRecord } from "./records.ts";

/** A router that has not applied a table after this long is not waited for: it is stuck, and rejects are retried. */
const TIMEOUT_MS = 5_000;

interface Waiting {
  readonly revision: number;
  readonly since: number;
}

/** The replicas that wait until no router knows them any more. */
export class Unrouting {
  /** In the order of their revisions. */
  readonly #waiting = new Map<string, Waiting>();
  /** The last that came; its time is earlier than others' only where the clock was set back. */
  #newest: Waiting | undefined;

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Takes in a replica that was written, null where it is gone; one that newly waits does so until routers have applied `revision`. */
  note(id: string, replica: ReplicaRecord | null, revision: number, now: number): void {
    const state = replica?.state;
    if (state?.kind !== "stopping" || state.stage !== "unrouting") this.#waiting.delete(id);
    else if (!this.#waiting.has(id)) {
      this.#newest = { revision, since: now };
      this.#waiting.set(id, this.#newest);
    }
  }

  /** Takes out the ids that every router has dropped (`applied` is the revision all have), or that waited too long. */
  done(applied: number, now: number): string[] {
    const ids: string[] = [];
    const first = this.#first();
    // Seen at once where it is none, as nearly always.
    if (first === undefined || (first.revision > applied && now < this.wakeAt())) return ids;
    for (const [id, { revision, since }] of this.#waiting) {
      if (revision > applied && now - since < TIMEOUT_MS) continue;
      this.#waiting.delete(id);
      ids.push(id);
    }
    return ids;
  }

  /** When the first of them has waited too long; Infinity without any. */
  wakeAt(): number {
    const first = this.#first();
    if (first === undefined) return Number.POSITIVE_INFINITY;
    return Math.min(first.since, this.#newest?.since ?? first.since) + TIMEOUT_MS;
  }

  #first(): Waiting | undefined {
    return this.#waiting.values().next().value;
  }
}
