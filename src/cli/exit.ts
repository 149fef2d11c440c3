/** Exit codes of every command; `pending` is for `apply --dry-run --exit-code` alone. */
export const EXIT = { ok: 0, failed: 1, usage: 2, cannotConnect: 3, unauthorised: 4, pending: 5 } as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command: each line goes to stderr behind `windlass: `, and says what to do next. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  /** For several problems at once; each is one line. */
  readonly lines: readonly string[];
  constructor(exitCode: ExitCode, lines: string | readonly string[], cause?: unknown) {
    const all = (typeof lines === "string" ? [lines] : lines).map(oneLine);
    super(all.join("; "), cause === undefined ? {} : { cause });
    this.exitCode = exitCode;
    this.lines = all;
  }
}

/** Text that came from elsewhere, fit for one line of a terminal. */
export function oneLine(text: string): string {
  // Control characters in a message from outside could rewrite what the terminal shows.
  return text
    .replace(/\s*[\r\n]+\s*/g, " ")
    .replace(/\p{Cc}/gu, "")
    .trim();
}
