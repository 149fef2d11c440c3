/** What routers tell of request routers that fail, until a turn writes it down. In memory alone. */
import { addFaults, type RouterFaultSum } from "../core/router-faults.ts";
import { keys } from "./records.ts";
import { routerVersionOf } from "./request-routing.ts";
import { nextNoteAt, noteRouterFaults } from "./router-failure-state.ts";
import type { Draft } from "./world.ts";

/** Faults of one deployment that a turn took in, to be settled once that is durable. */
export interface TakenFaults {
  /** Store key of the deployment. */
  readonly key: string;
  readonly sum: RouterFaultSum;
  /** From when on more of them may be written, epoch ms. */
  readonly nextAt: number;
}

/** See the file's comment. What is told faster than it may be written is summed. */
export class RouterFaults {
  /** By store key of the deployment. */
  readonly #told = new Map<string, RouterFaultSum>();
  /** What was written lately, and from when on more of it may be, epoch ms; another version may be at once. */
  readonly #written = new Map<string, { readonly version: string; readonly nextAt: number }>();
  #onTold: (at: number) => void = () => {};

  /** Calls back with when a turn should look, epoch ms. */
  onTold(listener: (at: number) => void): void {
    this.#onTold = listener;
  }

  /** Takes a router's word in. */
  report(sums: readonly RouterFaultSum[]): void {
    for (const sum of sums) {
      if (sum.count < 1) continue;
      const key = keys.deployment(sum.application, sum.deployment);
      this.#told.set(key, addFaults(this.#told.get(key), sum));
    }
    if (this.#told.size > 0) this.#onTold(this.wakeAt());
  }

  /** When a turn should look, epoch ms; Infinity: not before more is told. */
  wakeAt(): number {
    let at = Infinity;
    for (const [key, sum] of this.#told) at = Math.min(at, this.#mayBeWrittenAt(key, sum));
    return at;
  }

  /** Notes on a draft what may be written now. */
  take(draft: Draft, now: number): TakenFaults[] {
    const taken: TakenFaults[] = [];
    for (const [key, sum] of this.#told) {
      if (this.#mayBeWrittenAt(key, sum) <= now) taken.push({ key, sum, nextAt: note(draft, sum, now) });
    }
    return taken;
  }

  /** What a turn took is durable. */
  settle(taken: readonly TakenFaults[], now: number): void {
    if (taken.length === 0) return;
    for (const { key, sum, nextAt } of taken) {
      const told = this.#told.get(key);
      if (told === sum) this.#told.delete(key);
      // More was told meanwhile.
      else if (told?.version === sum.version) this.#told.set(key, { ...told, count: told.count - sum.count });
      this.#written.set(key, { version: sum.version, nextAt });
    }
    for (const [key, { nextAt }] of this.#written) if (nextAt <= now) this.#written.delete(key);
  }

  #mayBeWrittenAt(key: string, { version }: RouterFaultSum): number {
    const written = this.#written.get(key);
    return written?.version === version ? written.nextAt : 0;
  }
}

/** Returns when more on the deployment may be written; 0 where nothing is: it is gone, or has another router by now. */
function note(draft: Draft, sum: RouterFaultSum, now: number): number {
  const deployment = draft.deployment(sum.application, sum.deployment);
  if (deployment === undefined) return 0;
  const next = noteRouterFaults(deployment, sum, routerVersionOf(deployment), now);
  if (next === deployment) return 0;
  draft.setDeployment(next);
  return nextNoteAt(next);
}
