/**
 * The port between a router and replicas (docs/wire.md). Drivers: framed-channel.ts, http-channel.ts for programs of
 * the user's, replica-channel.ts for both. All pass test/contract/replica-channel.test.ts. Callbacks instead of streams and promises: the path is hot.
 */
import type { Readable } from "node:stream";

/**
 * Whether a program of the user's listens at an address: it speaks plain HTTP/1.1, so it is sent none of our headers,
 * rejects nothing and holds no reservations.
 */
export function isPlain(address: string): boolean {
  return address.startsWith("plain:");
}

/** Sends requests to replicas. */
export interface ReplicaChannel {
  /**
   * Sends a request to the replica that listens at `address`. Nothing of the receiver is called before this returns,
   * and nothing after `onEnd`, `onFailed` or `cancel`. Never throws.
   */
  open(address: string, request: ChannelRequest, receiver: ChannelReceiver): ChannelCall;
  /** No more requests will go to `address`: its idle connections close, the others when their request has ended. */
  release(address: string): void;
  /** Breaks every connection. */
  close(): Promise<void>;
}

/** A request as it goes to a replica. */
export interface ChannelRequest {
  /**
   * A `websocket` has no body; where it is answered with 101, what follows are the client's bytes
   * ({@link ChannelCall.upload}) and, as the answer's body, the replica's.
   */
  readonly kind: "http" | "call" | "reserve" | "websocket" | "grpc";
  readonly method: string;
  /** Starts with "/"; with the query. */
  readonly path: string;
  /** Name, value, name, value, …; neither hop-by-hop headers nor `x-windlass-*`. */
  readonly headers: readonly string[];
  /**
   * A stream is read once, with back-pressure, and destroyed at the end. That of a `grpc` is not touched before the
   * replica has taken the request, and `onEntered` was called.
   */
  readonly body: Uint8Array | Readable | null;
  /**
   * Whether a streamed body is left alone until user code reads it, where the driver can tell; one that is never read is
   * not destroyed. Default: false.
   */
  readonly lazy?: boolean | undefined;
  /** A slot that `reserve` gave. */
  readonly reservation?: string;
  /** Whether the replica may let it wait for a slot instead of refusing it. */
  readonly wait?: WaitAtReplica;
}

/** How a request may wait at a full replica. Ms. */
export interface WaitAtReplica {
  /** How long it has waited; who has waited longest is taken first, whichever router sent it. */
  readonly waitedMs: number;
  /** How long it may wait there. */
  readonly patienceMs: number;
}

/** Hears the answer. */
export interface ChannelReceiver {
  /**
   * The replica has taken the request in, where the driver can tell: before this, no code has seen one that could
   * {@link ChannelRequest.wait}, or a `grpc`. `contended`: others wait there. `ongoing`: requests in the replica,
   * including this one.
   */
  onEntered?(contended: boolean, ongoing: number): void;
  /** The replica accepted the request and answers. */
  onAccepted(head: ResponseHead): void;
  /** A piece of the body, which the receiver may keep. `false`: no more until {@link ChannelCall.resume}. */
  onData(chunk: Uint8Array): boolean;
  /** The trailers of a `grpc`, before `onEnd`: name, value, … Not called where the answer has none. */
  onTrailers?(trailers: string[]): void;
  onEnd(): void;
  onFailed(failure: ChannelFailure): void;
}

/** A request under way. */
export interface ChannelCall {
  /** Goes on after `onData` returned false. */
  resume(): void;
  /**
   * Sends these bytes to a `websocket` that was answered with 101: once, in `onAccepted` or later. The stream is read
   * with back-pressure and destroyed at the end of the call. One that breaks is a failure of the call.
   */
  upload(bytes: Readable): void;
  /** Ends the request at the replica too; the receiver hears nothing more. Without effect after the end. */
  cancel(): void;
}

/** How an answer begins. */
export interface ResponseHead {
  readonly status: number;
  /** Name, value, …; names in lower case, neither hop-by-hop headers nor `x-windlass-*`. */
  readonly headers: string[];
  /** Requests in the replica including this one; -1 when it did not say. */
  readonly ongoing: number;
  /** Whether others wait at the replica. Default: false. */
  readonly contended?: boolean;
  /** `x-windlass-result` of a call; empty otherwise. */
  readonly result: string;
  /** `x-windlass-reservation`; empty otherwise. */
  readonly reservation: string;
}

/**
 * rejected: the replica does not take it now; user code did not run.
 * unreachable: nothing was sent. `gone`: nobody listens there; otherwise it may work later.
 * broken: the connection ended early. `responseStarted`: after `onAccepted`.
 * invalid: the request cannot be expressed; another replica would not help. `unsupported`: for its kind.
 */
export type ChannelFailure =
  | { readonly kind: "rejected"; readonly ongoing: number }
  | { readonly kind: "unreachable"; readonly gone: boolean; readonly error: string }
  | { readonly kind: "broken"; readonly responseStarted: boolean; readonly error: string }
  | { readonly kind: "invalid"; readonly error: string; readonly unsupported?: boolean };
