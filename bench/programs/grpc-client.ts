// Keeps so many unary gRPC calls under way on each of its connections and prints what became of them as one line of JSON
// (LoadResult). Speaks just enough HTTP/2 itself: a whole client in JavaScript takes several times the CPU time per call.
// A call is good when a whole message came: an error has none.

import type { GrpcLoadOptions, LoadResult } from "../lib/load.ts";
import { connectRaw, headerBlock, type RawConnection } from "../lib/raw-h2.ts";
import { quantile } from "../lib/stats.ts";

const options = JSON.parse(process.argv[2]!) as GrpcLoadOptions;
const headers = { "content-type": "application/grpc+proto", te: "trailers", ...options.headers };
const block = headerBlock(options.path, headers);
const message = Buffer.from(options.message, "base64");
const body = Buffer.alloc(5 + message.length);
body.writeUInt32BE(message.length, 1);
body.set(message, 5);

/** More than any answer here. */
const WINDOW = 65_535;
/** A connection that ends at once is not to be a busy loop. */
const RECONNECT_MS = 5;

let measuring = false;
let ended = false;
let ok = 0;
let answered = 0;
const failures: Record<string, number> = {};
const latenciesMs: number[] = [];
const connections = new Set<RawConnection>();

function call(connection: RawConnection): void {
  const sentAt = performance.now();
  let bytes = 0;
  let length = 5;
  connection.send(block, body, {
    onData(piece) {
      // The first piece has the message's length: it is no longer than a frame.
      if (bytes === 0 && piece.length >= 5) length = 5 + piece.readUInt32BE(1);
      bytes += piece.length;
    },
    onEnd() {
      if (ended) return;
      answered += 1;
      if (measuring) {
        latenciesMs.push(performance.now() - sentAt);
        if (bytes === length) ok += 1;
        else failures["no message"] = (failures["no message"] ?? 0) + 1;
      }
      if (!connection.socket.destroyed) call(connection);
    },
  });
}

function open(): void {
  const connection = connectRaw(options.target.port, WINDOW, false);
  connections.add(connection);
  connection.socket.once("close", () => {
    connections.delete(connection);
    if (!ended) setTimeout(open, RECONNECT_MS);
  });
  for (let i = 0; i < options.streams; i++) call(connection);
}
for (let i = 0; i < options.connections; i++) open();

let startedAt = 0;
let cpuAtStart = process.cpuUsage();

function end(): void {
  if (ended) return;
  ended = true;
  const elapsedMs = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuAtStart);
  for (const { socket } of connections) socket.destroy();
  const result: LoadResult = {
    ok,
    answered,
    bodyBytesPerSecond: 0,
    allBodyBytes: 0,
    failures,
    perSecond: ok / (elapsedMs / 1_000),
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    cpuShare: (cpu.user + cpu.system) / 1_000 / elapsedMs,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

process.stdin.resume().on("end", end);
setTimeout(() => {
  measuring = true;
  startedAt = performance.now();
  cpuAtStart = process.cpuUsage();
  setTimeout(end, options.seconds * 1_000);
}, options.warmUpSeconds * 1_000);
