import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { RecordedLoad } from "../simulate/recording.ts";
import type { Screen } from "./screen.ts";

/** What an instance that is stopped recorded. */
export interface Recordings {
  /** The load on a deployment between two moments, epoch seconds; undefined: nothing of that time is kept. */
  load(
    application: string,
    deployment: string,
    period: { readonly fromS: number; readonly toS: number },
  ): RecordedLoad | undefined;
  close(): void;
}

/** All that a command touches of the outside, so that tests run commands in their own process. */
export interface CliContext {
  /** Writes text to stdout as it is. */
  out(text: string): void;
  /** Writes text to stderr as it is. */
  err(text: string): void;
  /** Whether stderr is a terminal that shows colour. */
  readonly errHasColour: boolean;
  /** The terminal that shows stdout, as large as it is now; undefined where stdout is no terminal. */
  screen(): Screen | undefined;
  /** Reads one line from stdin; null at its end. */
  readLine(): Promise<string | null>;
  /** Reads stdin to its end. */
  readInput(): Promise<string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder that relative paths of arguments start from. */
  readonly cwd: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts at SIGINT or SIGTERM, or when nobody reads stdout any longer. Asking for it takes the signals over. */
  stopped(): AbortSignal;
  /** Opens what lies in a state folder. Rejects with one line where an instance runs on it or it cannot be read. */
  recordings(stateDir: string): Promise<Recordings>;
}
