import { RequestCancelledError } from "./errors.ts";
import type { RequestContext } from "./runtime.ts";

/** One call of a batch function, from its arrival to its end. The subclass knows what the caller waits for. */
export abstract class BatchCall {
  readonly args: readonly unknown[];
  readonly request: RequestContext | undefined;
  readonly key: string;
  readonly sinceMs: number;
  /** The caller has all it gets, or wants nothing more. */
  over = false;
  /** Called when the caller leaves before its end. */
  onLeave: () => void = () => {};
  readonly #name: string;
  #onAbort: (() => void) | undefined;

  constructor(name: string, args: readonly unknown[], request: RequestContext | undefined, sinceMs: number) {
    this.#name = name;
    this.args = args;
    this.request = request;
    this.sinceMs = sinceMs;
    // What runs for several requests runs for one model and one revision.
    this.key = request === undefined ? "" : `${request.revision ?? 0}/${request.multiplexedModelId}`;
  }

  /** Follows the request; its caller is gone when that is cancelled. */
  begin(): void {
    const signal = this.request?.signal;
    if (signal === undefined) return;
    const cancel = (): void =>
      this.leave(new RequestCancelledError(`${this.#name} was cancelled with its request ${this.request?.requestId}`));
    if (signal.aborted) {
      cancel();
      return;
    }
    this.#onAbort = cancel;
    signal.addEventListener("abort", cancel, { once: true });
  }

  /** It cannot be part of any batch. */
  refuse(error: Error): void {
    this.fail(error);
  }

  /** The caller is gone. */
  leave(error: Error): void {
    if (this.over) return;
    this.fail(error);
    this.onLeave();
  }

  /** Its end; whoever waits hears of the error. */
  fail(error: unknown): void {
    if (this.end()) this.failed(error);
  }

  /** Its last step; false: it had ended before. */
  protected end(): boolean {
    if (this.over) return false;
    this.over = true;
    if (this.#onAbort !== undefined) this.request?.signal.removeEventListener("abort", this.#onAbort);
    return true;
  }

  protected abstract failed(error: unknown): void;
}

/** A call that waits for one result. */
export class ValueCall extends BatchCall {
  readonly #result = Promise.withResolvers<unknown>();

  get result(): Promise<unknown> {
    return this.#result.promise;
  }

  give(value: unknown): void {
    if (this.end()) this.#result.resolve(value);
  }

  protected failed(error: unknown): void {
    this.#result.reject(error);
  }
}

/** Items that a caller may be behind before its batch waits for it. */
const MAX_BEHIND = 1_000;

/** A call that reads a stream. */
export class StreamCall extends BatchCall {
  readonly #items: unknown[] = [];
  #error: { readonly error: unknown } | undefined;
  #reader: (() => void) | undefined;
  /** Called when the caller has read something, or reads nothing more. */
  onRead: () => void = () => {};

  /** Whether the batch should wait for its caller. */
  get behind(): boolean {
    return !this.over && this.#items.length >= MAX_BEHIND;
  }

  push(item: unknown): void {
    if (this.over) return;
    this.#items.push(item);
    this.#reader?.();
  }

  /** The stream is complete. */
  finish(): void {
    if (this.end()) this.#reader?.();
  }

  /** The caller's side; leaving it ends the call. */
  stream(): AsyncIterableIterator<unknown> {
    const gone = (): void => {
      this.#items.length = 0;
      this.leave(new RequestCancelledError("the caller left the stream"));
      this.#error = undefined;
    };
    const iterator: AsyncIterableIterator<unknown> = {
      next: async () => {
        while (this.#items.length === 0 && !this.over) {
          await new Promise<void>((resolve) => {
            this.#reader = resolve;
          });
        }
        if (this.#items.length > 0) {
          const value = this.#items.shift();
          this.onRead();
          return { done: false, value };
        }
        const failure = this.#error;
        this.#error = undefined;
        if (failure !== undefined) throw failure.error;
        return { done: true, value: undefined };
      },
      return: async () => {
        gone();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  protected override end(): boolean {
    const ends = super.end();
    if (ends) this.onRead();
    return ends;
  }

  protected failed(error: unknown): void {
    this.#error = { error };
    this.#reader?.();
  }
}
