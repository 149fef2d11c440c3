import type { Target } from "../address.ts";
import { cannotConnect } from "../address.ts";
import type { CliContext } from "../context.ts";
import { followLogs } from "../follow-logs.ts";
import { logLine } from "../log-document.ts";
import { type LogQuery, streamLogs } from "../log-stream.ts";
import { documentStream, type OutputFormat } from "../output.ts";

/** `windlass logs`: what replicas wrote, each line behind `deployment/replica `, or as a document of its parts. */
export async function logs(
  ctx: CliContext,
  target: Target,
  query: LogQuery,
  output: OutputFormat | undefined,
): Promise<void> {
  const printDocument = documentStream(ctx, output ?? "json");
  const print = (line: string): void => {
    if (output === undefined) ctx.out(line);
    else printDocument({ ...logLine(line) });
  };
  const signal = ctx.stopped();
  const end = query.follow
    ? await followLogs(ctx, target, query, signal, {
        line: print,
        notice: (text) => ctx.err(`windlass: ${text}\n`),
      })
    : await streamLogs(target, query, signal, print);
  if (end.kind === "refused") throw end.error;
  if (end.kind === "lost") throw cannotConnect(target);
}
