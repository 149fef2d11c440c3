import type { Target } from "./address.ts";
import type { CliContext } from "./context.ts";
import { EXIT } from "./exit.ts";
import { type LogEnd, type LogQuery, streamLogs } from "./log-stream.ts";

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MOST_MS = 5_000;

/** What a follower is told. */
export interface LogListener {
  /** A whole line with its line end. */
  line(text: string): void;
  /** One line for a person: the stream broke off, or goes on. */
  notice(text: string): void;
}

/**
 * Follows log lines across connections that break off. After such a break it goes on with new lines: what was written
 * meanwhile is left out, and said to be. Resolves when the lines end; an API that never answered is `refused`.
 */
export async function followLogs(
  ctx: CliContext,
  target: Target,
  query: LogQuery,
  signal: AbortSignal,
  listener: LogListener,
): Promise<LogEnd> {
  let answered = false;
  let failures = 0;
  for (;;) {
    const lines = answered ? 0 : query.lines;
    const end = await streamLogs(target, { ...query, lines, follow: true }, signal, (line) => {
      if (failures > 0) listener.notice(`connected again to ${target.address}`);
      failures = 0;
      answered = true;
      listener.line(line);
    });
    if (end.kind === "lost") answered = true;
    const away = end.kind === "refused" && end.error.exitCode === EXIT.cannotConnect;
    if (signal.aborted || end.kind === "complete" || (end.kind === "refused" && !(answered && away))) return end;
    if (failures === 0) listener.notice(`lost ${target.address}; log lines are left out until it is back`);
    failures += 1;
    await ctx.clock.sleep(Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10)), signal);
    if (signal.aborted) return { kind: "complete" };
  }
}
