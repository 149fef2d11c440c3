/** Websockets to programs of the user's: each has a connection of its own, which is theirs once they answered 101. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { errorText } from "../core/errors.ts";
import type { ChannelCall, ChannelFailure, ChannelReceiver, ChannelRequest, ResponseHead } from "./channel.ts";
import { isHopByHop, namedByConnection } from "./hop-by-hop.ts";

/** Nobody listens: waiting for this address helps no one. */
const GONE = new Set(["ECONNREFUSED", "ENOENT", "ENOTSOCK", "ENOTDIR"]);

/**
 * Asks the program at `at`, the path of a unix socket or `host:port`, for a websocket. `over` is called once,
 * later, when nothing of it is left.
 */
export function openPlainWebsocket(
  at: string,
  request: ChannelRequest,
  receiver: ChannelReceiver,
  over: () => void,
): PlainWebsocket {
  return new PlainWebsocket(at, request, receiver, over);
}

/** A websocket to a program, or its refusal. */
export class PlainWebsocket implements ChannelCall {
  readonly #receiver: ChannelReceiver;
  readonly #over: () => void;
  #connected = false;
  #answered = false;
  #done = false;
  /** Where the answer comes from: its body, or the connection. */
  #from: Readable | undefined;
  #socket: Duplex | undefined;
  #bytes: Readable | undefined;
  #stop: () => void = () => {};

  constructor(at: string, { method, path, headers }: ChannelRequest, receiver: ChannelReceiver, over: () => void) {
    this.#receiver = receiver;
    this.#over = over;
    const colon = at.lastIndexOf(":");
    const to = at.startsWith("/") ? { socketPath: at } : { host: at.slice(0, colon), port: at.slice(colon + 1) };
    const all = [...headers, "connection", "Upgrade", "upgrade", "websocket"];
    try {
      const req = httpRequest({ ...to, method, path, headers: all, agent: false });
      this.#stop = () => void req.destroy();
      req.on("socket", (socket) => {
        socket.on("connect", () => {
          this.#connected = true;
        });
      });
      req.on("error", (error) => this.#fail(this.#failureOf(error)));
      req.on("response", (res) => this.#response(res));
      req.on("upgrade", (res, socket, first) => this.#upgraded(res, socket, first));
      req.end();
    } catch (error) {
      // Whatever it does not take, another replica would not either.
      queueMicrotask(() => this.#fail({ kind: "invalid", error: errorText(error) }));
    }
  }

  resume(): void {
    this.#from?.resume();
  }

  upload(bytes: Readable): void {
    if (this.#done || this.#socket === undefined) {
      bytes.destroy();
      return;
    }
    this.#bytes = bytes;
    bytes.on("error", (error) => this.#fail(this.#failureOf(error))).pipe(this.#socket);
  }

  cancel(): void {
    if (this.#done) return;
    this.#end();
    this.#stop();
  }

  /** Breaks it; the receiver hears of that. */
  destroy(): void {
    this.#fail(this.#failureOf(new Error("the channel was closed")));
  }

  #response(res: IncomingMessage): void {
    this.#stop = () => void res.destroy();
    this.#head(res);
    this.#follow(res);
  }

  #upgraded(res: IncomingMessage, socket: Duplex, first: Buffer): void {
    this.#stop = () => void socket.destroy();
    this.#socket = socket;
    if (first.length > 0) socket.unshift(first);
    this.#head(res);
    this.#follow(socket);
  }

  #head(res: IncomingMessage): void {
    if (this.#done) this.#stop();
    else {
      this.#answered = true;
      this.#receiver.onAccepted(headOf(res));
    }
  }

  #follow(from: Readable): void {
    this.#from = from;
    from.on("data", (piece: Buffer) => {
      if (!this.#done && !this.#receiver.onData(piece) && !this.#done) from.pause();
    });
    from.on("error", (error) => this.#fail(this.#failureOf(error)));
    from.on("end", () => {
      if (this.#done) return;
      this.#end();
      this.#socket?.end();
      this.#receiver.onEnd();
    });
    from.on("close", () => this.#fail(this.#failureOf(new Error("the program closed the connection"))));
  }

  #fail(failure: ChannelFailure): void {
    if (this.#done) return;
    this.#end();
    this.#stop();
    this.#receiver.onFailed(failure);
  }

  #end(): void {
    this.#done = true;
    // What it still says concerns nobody.
    this.#bytes?.destroy();
    this.#over();
  }

  #failureOf(error: Error & { code?: unknown }): ChannelFailure {
    if (this.#connected) return { kind: "broken", responseStarted: this.#answered, error: errorText(error) };
    return { kind: "unreachable", gone: GONE.has(String(error.code)), error: errorText(error) };
  }
}

function headOf(res: IncomingMessage): ResponseHead {
  const headers: string[] = [];
  const named = namedByConnection(res.headers.connection);
  for (let i = 0; i < res.rawHeaders.length; i += 2) {
    const name = res.rawHeaders[i]!.toLowerCase();
    if (isHopByHop(name) || name.startsWith("x-windlass-") || named?.has(name)) continue;
    headers.push(name, res.rawHeaders[i + 1]!);
  }
  return { status: res.statusCode!, headers, ongoing: -1, result: "", reservation: "" };
}
