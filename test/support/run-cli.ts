import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CliContext } from "../../src/cli/context.ts";
import { main } from "../../src/cli/main.ts";
import type { Screen } from "../../src/cli/screen.ts";
import { storedLoad } from "../../src/controller/stored-recordings.ts";
import type { Clock } from "../../src/core/clock.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { readStore } from "../../src/store/read-only.ts";

/** What a command left behind. */
export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** How {@link runCli} runs a command. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Text on stdin. */
  readonly stdin?: string;
  /** Stands for SIGINT. */
  readonly stop?: AbortSignal;
  /** Told each text that is written to stdout. */
  onOut?(text: string): void;
  readonly clock?: Clock;
  /** The terminal that stdout is; without one, stdout is a pipe. */
  readonly screen?: Screen;
}

/** Runs a command line in this process. Without `env`, no token, state dir or address of the machine is seen. */
export async function runCli(argv: readonly string[], options: RunOptions = {}): Promise<CliResult> {
  let out = "";
  let err = "";
  const context: CliContext = {
    out(text) {
      out += text;
      options.onOut?.(text);
    },
    err(text) {
      err += text;
    },
    errHasColour: false,
    screen: () => options.screen,
    readLine: async () => options.stdin?.split("\n")[0] ?? null,
    readInput: async () => options.stdin ?? "",
    env: { WINDLASS_STATE_DIR: join(tmpdir(), "no-windlass-here"), ...options.env },
    cwd: options.cwd ?? tmpdir(),
    clock: options.clock ?? systemClock,
    random: systemRandom,
    async recordings(stateDir) {
      const store = readStore(join(stateDir, "state.db"));
      return {
        load: (application, deployment, period) => storedLoad(store, application, deployment, period),
        close: () => store.close(),
      };
    },
    stopped: () => options.stop ?? new AbortController().signal,
  };
  const code = await main(argv, context);
  return { code, out, err };
}
