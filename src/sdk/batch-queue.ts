/**
 * Forms batches. A batch begins when a slot for it is free and it is full or its oldest call has waited for its time;
 * until then calls go on joining it, also while others run. Calls of different keys never share one. Order is kept:
 * what does not fit into a batch is the first of the next.
 */
import type { Clock } from "../core/clock.ts";
import type { BatchSettings } from "./batch-options.ts";

/** A call in the queue. */
export interface Queued {
  /** One of its arguments for each list of the batch. */
  readonly args: readonly unknown[];
  /** Those of a batch have the same. */
  readonly key: string;
  /** Monotonic ms. */
  readonly sinceMs: number;
  /** It cannot be part of any batch. */
  refuse(error: Error): void;
}

/** Calls of one key, oldest first. */
interface Line<E> {
  readonly entries: E[];
  /** So many of them make the next batch. */
  formed: number;
  /** Their size, as `maxBatchSize` counts it. */
  size: number;
  /** Nothing more fits into it. */
  full: boolean;
}

/** What a {@link BatchQueue} needs. */
export interface BatchQueueOptions<E> {
  readonly clock: Clock;
  readonly settings: Readonly<BatchSettings>;
  /** Runs a batch of a size to its end; never rejects. */
  readonly run: (batch: readonly E[], size: number) => Promise<void>;
}

/** See the file's comment. */
export class BatchQueue<E extends Queued> {
  readonly #o: BatchQueueOptions<E>;
  readonly #lines = new Map<string, Line<E>>();
  #running = 0;
  #alarm: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(options: BatchQueueOptions<E>) {
    this.#o = options;
  }

  /** Calls that wait. */
  get length(): number {
    let length = 0;
    for (const { entries } of this.#lines.values()) length += entries.length;
    return length;
  }

  /** A new call; it may be refused before this returns. */
  add(entry: E): void {
    let line = this.#lines.get(entry.key);
    if (line === undefined) {
      line = { entries: [], formed: 0, size: 0, full: false };
      this.#lines.set(entry.key, line);
    }
    line.entries.push(entry);
    this.#fill(entry.key, line);
    if (line.full) this.#pump();
    else this.#arm();
  }

  /** Takes a call out that nobody waits for any more; false: its batch has begun. */
  remove(entry: E): boolean {
    const line = this.#lines.get(entry.key);
    const index = line?.entries.indexOf(entry) ?? -1;
    if (line === undefined || index < 0) return false;
    line.entries.splice(index, 1);
    this.#refill(entry.key, line);
    this.#pump();
    return true;
  }

  /** The settings are others now. */
  changed(): void {
    for (const [key, line] of this.#lines) this.#refill(key, line);
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#pump();
  }

  #refill(key: string, line: Line<E>): void {
    line.formed = 0;
    line.full = false;
    this.#fill(key, line);
  }

  /** Lets into the next batch what fits, in order. */
  #fill(key: string, line: Line<E>): void {
    const { maxBatchSize, sizeOf } = this.#o.settings;
    const { entries } = line;
    if (sizeOf === undefined) {
      line.formed = Math.min(entries.length, maxBatchSize);
      line.size = line.formed;
      line.full = line.formed === maxBatchSize;
    }
    while (sizeOf !== undefined && !line.full && line.formed < entries.length) {
      const size = sizeOrError(sizeOf, entries.slice(0, line.formed + 1));
      const alone = line.formed === 0;
      if (typeof size === "object") entries.splice(line.formed, 1)[0]!.refuse(size);
      else if (size <= maxBatchSize) {
        line.formed += 1;
        line.size = size;
        line.full = size === maxBatchSize;
      } else if (alone) {
        const message = `the size ${size} of this call alone is above maxBatchSize ${maxBatchSize}`;
        entries.shift()!.refuse(new RangeError(message));
      } else line.full = true;
    }
    if (entries.length === 0) this.#lines.delete(key);
  }

  #pump(): void {
    const { clock, settings, run } = this.#o;
    while (this.#running < settings.maxConcurrent) {
      const next = this.#due(clock.monotonic());
      if (next === undefined) break;
      const [key, line] = next;
      const { size } = line;
      const batch = line.entries.splice(0, line.formed);
      this.#refill(key, line);
      this.#running += 1;
      void run(batch, size).finally(() => {
        this.#running -= 1;
        this.#pump();
      });
    }
    this.#arm();
  }

  /** The line whose batch may begin; of several the one that has waited longest. */
  #due(nowMs: number): [string, Line<E>] | undefined {
    let due: [string, Line<E>] | undefined;
    for (const entry of this.#lines) {
      const { full, entries } = entry[1];
      const { sinceMs } = entries[0]!;
      if (!full && nowMs < sinceMs + this.#o.settings.waitMs) continue;
      if (due === undefined || sinceMs < due[1].entries[0]!.sinceMs) due = entry;
    }
    return due;
  }

  /** Comes back when the next call has waited for its time; the end of a batch does so as well. */
  #arm(): void {
    const { clock, settings } = this.#o;
    if (this.#running >= settings.maxConcurrent) return;
    let atMs = Number.POSITIVE_INFINITY;
    for (const { entries } of this.#lines.values()) atMs = Math.min(atMs, entries[0]!.sinceMs + settings.waitMs);
    if (atMs === Number.POSITIVE_INFINITY || (this.#alarm !== undefined && this.#alarm.atMs <= atMs)) return;
    this.#alarm?.cancel();
    const ring = (): void => {
      this.#alarm = undefined;
      this.#pump();
    };
    const delayMs = atMs - clock.monotonic();
    if (delayMs > 0) {
      const timer = clock.timer(delayMs, ring);
      this.#alarm = { atMs, cancel: () => timer.cancel() };
      return;
    }
    // Those that came with it join it: what was read from sockets at once arrives within this turn.
    const immediate = setImmediate(ring);
    this.#alarm = { atMs, cancel: () => clearImmediate(immediate) };
  }
}

/** What the batch function is called with: a list of each argument. A call that left one out has undefined there. */
export function listsOf(calls: readonly Pick<Queued, "args">[], parameters: number): unknown[][] {
  const count = calls.reduce((most, { args }) => Math.max(most, args.length), Math.max(parameters, 1));
  return Array.from({ length: count }, (_, index) => calls.map(({ args }) => args[index]));
}

function sizeOrError(sizeOf: (...lists: unknown[][]) => number, calls: readonly Queued[]): number | Error {
  try {
    const size: unknown = sizeOf(...listsOf(calls, sizeOf.length));
    if (typeof size === "number" && !Number.isNaN(size)) return size;
    return new TypeError(`batchSizeFn returned ${typeof size === "number" ? size : typeof size}: return a number`);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
