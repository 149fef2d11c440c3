import type { ReplicaRecord } from "./records.ts";

/** A router that has not applied a table after this long is not waited for: it is stuck, and rejects are retried. */
const TIMEOUT_MS = 5_000;

/** The replicas that wait until no router knows them any more. */
export class Unrouting {
  readonly #waiting = new Map<string, { readonly revision: number; readonly since: number }>();

  /** Takes in the present replicas; those that newly wait do so until routers have applied `revision`. */
  note(replicas: Iterable<ReplicaRecord>, revision: number, now: number): void {
    const wanted = new Set<string>();
    for (const { id, state } of replicas) {
      if (state.kind !== "stopping" || state.stage !== "unrouting") continue;
      wanted.add(id);
      if (!this.#waiting.has(id)) this.#waiting.set(id, { revision, since: now });
    }
    for (const id of this.#waiting.keys()) if (!wanted.has(id)) this.#waiting.delete(id);
  }

  /** Takes out the ids that every router has dropped (`applied` is the revision all have), or that waited too long. */
  done(applied: number, now: number): string[] {
    const ids: string[] = [];
    for (const [id, { revision, since }] of this.#waiting) {
      if (revision > applied && now - since < TIMEOUT_MS) continue;
      this.#waiting.delete(id);
      ids.push(id);
    }
    return ids;
  }

  /** When the first of them has waited too long; Infinity without any. */
  wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const { since } of this.#waiting.values()) at = Math.min(at, since + TIMEOUT_MS);
    return at;
  }
}
