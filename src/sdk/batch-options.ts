import { suggest } from "./options.ts";

/** Options of `batch`. `A` are the lists that the batch function takes. */
export interface BatchOptions<A extends readonly unknown[][] = unknown[][]> {
  /** Calls in one batch at most, or with `batchSizeFn` their size. An integer of at least 1. Default 10. */
  maxBatchSize?: number;
  /** Seconds a call waits for others while its batch is not full; 0: for those alone that are there. Default 0.01. */
  batchWaitTimeoutS?: number;
  /** Batches that run at once; calls wait, and go on filling the next batch, meanwhile. Default 1. */
  maxConcurrentBatches?: number;
  /**
   * Size of a batch with these inputs, say its tokens, to be compared with `maxBatchSize`. Takes what the batch function
   * takes. Default: the number of calls.
   */
  batchSizeFn?: (...lists: A) => number;
}

/** The options in force. */
export interface BatchSettings {
  maxBatchSize: number;
  waitMs: number;
  readonly maxConcurrent: number;
  readonly sizeOf: ((...lists: unknown[][]) => number) | undefined;
}

const NAMES = ["maxBatchSize", "batchWaitTimeoutS", "maxConcurrentBatches", "batchSizeFn", "stream"];

/** Checks what authors wrote; throws a TypeError or RangeError of one line. */
export function batchSettings(options: Readonly<Record<string, unknown>>): BatchSettings {
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue;
    const near = suggest(name, NAMES);
    throw new TypeError(`batch() has no option "${name}"${near === undefined ? "" : `: did you mean "${near}"?`}`);
  }
  const { maxBatchSize = 10, batchWaitTimeoutS = 0.01, maxConcurrentBatches = 1, batchSizeFn } = options;
  if (batchSizeFn !== undefined && typeof batchSizeFn !== "function") {
    throw new TypeError(`batchSizeFn must be a function (inputs) => number, not ${typeof batchSizeFn}`);
  }
  return {
    maxBatchSize: countOf("maxBatchSize", maxBatchSize),
    waitMs: waitMsOf(batchWaitTimeoutS),
    maxConcurrent: countOf("maxConcurrentBatches", maxConcurrentBatches),
    sizeOf: batchSizeFn as BatchSettings["sizeOf"],
  };
}

/** An integer of at least 1, or an error that names the option. */
export function countOf(name: string, value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be an integer, not ${typeof value}`);
  if (!Number.isInteger(value)) throw new TypeError(`${name} ${value} must be an integer`);
  if (value < 1) throw new RangeError(`${name} ${value} must be >= 1`);
  return value;
}

/** `batchWaitTimeoutS` in ms. */
export function waitMsOf(value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`batchWaitTimeoutS must be a number, not ${typeof value}`);
  if (!(value >= 0 && Number.isFinite(value))) throw new RangeError(`batchWaitTimeoutS ${value} must be >= 0`);
  return value * 1_000;
}
