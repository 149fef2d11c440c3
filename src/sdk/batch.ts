import { AsyncLocalStorage } from "node:async_hooks";
import { type BatchCall, StreamCall, ValueCall } from "./batch-call.ts";
import { batchMetrics } from "./batch-metrics.ts";
import { type BatchOptions, type BatchSettings, batchSettings, countOf, waitMsOf } from "./batch-options.ts";
import { BatchQueue } from "./batch-queue.ts";
import { type BatchFunction, type Outside, runStreams, runValues } from "./batch-run.ts";
import { BATCH, BATCH_DONE, hasBrand } from "./brands.ts";
import { type RequestContext, runtime } from "./runtime.ts";

/** What `batch` makes: called with single values, by as many callers as there are. */
export interface Batched {
  /** Changes `maxBatchSize`, also for calls that wait already. */
  setMaxBatchSize(maxBatchSize: number): void;
  /** Changes `batchWaitTimeoutS`, also for calls that wait already. */
  setBatchWaitTimeoutS(batchWaitTimeoutS: number): void;
  getMaxBatchSize(): number;
  getBatchWaitTimeoutS(): number;
}

/** See {@link batch}. */
export type BatchedFunction<A extends readonly unknown[], R> = ((...args: A) => Promise<R>) & Batched;

/** See {@link batch}. */
export type BatchedStream<A extends readonly unknown[], R> = ((...args: A) => AsyncIterableIterator<R>) & Batched;

/** One of each list. */
export type ItemsOf<A extends readonly unknown[][]> = { [K in keyof A]: A[K][number] };

/** What a caller may get: an Error among the results is thrown at its caller. */
type ResultOf<R> = Exclude<R, Error | typeof BATCH_DONE>;

/**
 * Calls of several callers run as one:
 *
 *     class Model {
 *       predict = batch({ maxBatchSize: 8 }, async (inputs: string[]) => this.model.run(inputs));
 *       async fetch(request: Request) { return Response.json(await this.predict(await request.text())); }
 *     }
 *
 * The function takes a list for each parameter, and returns one result for each call, in their order; an Error among them
 * is thrown at its caller alone. What it throws is thrown at all callers of the batch. With `stream: true` it is an
 * async generator of such lists, and each caller reads a stream of its own; `batch.done` in a caller's place ends that.
 */
export const batch: {
  <A extends unknown[][], R>(
    options: BatchOptions<A> & { stream: true },
    fn: (this: void, ...lists: A) => AsyncIterable<ArrayLike<R>>,
  ): BatchedStream<ItemsOf<A>, ResultOf<R>>;
  <A extends unknown[][], R>(
    options: BatchOptions<A> & { stream?: false },
    fn: (this: void, ...lists: A) => PromiseLike<ArrayLike<R>> | ArrayLike<R>,
  ): BatchedFunction<ItemsOf<A>, ResultOf<R>>;
  <A extends unknown[][], R>(
    fn: (this: void, ...lists: A) => PromiseLike<ArrayLike<R>> | ArrayLike<R>,
  ): BatchedFunction<ItemsOf<A>, ResultOf<R>>;
  /** Yielded in the place of a caller whose stream is complete. */
  readonly done: typeof BATCH_DONE;
} = Object.assign(make as never, { done: BATCH_DONE });

/** For Windlass's own processes: what a function made by {@link batch} carries. */
export interface BatchInside {
  readonly settings: Readonly<BatchSettings>;
  /** In metrics and errors. */
  name: string;
}

function make(first: unknown, second?: unknown): unknown {
  const [options, fn] = typeof first === "function" && second === undefined ? [{}, first] : [first, second];
  if (typeof options !== "object" || options === null) throw new TypeError(`batch() needs (options, function)`);
  if (typeof fn !== "function") {
    throw new TypeError(`batch() needs a function that takes lists, not ${typeof fn}: batch({}, async (inputs) => …)`);
  }
  const { stream = false } = options as { stream?: unknown };
  if (typeof stream !== "boolean") throw new TypeError(`stream must be true or false, not ${typeof stream}`);
  if (!stream && Object.prototype.toString.call(fn) === "[object AsyncGeneratorFunction]") {
    throw new TypeError("batch() got an async generator: set its option stream to true");
  }
  const settings = batchSettings(options as Record<string, unknown>);
  const inside: BatchInside = { settings, name: fn.name };
  const work = { fn: fn as BatchFunction, inside, settings, outside: AsyncLocalStorage.snapshot() };
  const batched = stream ? streaming(work) : giving(work);
  const changed = (): void => batched.queue()?.changed();
  return Object.assign(Object.defineProperty(batched.call, "name", { value: fn.name }), {
    [BATCH]: inside,
    setMaxBatchSize(maxBatchSize: number) {
      settings.maxBatchSize = countOf("maxBatchSize", maxBatchSize);
      changed();
    },
    setBatchWaitTimeoutS(batchWaitTimeoutS: number) {
      settings.waitMs = waitMsOf(batchWaitTimeoutS);
      changed();
    },
    getMaxBatchSize: () => settings.maxBatchSize,
    getBatchWaitTimeoutS: () => settings.waitMs / 1_000,
  });
}

interface Work {
  readonly fn: BatchFunction;
  readonly inside: BatchInside;
  readonly settings: BatchSettings;
  readonly outside: Outside;
}

interface Made<C extends BatchCall> {
  readonly call: (...args: unknown[]) => unknown;
  readonly queue: () => BatchQueue<C> | undefined;
}

function giving(work: Work): Made<ValueCall> {
  const queue = lazyQueue<ValueCall>(work, (calls, name) => runValues({ ...work, name, calls }));
  return {
    queue: queue.known,
    call: (...args) => enqueue(queue.get(), new ValueCall(nameOf(work.inside), args, ...now())).result,
  };
}

function streaming(work: Work): Made<StreamCall> {
  const queue = lazyQueue<StreamCall>(work, (calls, name) => runStreams({ ...work, name, calls }));
  return {
    queue: queue.known,
    call: (...args) => enqueue(queue.get(), new StreamCall(nameOf(work.inside), args, ...now())).stream(),
  };
}

function enqueue<C extends BatchCall>(queue: BatchQueue<C>, call: C): C {
  call.onLeave = () => void queue.remove(call);
  call.begin();
  if (!call.over) queue.add(call);
  return call;
}

/** What a new call belongs to, and when it came. */
function now(): [RequestContext | undefined, number] {
  const { requests, clock } = runtime();
  return [requests.getStore(), clock.monotonic()];
}

/** The queue begins with the first call: where modules are loaded, there is no replica yet. */
function lazyQueue<C extends BatchCall>(
  { inside, settings }: Work,
  run: (calls: readonly C[], name: string) => Promise<void>,
): { get(): BatchQueue<C>; known(): BatchQueue<C> | undefined } {
  let queue: BatchQueue<C> | undefined;
  const begin = (): BatchQueue<C> => {
    const { clock } = runtime();
    const name = nameOf(inside);
    const made = new BatchQueue<C>({
      clock,
      settings,
      run: async (calls, size) => {
        const beganMs = clock.monotonic();
        metrics.began(calls.length, size / settings.maxBatchSize, beganMs - calls[0]!.sinceMs);
        await run(calls, name);
        metrics.ended(clock.monotonic() - beganMs);
      },
    });
    const metrics = batchMetrics(name, () => made.length);
    return made;
  };
  return { get: () => (queue ??= begin()), known: () => queue };
}

function nameOf({ name }: BatchInside): string {
  return name === "" ? "batch" : name;
}

/** The batch functions that `target` is or has in its fields; those without a name are named by their field. */
export function batchesOf(target: unknown): BatchInside[] {
  const insideOf = (value: unknown): BatchInside | undefined =>
    hasBrand(value, BATCH) ? (value as unknown as { [BATCH]: BatchInside })[BATCH] : undefined;
  const own = insideOf(target);
  if (own !== undefined) return [own];
  if (typeof target !== "object" || target === null) return [];
  return Object.entries(Object.getOwnPropertyDescriptors(target)).flatMap(([field, { value }]) => {
    const inside = insideOf(value);
    if (inside === undefined) return [];
    if (inside.name === "") inside.name = field;
    return inside;
  });
}
