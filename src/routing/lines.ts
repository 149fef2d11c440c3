import { goesBefore, type Ranked, RankedLine } from "./ranked-line.ts";

/** One that waits for a replica of a revision (0: of any) and perhaps for one with a model. */
export interface InLine extends Ranked {
  revision: number;
  /** The model it is for; empty: none. */
  readonly model: string;
  /** What else it waits beside others for, as a request router says; undefined: nothing. */
  readonly group?: string | number | undefined;
}

/** Those who wait, in a line for each revision and model, so that one without room keeps none of the others waiting. */
export class Lines<T extends InLine> {
  readonly #lines = new Map<number | string, RankedLine<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether others wait for the same. */
  has(waiter: InLine): boolean {
    return this.#lines.has(lineOf(waiter));
  }

  append(waiter: T): void {
    this.#lineOf(waiter).append(waiter);
    this.#size += 1;
  }

  /** Puts one that comes back where it was. */
  insertInOrder(waiter: T): void {
    this.#lineOf(waiter).insertInOrder(waiter);
    this.#size += 1;
  }

  remove(waiter: T): void {
    const key = lineOf(waiter);
    const line = this.#lines.get(key)!;
    line.remove(waiter);
    if (line.head === undefined) this.#lines.delete(key);
    this.#size -= 1;
  }

  /** How many wait for the same and go before a newcomer, as far as that is certain: those of its priority and above. */
  ahead(newcomer: InLine): number {
    return this.#lines.get(lineOf(newcomer))?.atLeast(newcomer.priority) ?? 0;
  }

  /**
   * Who makes room for a newcomer where the lines are full: the youngest of the lowest priority, if that is below the
   * newcomer's and has not waited for so long that it goes first all the same.
   */
  displacedBy(newcomer: InLine): T | undefined {
    let found: T | undefined;
    for (const { last } of this.#lines.values()) {
      if (last === undefined || last.priority >= newcomer.priority || goesBefore(last, newcomer)) continue;
      const better =
        found === undefined ||
        last.priority < found.priority ||
        (last.priority === found.priority && last.sequence > found.sequence);
      if (better) found = last;
    }
    return found;
  }

  /** The head of a line that goes first of those that `found` has something for, with that. */
  oldest<F>(found: (head: T) => F | undefined): { readonly waiter: T; readonly found: F } | undefined {
    let best: { readonly waiter: T; readonly found: F } | undefined;
    for (const { head } of this.#lines.values()) {
      if (head === undefined || (best !== undefined && goesBefore(best.waiter, head))) continue;
      const something = found(head);
      if (something !== undefined) best = { waiter: head, found: something };
    }
    return best;
  }

  /** All, line by line; each may be removed while it is looked at only after the walk. */
  *all(): Generator<T> {
    for (const line of this.#lines.values()) yield* line.all();
  }

  /** All, as they would go; each may be removed while it is looked at. */
  inOrder(): T[] {
    return [...this.all()].sort((a, b) => (goesBefore(a, b) ? -1 : 1));
  }

  /** Who is the next of each line. */
  *heads(): Generator<T> {
    for (const { head } of this.#lines.values()) if (head !== undefined) yield head;
  }

  #lineOf(waiter: T): RankedLine<T> {
    const key = lineOf(waiter);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new RankedLine();
      this.#lines.set(key, line);
    }
    return line;
  }
}

function lineOf({ revision, model, group }: InLine): number | string {
  if (group !== undefined) return `${revision}/${group}/${model}`;
  return model === "" ? revision : `${revision}/${model}`;
}
