/** Whether routers know the replicas of a canary, so that a chain of calls finds its own revision from the first on. */

/** What routers have; epoch of both is the store's revision. */
export interface TablesInForce {
  /** Revision of the newest table. */
  published(): number;
  /** The newest revision that every router has applied; Infinity without routers. */
  appliedEverywhere(): number;
}

/** A router that has not applied a table after this long is stuck, and not waited for. */
const TIMEOUT_MS = 5_000;
/** Between two looks; acknowledgements come within milliseconds. */
const LOOK_MS = 50;

interface Waiting {
  readonly since: number;
  /** Of the first table that has the replicas; undefined until it is out. */
  revision: number | undefined;
}

/** The canaries whose replicas serve and may not be known everywhere yet. In memory alone: a successor waits anew. */
export class CanaryRoutes {
  readonly #tables: TablesInForce;
  readonly #waiting = new Map<string, Waiting>();

  constructor(tables: TablesInForce) {
    this.#tables = tables;
  }

  /**
   * Whether every router knows the replicas of a canary (`key`), which serve since this turn or longer; else when to
   * look again, epoch ms. To be called in each turn until then.
   */
  known(key: string, now: number): { readonly known: boolean; readonly lookAt: number } {
    const yes = { known: true, lookAt: Infinity };
    if (this.#tables.appliedEverywhere() === Infinity) return yes;
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      // The table with them goes out at the end of this turn.
      this.#waiting.set(key, { since: now, revision: undefined });
      return { known: false, lookAt: now + 1 };
    }
    waiting.revision ??= this.#tables.published();
    if (this.#tables.appliedEverywhere() >= waiting.revision || now - waiting.since >= TIMEOUT_MS) {
      this.#waiting.delete(key);
      return yes;
    }
    return { known: false, lookAt: now + LOOK_MS };
  }

  /** Forgets one that does not wait any more. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }
}
