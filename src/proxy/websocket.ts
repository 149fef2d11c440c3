/** A client's websocket: its handshake, and its bytes on their way to and from a replica. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Duplex, Readable } from "node:stream";
import type { Clock, Timer } from "../core/clock.ts";
import type { ResponseHead, RouterCall } from "../routing/router.ts";
import { closeFrame, FrameScanner, NO_CLOSE } from "./websocket-frames.ts";

/** How long the other side may take to end a websocket that was told to. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Notices clients that vanished where no pings are sent. */
const KEEP_ALIVE_MS = 60_000;

/** A client that waits for the answer to its handshake should say nothing; more than this is not read meanwhile. */
const MAX_EARLY_BYTES = 65_536;

/** Agrees to a websocket. `headers`: name, value, …, without `upgrade` and `connection`. */
type Accept = (headers: ResponseHead["headers"]) => void;

/** A connection that waits to become a websocket. It is read, or nobody would hear that the client has left. */
export class Handshake {
  /** A connection, or a stream of one. */
  readonly socket: Duplex;
  readonly #early: Buffer[];
  readonly #accept: Accept;

  /** `first`: what the client sent after the head. */
  constructor(socket: Duplex, first: Buffer, accept: Accept) {
    this.socket = socket;
    this.#accept = accept;
    this.#early = first.length === 0 ? [] : [first];
    socket.on("data", this.#onData).on("end", this.#onEnd);
  }

  /** Tells the client that it has its websocket. */
  accept(headers: ResponseHead["headers"]): void {
    this.#accept(headers);
  }

  /** Ends the wait; what came meanwhile is read from the socket once more. */
  taken(): void {
    this.socket.pause();
    this.socket.off("data", this.#onData).off("end", this.#onEnd);
    if (this.#early.length > 0) this.socket.unshift(Buffer.concat(this.#early));
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#early.push(chunk);
    if (this.#early.reduce((sum, { length }) => sum + length, 0) > MAX_EARLY_BYTES) this.socket.pause();
  };

  readonly #onEnd = (): void => {
    this.socket.destroy();
  };
}

/** Whether a request asks to become a websocket. */
export function wantsWebsocket(req: IncomingMessage): boolean {
  const { upgrade } = req.headers;
  return req.method === "GET" && upgrade !== undefined && /(^|,)\s*websocket\s*(,|$)/i.test(upgrade);
}

/** For the answer to a handshake that makes no websocket; the connection closes after it. */
export function responseTo(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  res.on("finish", () => socket.destroySoon());
  return res;
}

/** The handshake of HTTP/1.1; `res` is {@link responseTo} the request. */
export function upgrade(socket: Socket, first: Buffer, res: ServerResponse): Handshake {
  return new Handshake(socket, first, (headers) => {
    res.detachSocket(socket);
    let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n";
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.write(`${head}\r\n`, "latin1");
  });
}

/** What a {@link Tunnel} needs. */
export interface TunnelOptions {
  readonly handshake: Handshake;
  readonly call: RouterCall;
  readonly clock: Clock;
  /** Told once how it ended: the code of the first close frame, or the one that fits. */
  readonly onOver: (code: number) => void;
}

/**
 * A websocket that was accepted: bytes go through as they are. Only where one side leaves without a word does the proxy
 * say why to the other.
 */
export class Tunnel {
  readonly #socket: Duplex;
  readonly #call: RouterCall;
  readonly #clock: Clock;
  readonly #onOver: (code: number) => void;
  readonly #toClient = new FrameScanner();
  readonly #fromClient: ClientBytes;
  #state: "open" | "ending" | "over" = "open";
  #code: number | undefined;
  #timer: Timer | undefined;

  /** Accepts the handshake. `headers`: name, value, …, without `upgrade` and `connection`. */
  constructor({ handshake, call, clock, onOver }: TunnelOptions, headers: ResponseHead["headers"]) {
    const { socket } = handshake;
    this.#socket = socket;
    this.#call = call;
    this.#clock = clock;
    this.#onOver = onOver;
    handshake.accept(headers);
    socket.on("drain", () => call.resume());
    socket.on("error", () => {});
    // One that has said its last can have nothing to wait for.
    socket.on("end", () => this.#destroyIn(CLOSE_TIMEOUT_MS));
    socket.on("close", () => this.#closed());
    handshake.taken();
    this.#fromClient = new ClientBytes(socket, (code) => {
      this.#code ??= code;
    });
    call.upload(this.#fromClient);
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#state !== "open") return true;
    this.#toClient.feed(chunk);
    this.#code ??= this.#toClient.closeCode;
    return this.#socket.write(chunk);
  }

  /** The replica says nothing more: after a close frame all is well. */
  onEnd(): void {
    if (this.#toClient.closeCode === undefined) this.#leave(1011, "the replica is gone");
    else this.#end();
  }

  onFailed(): void {
    this.onEnd();
  }

  /** The proxy stops: asks the replica to close, in the client's name, so that nothing it has sent is lost. */
  drain(): void {
    if (this.#state !== "open") return;
    this.#code ??= 1001;
    this.#fromClient.close(1001, "the proxy stops");
    this.#timer = this.#clock.timer(CLOSE_TIMEOUT_MS, () => this.#leave(1001, "the proxy stops"));
  }

  /** Tells the client the end, where that is possible, and lets go of the replica. */
  #leave(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#code ??= code;
    this.#call.cancel();
    if (!this.#toClient.atBoundary) {
      this.#socket.destroy();
      return;
    }
    if (this.#toClient.closeCode === undefined) this.#socket.write(closeFrame(code, reason, false));
    this.#end();
  }

  #end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#destroyIn(CLOSE_TIMEOUT_MS);
    this.#socket.end();
    // What the client says to it concerns nobody, but its end does.
    this.#socket.resume();
  }

  #destroyIn(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(ms, () => this.#socket.destroy());
  }

  #closed(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#timer?.cancel();
    this.#call.cancel();
    this.#onOver(this.#code ?? NO_CLOSE);
  }
}

/** The bytes of a client; destroying it leaves the connection alone. */
class ClientBytes extends Readable {
  readonly #socket: Duplex;
  readonly #scanner = new FrameScanner();
  readonly #onClose: (code: number) => void;
  #started = false;
  /** What is said in the client's name, once its frame is complete. */
  #farewell: Buffer | undefined;

  /** `onClose` hears the code of the client's close frame. */
  constructor(socket: Duplex, onClose: (code: number) => void) {
    super();
    this.#socket = socket;
    this.#onClose = onClose;
    this.on("error", () => {});
  }

  /** Closes in the client's name. What it sends from then on is dropped. */
  close(code: number, reason: string): void {
    this.#farewell = closeFrame(code, reason, true);
    this.#sayFarewell();
  }

  override _read(): void {
    if (!this.#started) {
      this.#started = true;
      this.#socket.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onSocketClose);
    }
    this.#socket.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onSocketClose);
    done(error);
  }

  #sayFarewell(): void {
    if (this.#farewell === undefined || !this.#scanner.atBoundary || this.readableEnded || this.destroyed) return;
    const said = this.#scanner.closeCode === undefined ? this.#farewell : null;
    this.#socket.off("data", this.#onData).off("end", this.#onEnd);
    this.#socket.resume();
    if (said !== null) this.push(said);
    this.push(null);
  }

  readonly #onData = (chunk: Buffer): void => {
    const taken = this.#farewell === undefined ? this.#scanner.feed(chunk) : this.#scanner.feedToBoundary(chunk);
    if (this.#scanner.closeCode !== undefined) this.#onClose(this.#scanner.closeCode);
    if (!this.push(taken === chunk.length ? chunk : chunk.subarray(0, taken))) this.#socket.pause();
    this.#sayFarewell();
  };

  readonly #onEnd = (): void => {
    if (this.#scanner.closeCode === undefined) this.#onClose(NO_CLOSE);
    this.push(null);
  };

  readonly #onSocketClose = (): void => {
    this.destroy(new Error("the client went away"));
  };
}
