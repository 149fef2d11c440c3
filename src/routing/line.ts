/** What a line needs of those who wait in it. Links belong to the line. */
export interface Waiting {
  previous: Waiting | undefined;
  next: Waiting | undefined;
  /** Order of arrival. */
  readonly sequence: number;
}

/** Those who wait, oldest first; entering at the end and leaving from anywhere cost nothing. */
export class Line<T extends Waiting> {
  head: T | undefined;
  #tail: T | undefined;

  /** The youngest. */
  get tail(): T | undefined {
    return this.#tail;
  }

  append(waiter: T): void {
    this.#insertAfter(this.#tail, waiter);
  }

  /** Puts one that comes back where it was: it is among the oldest, so the walk from the head is short. */
  insertInOrder(waiter: T): void {
    let after: T | undefined;
    for (let at = this.head; at !== undefined && at.sequence < waiter.sequence; at = at.next as T | undefined)
      after = at;
    this.#insertAfter(after, waiter);
  }

  remove(waiter: T): void {
    const { previous, next } = waiter;
    if (previous === undefined) this.head = next as T | undefined;
    else previous.next = next;
    if (next === undefined) this.#tail = previous as T | undefined;
    else next.previous = previous;
    waiter.previous = undefined;
    waiter.next = undefined;
  }

  #insertAfter(after: T | undefined, waiter: T): void {
    const before = after === undefined ? this.head : (after.next as T | undefined);
    waiter.previous = after;
    waiter.next = before;
    if (after === undefined) this.head = waiter;
    else after.next = waiter;
    if (before === undefined) this.#tail = waiter;
    else before.previous = waiter;
  }
}
