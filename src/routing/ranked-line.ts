import { Line, type Waiting } from "./line.ts";

/** One that waits in a {@link RankedLine}. */
export interface Ranked extends Waiting {
  readonly priority: number;
  /** What places it; the least goes first, of equal ones the one that came first. Those of one priority rank as they came. */
  readonly rank: number;
}

interface OfPriority<T extends Ranked> {
  readonly priority: number;
  readonly line: Line<T>;
  size: number;
}

/** Whether `a` goes before `b`. */
export function goesBefore(a: Ranked, b: Ranked): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.sequence < b.sequence);
}

/** Those who wait for the same, by rank: a line for each priority that is in it, of which there mostly is one. */
export class RankedLine<T extends Ranked> {
  readonly #lines: OfPriority<T>[] = [];

  /** Who is next. */
  get head(): T | undefined {
    let best: T | undefined;
    for (const { line } of this.#lines) {
      if (best === undefined || goesBefore(line.head!, best)) best = line.head;
    }
    return best;
  }

  append(waiter: T): void {
    const own = this.#own(waiter.priority);
    own.line.append(waiter);
    own.size += 1;
  }

  /** Puts one that comes back where it was. */
  insertInOrder(waiter: T): void {
    const own = this.#own(waiter.priority);
    own.line.insertInOrder(waiter);
    own.size += 1;
  }

  remove(waiter: T): void {
    const own = this.#own(waiter.priority);
    own.line.remove(waiter);
    own.size -= 1;
    if (own.size === 0) this.#lines.splice(this.#lines.indexOf(own), 1);
  }

  /** How many of this priority and of higher ones wait. */
  atLeast(priority: number): number {
    let count = 0;
    for (const own of this.#lines) if (own.priority >= priority) count += own.size;
    return count;
  }

  /** The youngest of the lowest priority. */
  get last(): T | undefined {
    let lowest: OfPriority<T> | undefined;
    for (const own of this.#lines) if (lowest === undefined || own.priority < lowest.priority) lowest = own;
    return lowest?.line.tail;
  }

  /** All, priority by priority; each may be removed while it is looked at only after the walk. */
  *all(): Generator<T> {
    for (const { line } of this.#lines) {
      for (let at = line.head; at !== undefined; at = at.next as T | undefined) yield at;
    }
  }

  #own(priority: number): OfPriority<T> {
    for (const own of this.#lines) if (own.priority === priority) return own;
    const made = { priority, line: new Line<T>(), size: 0 };
    this.#lines.push(made);
    return made;
  }
}
