import { join } from "node:path";
import { createInterface } from "node:readline";
import { text as readAll } from "node:stream/consumers";
import type { CliContext, Recordings } from "../cli/context.ts";
import { main } from "../cli/main.ts";
import { onReaderGone } from "../cli/reader-gone.ts";
import { systemClock } from "../core/system-clock.ts";
import { systemRandom } from "../core/system-random.ts";

const stop = new AbortController();
let signalsTaken = false;

// A reader that goes away (`windlass watch | head -1`) ends a feed quietly, and must not crash `windlass start`.
process.stdout.on("error", () => stop.abort());
process.stderr.on("error", () => {});

const context: CliContext = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  errHasColour: process.stderr.isTTY === true && process.stderr.hasColors(),
  screen() {
    const { isTTY, rows, columns } = process.stdout;
    return isTTY ? { rows: rows || 24, columns: columns || 80, colour: process.stdout.hasColors() } : undefined;
  },
  readLine: readLine,
  readInput: () => readAll(process.stdin),
  env: process.env,
  cwd: process.cwd(),
  clock: systemClock,
  random: systemRandom,
  stopped() {
    if (!signalsTaken) {
      signalsTaken = true;
      process.once("SIGINT", () => stop.abort());
      process.once("SIGTERM", () => stop.abort());
      onReaderGone(() => stop.abort());
    }
    return stop.signal;
  },
  recordings,
};

async function recordings(stateDir: string): Promise<Recordings> {
  // No other command needs them.
  const [{ readStore }, { storedLoad }] = await Promise.all([
    import("../store/read-only.ts"),
    import("../controller/stored-recordings.ts"),
  ]);
  const store = readStore(join(stateDir, "state.db"));
  return {
    load: (application, deployment, period) => storedLoad(store, application, deployment, period),
    close: () => store.close(),
  };
}

function readLine(): Promise<string | null> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    let line: string | null = null;
    lines.once("line", (text) => {
      line = text;
      lines.close();
    });
    lines.once("close", () => resolve(line));
  });
}

const exitCode = await main(process.argv.slice(2), context);
// Kept connections would hold the process; what was written is flushed first.
process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
