import { Line, type Waiting } from "./line.ts";

/** One that waits for a replica of a revision (0: of any) and perhaps for one with a model. */
export interface InLine extends Waiting {
  revision: number;
  /** The model it is for; empty: none. */
  readonly model: string;
}

/** Those who wait, in a line for each revision and model, so that one without room keeps none of the others waiting. */
export class Lines<T extends InLine> {
  readonly #lines = new Map<number | string, Line<T>>();
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

  /** The oldest head of a line that `found` has something for, with that. */
  oldest<F>(found: (head: T) => F | undefined): { readonly waiter: T; readonly found: F } | undefined {
    let best: { readonly waiter: T; readonly found: F } | undefined;
    for (const { head } of this.#lines.values()) {
      if (head === undefined || (best !== undefined && best.waiter.sequence < head.sequence)) continue;
      const something = found(head);
      if (something !== undefined) best = { waiter: head, found: something };
    }
    return best;
  }

  /** All, line by line; each may be removed while it is looked at only after the walk. */
  *all(): Generator<T> {
    for (const line of this.#lines.values()) {
      for (let at = line.head; at !== undefined; at = at.next as T | undefined) yield at;
    }
  }

  /** All, oldest first; each may be removed while it is looked at. */
  inOrder(): T[] {
    return [...this.all()].sort((a, b) => a.sequence - b.sequence);
  }

  /** Who is the next of each line. */
  *heads(): Generator<T> {
    for (const { head } of this.#lines.values()) if (head !== undefined) yield head;
  }

  #lineOf(waiter: T): Line<T> {
    const key = lineOf(waiter);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(key, line);
    }
    return line;
  }
}

function lineOf({ revision, model }: InLine): number | string {
  return model === "" ? revision : `${revision}/${model}`;
}
