import type { Target } from "../address.ts";
import { cannotConnect } from "../address.ts";
import type { CliContext } from "../context.ts";
import { followLogs } from "../follow-logs.ts";
import { type LogQuery, streamLogs } from "../log-stream.ts";

/** `windlass logs`: what replicas wrote, each line behind `deployment/replica `. */
export async function logs(ctx: CliContext, target: Target, query: LogQuery): Promise<void> {
  const signal = ctx.stopped();
  const end = query.follow
    ? await followLogs(ctx, target, query, signal, {
        line: (text) => ctx.out(text),
        notice: (text) => ctx.err(`windlass: ${text}\n`),
      })
    : await streamLogs(target, query, signal, (line) => ctx.out(line));
  if (end.kind === "refused") throw end.error;
  if (end.kind === "lost") throw cannotConnect(target);
}
