import type { Readable } from "node:stream";
import type { ResponseHead } from "./channel.ts";
import type { RefusalReason } from "./router-events.ts";

/**
 * Why a request got no (whole) response. Every way a request can end but by a response is here.
 *
 * | kind | Meaning |
 * |---|---|
 * | absent | the deployment is not in the routing table (any more) |
 * | unavailable | it failed for good; `message` is the answer to callers |
 * | no-replica | it waited too long while no replica served; `message` is the answer to callers |
 * | backpressure | its queue is full, or its answer would come after its deadline; `message` is the answer to callers |
 * | timed-out | the deadline passed |
 * | cancelled | the caller's signal aborted |
 * | invalid | the request cannot be sent to any replica |
 * | broken | the replica died or cut the connection after it may have begun |
 */
export type RouterFailure =
  | { readonly kind: "absent" }
  | { readonly kind: "unavailable"; readonly message: string }
  | { readonly kind: "no-replica"; readonly message: string /** Seconds. */; readonly retryAfterS: number }
  | {
      readonly kind: "backpressure";
      readonly reason: RefusalReason;
      /** 503 or 429. */
      readonly statusCode: number;
      /** Seconds for `retry-after`; undefined: none. */
      readonly retryAfterS: number | undefined;
      readonly message: string;
    }
  | { readonly kind: "timed-out"; readonly responseStarted: boolean }
  | { readonly kind: "cancelled"; readonly responseStarted: boolean }
  | {
      readonly kind: "invalid";
      readonly error: string /** Its kind is not for this deployment. */;
      readonly unsupported?: boolean;
    }
  | { readonly kind: "broken"; readonly responseStarted: boolean; readonly error: string };

/** Hears what becomes of a request: `onHead`, `onData`…, then `onEnd`; or `onFailed` at any point. */
export interface RouterReceiver {
  onHead(head: ResponseHead): void;
  /** `false`: no more until {@link RouterCall.resume}. The receiver may keep the chunk. */
  onData(chunk: Uint8Array): boolean;
  /** Of a `grpc` that has any, before `onEnd`: name, value, … */
  onTrailers?(trailers: string[]): void;
  onEnd(): void;
  onFailed(failure: RouterFailure): void;
}

/** A request on its way, wherever it is. */
export interface RouterCall {
  /** Goes on after `onData` returned false. */
  resume(): void;
  /** Sends the client's bytes to a websocket whose answer's status was 101: once, in `onHead` or later. */
  upload(bytes: Readable): void;
  /** Ends it, silently: the receiver hears nothing more. Without effect after the end. */
  cancel(): void;
}
