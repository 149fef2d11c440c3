import { Line, type Waiting } from "./line.ts";

/** One that waits for a replica of a revision; 0: of any. */
export interface InLine extends Waiting {
  revision: number;
}

/** Those who wait, in a line for each revision, so that one without room keeps none of the other waiting. */
export class Lines<T extends InLine> {
  readonly #lines = new Map<number, Line<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(revision: number): boolean {
    return this.#lines.has(revision);
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
    const line = this.#lines.get(waiter.revision)!;
    line.remove(waiter);
    if (line.head === undefined) this.#lines.delete(waiter.revision);
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

  #lineOf({ revision }: T): Line<T> {
    let line = this.#lines.get(revision);
    if (line === undefined) {
      line = new Line();
      this.#lines.set(revision, line);
    }
    return line;
  }
}
