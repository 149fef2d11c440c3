/** Where the messages of a watch go: straight into the answer, as the bytes that all watchers share. */
import type { Clock, Timer } from "../core/clock.ts";
import type { FeedSink } from "./fan-out.ts";
import { batchBytes, batchOf, type FeedBatch, type Wire } from "./feed-encoding.ts";
import type { NodeResponse } from "./http.ts";

/** How long a client that reads nothing may take to read that it was cut before its stream is reset, milliseconds. */
export const CUT_AFTER_MS = 10_000;

/** A sink over an answer whose head was sent. */
export interface ResponseSink extends FeedSink {
  /** Writes text or bytes that are no message; nothing where the client does not read. */
  writeRaw(text: string): void;
  /**
   * To be called when the watch has failed: a client that does not read would hold the stream for ever, so it is reset
   * after {@link CUT_AFTER_MS} unless its end was read by then.
   */
  cut(clock: Clock): void;
}

/** Writes to `response` as long as its client is there. Memory: what the answer buffers, and one batch. */
export function responseSink(response: NodeResponse, wire: Wire): ResponseSink {
  let left = false;
  let full = false;
  // A write to a client that has just left is nobody's failure.
  response.on("error", () => {});
  response.once("close", () => {
    left = true;
  });
  const take = (bytes: Buffer | string): boolean => {
    if (left) return true;
    full = !response.write(bytes);
    return !full;
  };
  return {
    write: (batch) => take(batchBytes(batch, wire)),
    whenReady(go) {
      response.once("drain", () => {
        full = false;
        go();
      });
    },
    writeRaw(text) {
      if (!full) take(text);
    },
    cut(clock) {
      if (!full || left) return;
      const timer: Timer = clock.timer(CUT_AFTER_MS, () => response.destroy(), { unref: true });
      response.once("close", () => timer.cancel());
    },
  };
}

/** A sink that keeps its first batch until it is known where it goes. */
export interface HeldSink extends FeedSink {
  /** Resolves with the first batch. */
  readonly first: Promise<FeedBatch>;
  /** Goes on with `sink`, which is first given what is left of the first batch after `skip` messages. */
  release(sink: FeedSink, skip: number): void;
}

/** Makes a {@link HeldSink}. */
export function heldSink(): HeldSink {
  const { promise: first, resolve } = Promise.withResolvers<FeedBatch>();
  let held: FeedBatch | undefined;
  let target: FeedSink | undefined;
  let waiting: (() => void) | undefined;
  return {
    first,
    write(batch) {
      if (target !== undefined) return target.write(batch);
      held = batch;
      resolve(batch);
      return false;
    },
    whenReady(go) {
      if (target !== undefined) target.whenReady(go);
      else waiting = go;
    },
    release(sink, skip) {
      target = sink;
      const rest = held?.items.slice(skip) ?? [];
      const go = waiting;
      held = undefined;
      waiting = undefined;
      if (rest.length > 0 && !sink.write(batchOf(rest))) {
        if (go !== undefined) sink.whenReady(go);
      } else go?.();
    },
  };
}
