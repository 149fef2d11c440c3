import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { onTestFinished } from "vitest";
import { InboundBody } from "../../src/replica/inbound.ts";
import { Outbound } from "../../src/replica/outbound.ts";
import type { ColdStart } from "../../src/routing/cold-start.ts";
import { isHopByHop, namedByConnection } from "../../src/routing/hop-by-hop.ts";
import { WireConnection } from "../../src/routing/wire-connection.ts";
import { FrameType, numberOf } from "../../src/wire/frame.ts";
import { type CallResult, type RequestHead, readOpen } from "../../src/wire/head.ts";

/** A request as a test's user code sees it: what tests use of node:http's. */
export interface FakeRequest extends Readable {
  readonly method: string;
  readonly url: string;
  /** Names in lower case; the kind of the call as `x-windlass-kind`. */
  readonly headers: Readonly<Record<string, string>>;
  /** How it might have waited for a slot. */
  readonly wait: RequestHead["wait"];
  /** Destroying it breaks the connection, with every call on it. */
  readonly socket: Socket;
}

/** The answer of a test's user code. */
export class FakeResponse extends Writable {
  readonly #connection: WireConnection;
  readonly #out: Outbound;
  #status = 200;
  readonly #headers: string[] = [];
  #result = "";
  #named: ReadonlySet<string> | undefined;
  /** For answers that begin before user code has. */
  headersSent = false;

  constructor(connection: WireConnection, out: Outbound) {
    super({ highWaterMark: 16_384 });
    this.#connection = connection;
    this.#out = out;
    void out.over.then(() => {
      // After an end in good order the stream finishes, and closes by itself.
      if (!this.writableEnded || this.writableLength > 0) this.destroy();
    });
  }

  setHeader(name: string, value: string | number): void {
    const lower = name.toLowerCase();
    if (lower === "connection") this.#named = namedByConnection(String(value));
    else if (!isHopByHop(lower) && !lower.startsWith("x-windlass-")) this.#headers.push(lower, String(value));
  }

  writeHead(status: number, headers: Readonly<Record<string, string | number | readonly string[]>> = {}): this {
    this.#status = status;
    for (const [name, value] of Object.entries(headers)) {
      if (name === "x-windlass-result") this.#result = String(value);
      else for (const one of Array.isArray(value) ? value : [value]) this.setHeader(name, one);
    }
    return this;
  }

  flushHeaders(): void {
    this.#begin();
    this.#out.flushHead();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#begin();
    this.#out.write(chunk);
    this.#connection.soon(() => void this.#out.drained().then(() => done()));
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#begin();
    this.#out.end();
    void this.#out.over.then(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#out.closed) this.#out.reset("the handler failed");
    done(error);
  }

  #begin(): void {
    if (this.headersSent) return;
    this.headersSent = true;
    const headers: string[] = [];
    for (let i = 0; i < this.#headers.length; i += 2) {
      if (!this.#named?.has(this.#headers[i]!)) headers.push(this.#headers[i]!, this.#headers[i + 1]!);
    }
    this.#out.head(this.#status, headers, { result: this.#result as CallResult });
  }
}

/** A replica as docs/wire.md describes it, with user code that a test sets. */
export interface FakeReplica {
  readonly id: string;
  readonly address: string;
  /** Requests that were accepted, in order; `reserve` is not one. */
  readonly accepted: FakeRequest[];
  /** Requests that were refused. */
  readonly rejected: RequestHead[];
  ongoing: number;
  /** Requests at which it refuses. */
  maxOngoing: number;
  /** Requests that wait there, as it says. */
  waiting: number;
  /** User code. */
  handler: (req: FakeRequest, res: FakeResponse) => void;
  /** As a death: no listener, no connection. */
  kill(): Promise<void>;
}

/** Starts one with the socket `<dir>/<id>`; it ends with the test. Its handler answers with its id. */
export async function startFakeReplica(
  dir: string,
  id: string,
  given: Partial<FakeReplica> = {},
): Promise<FakeReplica> {
  const address = join(dir, id);
  const reservations = new Set<string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    const calls = new Map<number, { readonly body: InboundBody; readonly out: Outbound; abandon(): void }>();
    const connection: WireConnection = new WireConnection(socket, {
      onFrame(type, end, callId, payload) {
        const call = calls.get(callId);
        if (type === FrameType.open) open(callId, payload, end);
        else if (type === FrameType.data) call?.body.received(payload, end);
        else if (type === FrameType.credit) call?.out.returned(numberOf(payload));
        else if (type === FrameType.cancel) call?.abandon();
      },
      onDrain() {
        for (const { out } of calls.values()) out.pump();
      },
      onClosed() {
        for (const call of calls.values()) call.abandon();
      },
    });
    const open = (callId: number, payload: Buffer, end: boolean): void => {
      const { head, body: first } = readOpen(payload);
      connection.soon();
      if (!reservations.delete(head.reservation)) {
        if (replica.ongoing >= replica.maxOngoing) {
          replica.rejected.push(head);
          connection.writer.number(FrameType.rejected, callId, replica.ongoing, true);
          return;
        }
        replica.ongoing += 1;
      }
      connection.writer.pair(FrameType.taken, callId, replica.ongoing, replica.waiting);
      const out = new Outbound(connection, callId, head.method === "HEAD");
      if (head.kind === "reserve") {
        const reservation = `r${reservations.size}`;
        reservations.add(reservation);
        out.head(204, [], { reservation });
        out.end();
        return;
      }
      const body = new InboundBody(connection, callId);
      body.received(first, end);
      const req = requestOf(head, body, socket);
      const res = new FakeResponse(connection, out);
      res.on("error", () => {});
      const over = (): void => {
        if (!calls.delete(callId)) return;
        replica.ongoing -= 1;
        req.destroy();
      };
      const abandon = (): void => {
        body.broke();
        out.abandon();
        over();
      };
      calls.set(callId, { body, out, abandon });
      void out.over.then(over);
      replica.accepted.push(req);
      replica.handler(req, res);
    };
  });
  const replica: FakeReplica = {
    id,
    address,
    accepted: [],
    rejected: [],
    ongoing: 0,
    maxOngoing: 100,
    waiting: 0,
    handler: (_req, res) => void res.end(id),
    kill: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    ...given,
  };
  await new Promise<void>((resolve) => server.listen(address, resolve));
  onTestFinished(() => replica.kill());
  return replica;
}

function requestOf(head: RequestHead, body: InboundBody, socket: Socket): FakeRequest {
  const headers: Record<string, string> = { "x-windlass-kind": head.kind };
  for (let i = 0; i < head.headers.length; i += 2) headers[head.headers[i]!] = head.headers[i + 1]!;
  const readable = new Readable({
    read() {
      body.next().then(
        (piece) => readable.push(piece),
        (error: Error) => readable.destroy(error),
      );
    },
  });
  readable.on("error", () => {});
  return Object.assign(readable, { method: head.method, url: head.path, headers, wait: head.wait, socket });
}

/** The targets of a deployment `app/d` in a routing table. */
export function targetsOf(
  replicas: readonly FakeReplica[],
  given: Partial<ReturnType<typeof defaults>> & { coldStart?: ColdStart; clientPriorities?: boolean } = {},
) {
  return { ...defaults(), replicas: replicas.map(({ id, address }) => ({ id, address })), ...given };
}

function defaults() {
  return {
    application: "app",
    deployment: "d",
    maxOngoingRequests: 100,
    maxQueuedRequests: -1,
    backpressureStatusCode: 503,
    unavailable: "",
  };
}
