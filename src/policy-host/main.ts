import { rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.ts";
import { logLimits } from "../observability/log-limits.ts";
import { keepOwnLogBounded } from "../observability/rotate.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { PolicyHost } from "./host.ts";
import { type FromHost, type HostPlace, lineReader, lineWriter, type ToHost } from "./protocol.ts";
import { simulateInHost } from "./simulate.ts";

/** Milliseconds a host lives on without a controller: long enough for one that was killed to come back. */
const ORPHAN_MS = 60_000;
/** Inputs hold the raw metrics of all replicas. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** The policy host process: `policy-host <HostPlace as JSON>`. It loads and asks policies as the controller says. */
export function main(argv: readonly string[], context: { readonly clock: Clock; readonly sdkUrl: string }): void {
  const { clock } = context;
  if (argv[2] === undefined) {
    process.stderr.write("usage: policy-host <place as JSON>, or policy-host simulate <request file>\n");
    process.exit(2);
  }
  if (argv[2] === "simulate") return void simulateInHost(argv[3] ?? "", context);
  const place = JSON.parse(argv[2]) as HostPlace;
  process.setSourceMapsEnabled(true);
  keepOwnLogBounded(process.env, logLimits(process.env), clock, (error) => {
    process.stderr.write(`the log grows beyond its limit: ${error}\n`);
  });
  const host = new PolicyHost({ ...context, place, env: process.env });

  let connection: Socket | undefined;
  let orphaned: Timer | undefined;
  const orphan = (): void => {
    orphaned?.cancel();
    orphaned = clock.timer(ORPHAN_MS, () => process.exit(0));
  };

  process.on("SIGINT", () => {});
  process.on("unhandledRejection", (error) => {
    process.stderr.write(`unhandled rejection: ${error instanceof Error ? error.stack : String(error)}\n`);
  });
  process.on("uncaughtException", (error) => {
    process.stderr.write(`uncaught exception: ${error.stack ?? error.message}\n`);
    const crashed: FromHost = { kind: "crashed", error: userErrorLine(error, place.workingDir ?? place.baseDir) };
    if (connection?.writable !== true) process.exit(1);
    connection.end(`${JSON.stringify(crashed)}\n`, () => process.exit(1));
  });

  const server = createServer((socket) => {
    connection?.destroy();
    connection = socket;
    orphaned?.cancel();
    const writer = lineWriter((text) => void (socket.writable && socket.write(text)));
    const say = (message: FromHost): void => {
      writer.say(message);
      // Out before user code runs, which may never end: whose code it is must be known then.
      if (message.kind === "began") writer.flush();
    };
    const onLine = (text: string): void => void host.handle(JSON.parse(text) as ToHost, say);
    socket.on(
      "data",
      lineReader(MAX_LINE_BYTES, onLine, () => socket.destroy()),
    );
    socket.on("error", () => {});
    socket.on("close", () => {
      if (connection === socket) orphan();
    });
    say({ kind: "hello", place: place.place });
  });
  server.on("error", (error) => {
    process.stderr.write(`cannot listen: ${error.message}\n`);
    process.exit(1);
  });
  rmSync(place.socketPath, { force: true });
  server.listen(place.socketPath);
  orphan();
}
