// Sends one request after the other on each of its kept connections and prints what became of them as one line of
// JSON (LoadResult). Speaks just enough HTTP/1.1 itself, over node:net: a full client costs more per request than the
// server beside it, and the bench would measure the client. Ends after `seconds`, or when stdin ends.
import { createConnection, type Socket } from "node:net";
import { BodyReader } from "../lib/body-reader.ts";
import type { LoadOptions, LoadResult } from "../lib/load.ts";
import { quantile } from "../lib/stats.ts";

const options = JSON.parse(process.argv[2]!) as LoadOptions;
const { target } = options;
const host = `${target.host}:${target.port}`;
const body = options.bodyBytes === undefined ? Buffer.from(options.body ?? "") : Buffer.alloc(options.bodyBytes, "x");
const head = [
  `${options.method ?? "GET"} ${options.path ?? "/"} HTTP/1.1`,
  `host: ${host}`,
  ...Object.entries(options.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
  ...(body.length > 0 ? [`content-length: ${body.length}`] : []),
];
const request = Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]);

let measuring = false;
let ended = false;
let ok = 0;
let answered = 0;
let bodyBytes = 0;
let allBodyBytes = 0;
const failures: Record<string, number> = {};
const latenciesMs: number[] = [];

/** An answer that has not come by then is a failure. */
const REQUEST_TIMEOUT_MS = 20_000;
/** A refused connection is tried again; without a pause that would be a busy loop. */
const RECONNECT_MS = 5;

class Connection {
  #socket: Socket | undefined;
  #sentAt = 0;
  #waiting = false;
  #pending: Buffer | undefined;
  #answer: Answer | undefined;

  open(): void {
    const socket = createConnection(target);
    this.#socket = socket;
    this.#pending = undefined;
    this.#answer = undefined;
    this.#waiting = false;
    socket.setNoDelay(true);
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy(new Error("timeout")));
    let cause = "connection closed";
    socket.on("connect", () => this.#send());
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      cause = error.code ?? error.message;
    });
    socket.on("close", () => {
      if (this.#socket !== socket || ended) return;
      if (this.#waiting || socket.connecting || cause !== "connection closed") fail(cause);
      setTimeout(() => this.open(), RECONNECT_MS);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #send(): void {
    this.#waiting = true;
    this.#sentAt = performance.now();
    this.#socket!.write(request);
  }

  #read(chunk: Buffer): void {
    let piece = chunk;
    if (this.#answer === undefined) {
      const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk]);
      const headEnd = bytes.indexOf(CRLF2);
      this.#pending = headEnd === -1 ? bytes : undefined;
      if (headEnd === -1) return;
      this.#answer = parseHead(bytes.toString("latin1", 0, headEnd).toLowerCase());
      piece = bytes.subarray(headEnd + 4);
    }
    const { body: reader, status, close } = this.#answer;
    const before = reader.bytes;
    reader.take(piece);
    allBodyBytes += reader.bytes - before;
    if (measuring) bodyBytes += reader.bytes - before;
    if (!reader.done) return;
    this.#answer = undefined;
    this.#waiting = false;
    answered += 1;
    if (measuring) {
      latenciesMs.push(performance.now() - this.#sentAt);
      if (status === 200) ok += 1;
      else fail(`status ${status}`);
    }
    if (ended) return;
    if (close) {
      this.#socket!.destroy();
      this.open();
    } else this.#send();
  }
}

function fail(cause: string): void {
  if (measuring) failures[cause] = (failures[cause] ?? 0) + 1;
}

const CRLF2 = Buffer.from("\r\n\r\n");

/** An answer under way. One at a time: nothing is pipelined. */
interface Answer {
  readonly status: number;
  readonly close: boolean;
  readonly body: BodyReader;
}

function parseHead(text: string): Answer {
  const lengthAt = text.indexOf("\r\ncontent-length:");
  const length = lengthAt === -1 ? 0 : Number.parseInt(text.slice(lengthAt + 17), 10);
  const chunked = lengthAt === -1 && text.includes("\r\ntransfer-encoding: chunked");
  return {
    status: Number(text.slice(9, 12)),
    close: text.includes("\r\nconnection: close"),
    body: new BodyReader(chunked ? "chunked" : length),
  };
}

const connections = Array.from({ length: options.connections }, () => new Connection());
for (const connection of connections) connection.open();

let startedAt = 0;
let cpuAtStart = process.cpuUsage();
const begin = (): void => {
  measuring = true;
  startedAt = performance.now();
  cpuAtStart = process.cpuUsage();
  setTimeout(end, options.seconds * 1_000);
};

function end(): void {
  if (ended) return;
  ended = true;
  const elapsedMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuAtStart);
  for (const connection of connections) connection.close();
  const result: LoadResult = {
    ok,
    answered,
    bodyBytesPerSecond: bodyBytes / (elapsedMs / 1_000),
    allBodyBytes,
    failures,
    perSecond: ok / (elapsedMs / 1_000),
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    cpuShare: (cpu.user + cpu.system) / 1_000 / elapsedMs,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

process.stdin.resume().on("end", end);
if (options.warmUpSeconds === 0) begin();
else setTimeout(begin, options.warmUpSeconds * 1_000);
