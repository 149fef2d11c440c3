/**
 * ReplicaChannel over frames (docs/wire.md) on unix sockets: one connection for each address, any number of requests
 * at a time on it. Hot: per request one object, one frame each way where bodies are small; pieces of bodies are passed
 * on as the socket read them, never copied (bench: proxied no-op requests against bare node:http).
 */
import { connect } from "node:net";
import type { Readable } from "node:stream";
import { errorText } from "../core/errors.ts";
import { CallTable } from "../wire/call-table.ts";
import { ReceiveCredit } from "../wire/credit.ts";
import { Feature, FrameType, MAX_DATA_BYTES, numberOf, pairOf, WireError } from "../wire/frame.ts";
import { problemOf, type RequestHead, readAnswer, readTrailers, writeOpen } from "../wire/head.ts";
import { Pieces } from "../wire/pieces.ts";
import type { ChannelCall, ChannelFailure, ChannelReceiver, ChannelRequest, ReplicaChannel } from "./channel.ts";
import { Upload } from "./wire-body.ts";
import { WireConnection } from "./wire-connection.ts";

/** Nobody listens: waiting for this address helps no one. */
const GONE = new Set(["ECONNREFUSED", "ENOENT", "ENOTSOCK", "ENOTDIR"]);

/** A channel with connections of its own. */
export function createFramedChannel(): ReplicaChannel {
  const peers = new Map<string, Peer>();
  const peerAt = (address: string): Peer => {
    let peer = peers.get(address);
    if (peer === undefined) {
      const made = new Peer(address, () => {
        if (peers.get(address) === made) peers.delete(address);
      });
      peer = made;
      peers.set(address, made);
    }
    return peer;
  };
  return {
    open(address, request, receiver) {
      const head: RequestHead = {
        kind: request.kind,
        method: request.method,
        path: request.path,
        reservation: request.reservation ?? "",
        wait: request.wait,
        headers: request.headers,
      };
      const problem = problemOf(head);
      if (problem !== undefined) {
        if (request.body !== null && !(request.body instanceof Uint8Array)) request.body.destroy();
        return refuse(receiver, { kind: "invalid", error: problem });
      }
      return peerAt(address).open(head, request, receiver);
    },
    release(address) {
      const peer = peers.get(address);
      peers.delete(address);
      peer?.release();
    },
    async close() {
      const all = [...peers.values()];
      peers.clear();
      await Promise.all(all.map((peer) => peer.destroy()));
    },
  };
}

/** The replica has said goodbye: nobody takes calls there any more. */
const LEAVING: ChannelFailure = { kind: "unreachable", gone: true, error: "the replica is about to stop" };

/** Fails a request of which nothing was sent, once `open` has returned. */
function refuse(receiver: ChannelReceiver, failure: ChannelFailure): ChannelCall {
  let cancelled = false;
  queueMicrotask(() => {
    if (!cancelled) receiver.onFailed(failure);
  });
  return {
    resume() {},
    upload: (bytes) => void bytes.destroy(),
    cancel() {
      cancelled = true;
    },
  };
}

/** The connection to one address. */
class Peer {
  readonly connection: WireConnection;
  readonly #calls = new CallTable<FramedCall>();
  readonly #closed = Promise.withResolvers<void>();
  #lastId = 0;
  #releasing = false;
  #leaving = false;

  constructor(address: string, gone: () => void) {
    const unix = address.startsWith("/");
    const colon = address.lastIndexOf(":");
    const socket = unix
      ? connect({ path: address })
      : connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
    this.connection = new WireConnection(socket, {
      onFrame: (type, end, id, payload) => {
        const call = this.#calls.get(id);
        if (call !== undefined) call.frame(type, end, payload);
        else if (type === FrameType.goodbye) this.#goodbye();
      },
      onDrain: () => {
        for (const call of this.#calls.all()) call.pump();
      },
      onClosed: (error) => {
        gone();
        const failure = this.#failure(error);
        const calls = this.#calls.all();
        this.#calls.clear();
        for (const call of calls) call.broke(failure);
        this.#closed.resolve();
      },
    });
  }

  open(head: RequestHead, { body, lazy }: ChannelRequest, receiver: ChannelReceiver): ChannelCall {
    // Who holds a slot there may still use it.
    if (this.#leaving && head.reservation === "") return refuse(receiver, LEAVING);
    do this.#lastId = (this.#lastId + 1) % 0x1_0000_0000;
    while (this.#lastId === 0 || this.#calls.get(this.#lastId) !== undefined);
    const call = new FramedCall(this, this.#lastId, receiver, head.reservation !== "");
    this.#calls.set(this.#lastId, call);
    call.begin(head, body, lazy ?? false);
    return call;
  }

  ended(id: number): void {
    this.#calls.delete(id);
    if (this.#releasing && this.#calls.size === 0) this.connection.end();
  }

  /** Calls that the replica has not taken reach no code there: they may go elsewhere, whatever they do. */
  #goodbye(): void {
    this.#leaving = true;
    for (const call of this.#calls.all()) if (!call.mayRun) call.broke(LEAVING);
  }

  /** Closes once the calls under way have ended. */
  release(): void {
    this.#releasing = true;
    if (this.#calls.size === 0) this.connection.end();
  }

  destroy(): Promise<void> {
    this.connection.destroy();
    return this.#closed.promise;
  }

  #failure(error: Error | undefined): ChannelFailure {
    const text = error === undefined ? "the replica closed the connection" : errorText(error);
    // One that dies may still have been connected to: nobody accepted that connection, or nobody read from it.
    if (this.connection.greeted || error instanceof WireError) {
      return { kind: "broken", responseStarted: false, error: text };
    }
    return { kind: "unreachable", gone: GONE.has(String((error as NodeJS.ErrnoException)?.code)), error: text };
  }
}

/** A peer that does not know of waits below 0 would take one for the longest there is. */
function withKnownWait(head: RequestHead, connection: WireConnection): RequestHead {
  return connection.understands(Feature.signedWait) ? head : { ...head, wait: { ...head.wait!, waitedMs: 0 } };
}

class FramedCall implements ChannelCall {
  readonly #peer: Peer;
  readonly #id: number;
  readonly #receiver: ChannelReceiver;
  readonly #credit = new ReceiveCredit();
  #upload: Upload | undefined;
  /** The body of a `grpc` until the replica has taken it: whoever refuses it has cost nothing. */
  #held: Readable | undefined;
  /** The body is held until the replica gives credit for it: user code reads. */
  #lazy = false;
  #trailers: string[] | undefined;
  readonly #reserved: boolean;
  #ongoing = -1;
  #contended = false;
  #started = false;
  #over = false;
  /** Pieces that wait for `resume`. */
  #waiting: Pieces | undefined;
  /** How it ended while pieces waited. */
  #ending: ChannelFailure | "end" | undefined;

  constructor(peer: Peer, id: number, receiver: ChannelReceiver, reserved: boolean) {
    this.#peer = peer;
    this.#id = id;
    this.#receiver = receiver;
    this.#reserved = reserved;
  }

  /** Whether the replica has taken it, or has to: it holds a slot for it. */
  get mayRun(): boolean {
    return this.#ongoing >= 0 || this.#started || this.#reserved;
  }

  begin(given: RequestHead, body: Uint8Array | Readable | null, lazy: boolean): void {
    const { connection } = this.#peer;
    const head = given.wait !== undefined && given.wait.waitedMs < 0 ? withKnownWait(given, connection) : given;
    if (head.kind === "websocket") {
      // Its bytes follow once it was accepted.
      writeOpen(connection.writer, this.#id, head, null, false);
      connection.soon();
      return;
    }
    if (body === null || (body instanceof Uint8Array && body.length <= MAX_DATA_BYTES)) {
      writeOpen(connection.writer, this.#id, head, body, true);
      connection.soon();
      return;
    }
    writeOpen(connection.writer, this.#id, head, null, false);
    connection.soon();
    if (body instanceof Uint8Array || (head.kind !== "grpc" && !lazy)) this.#send(body);
    else {
      this.#held = body;
      this.#lazy = lazy;
    }
  }

  upload(bytes: Readable): void {
    if (this.#over) bytes.destroy();
    else this.#send(bytes);
  }

  #send(body: Uint8Array | Readable): void {
    this.#upload = new Upload(this.#peer.connection, this.#id, body, {
      onBroken: (error) => {
        const failure: ChannelFailure = { kind: "broken", responseStarted: this.#started, error: errorText(error) };
        this.#leave();
        this.#receiver.onFailed(failure);
      },
    });
    this.#upload.begin();
  }

  pump(): void {
    this.#upload?.pump();
  }

  resume(): void {
    while (this.#waiting !== undefined) {
      const piece = this.#waiting.shift();
      if (piece === undefined) {
        this.#waiting = undefined;
        if (this.#ending !== undefined) this.#finish(this.#ending);
      } else if (!this.#give(piece)) return;
    }
  }

  cancel(): void {
    if (!this.#over) this.#leave();
  }

  frame(type: FrameType, end: boolean, payload: Buffer): void {
    // What it says of the request's body may follow.
    if (this.#ending !== undefined && type !== FrameType.credit && type !== FrameType.stop) {
      throw new WireError(`a frame of type ${type} came after the end of its answer`);
    }
    switch (type) {
      case FrameType.taken:
        this.#taken(payload);
        return;
      case FrameType.rejected:
        if (this.#ongoing >= 0 || this.#started) throw new WireError("a request was rejected that had been taken");
        this.#finish({ kind: "rejected", ongoing: numberOf(payload) });
        return;
      case FrameType.head: {
        if (this.#started) throw new WireError("a second head came");
        this.#started = true;
        const { head, body } = readAnswer(payload);
        this.#receiver.onAccepted({ ...head, ongoing: this.#ongoing, contended: this.#contended });
        if (body.length > 0) this.#data(body);
        break;
      }
      case FrameType.data:
        if (!this.#started) throw new WireError("a body came before its head");
        if (payload.length > 0) this.#data(payload);
        break;
      case FrameType.trailers:
        if (!this.#started || !end) throw new WireError("trailers came that are not the end of an answer");
        this.#trailers = readTrailers(payload);
        break;
      case FrameType.credit:
        if (this.#held === undefined) this.#upload?.returned(numberOf(payload));
        else this.#release();
        return;
      case FrameType.stop:
        this.#upload?.stop();
        this.#held = undefined;
        return;
      case FrameType.reset: {
        const error = payload.toString("utf8");
        this.#end({ kind: "broken", responseStarted: this.#started, error });
        return;
      }
      default:
        throw new WireError(`a frame of type ${type} came from a replica`);
    }
    if (end) this.#end("end");
  }

  #taken(payload: Buffer): void {
    if (this.#ongoing >= 0) throw new WireError("a request was taken twice");
    const [ongoing, waiting] = pairOf(payload);
    this.#ongoing = ongoing;
    this.#contended = waiting > 0;
    this.#receiver.onEntered?.(this.#contended, ongoing);
    if (!this.#lazy) this.#release();
  }

  /** Lets a body that was held flow. */
  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && !this.#over) this.#send(held);
  }

  /** The connection is over. */
  broke(failure: ChannelFailure): void {
    this.#end(failure.kind === "broken" ? { ...failure, responseStarted: this.#started } : failure);
  }

  #data(piece: Buffer): void {
    if (this.#over) return;
    this.#credit.received(piece.length);
    if (this.#waiting !== undefined) this.#waiting.push(piece);
    else if (!this.#give(piece)) this.#waiting ??= new Pieces();
  }

  /** False: the receiver is full. */
  #give(piece: Buffer): boolean {
    const goOn = this.#receiver.onData(piece);
    if (this.#over) return false;
    const portion = this.#credit.took(piece.length);
    if (portion > 0 && this.#ending === undefined) {
      this.#peer.connection.writer.number(FrameType.credit, this.#id, portion);
      this.#peer.connection.soon();
    }
    return goOn;
  }

  /** What waits is given first. An answer that came whole stays whole, however its connection ends. */
  #end(how: ChannelFailure | "end"): void {
    if (this.#over || this.#ending !== undefined) return;
    if (this.#waiting !== undefined && this.#waiting.count > 0) this.#ending = how;
    else this.#finish(how);
  }

  #finish(how: ChannelFailure | "end"): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = undefined;
    this.#upload?.stop();
    this.#peer.ended(this.#id);
    if (how === "end") {
      if (this.#trailers !== undefined) this.#receiver.onTrailers?.(this.#trailers);
      this.#receiver.onEnd();
    } else this.#receiver.onFailed(how);
  }

  /** Ends the call at the replica too. */
  #leave(): void {
    this.#over = true;
    this.#waiting = undefined;
    this.#upload?.stop();
    const { connection } = this.#peer;
    connection.writer.empty(FrameType.cancel, this.#id, true);
    connection.soon();
    this.#peer.ended(this.#id);
  }
}
