import { Application_StateSchema } from "../../gen/windlass/v1/application_pb.ts";
import { Deployment_StateSchema } from "../../gen/windlass/v1/deployment_pb.ts";
import type { WatchInstanceResponse } from "../../gen/windlass/v1/instance_service_pb.ts";
import { parseName } from "../core/names.ts";
import type { Api } from "./api.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";
import { follow } from "./feed.ts";
import { label } from "./labels.ts";
import { paint } from "./output.ts";
import { countsText, nothingSeen, type Progress, type Seen, see } from "./rollout.ts";

/** A controller that restarts is back within seconds. */
const PATIENCE_MS = 60_000;

/** What {@link waitFor} waits for. */
export interface Wait {
  /** Resource name to look at and below; "" is everything. */
  readonly name: string;
  /** Whether a resource is worth a line. */
  concerns(name: string): boolean;
  /** Asked after each message; the wait ends at `done` and `failed`. */
  progress(seen: Seen): Progress;
  /** Undefined waits without a limit. */
  readonly timeoutS: number | undefined;
  readonly signal: AbortSignal;
}

/** Follows the feed with a line per change on stderr until the progress is done; throws a CliError when it failed. */
export async function waitFor(api: Api, ctx: CliContext, wait: Wait): Promise<void> {
  const stop = new AbortController();
  let progress: Progress = { kind: "waiting", missing: "no news" };
  const timer =
    wait.timeoutS === undefined
      ? undefined
      : ctx.clock.timer(wait.timeoutS * 1000, () => stop.abort(), { unref: true });
  const signal = AbortSignal.any([wait.signal, stop.signal]);
  try {
    const changes = followChanges(api, ctx, { ...wait, signal, endless: false });
    for await (const seen of changes) {
      progress = wait.progress(seen);
      if (progress.kind === "done") return;
      if (progress.kind === "failed") throw new CliError(EXIT.failed, progress.message);
    }
  } finally {
    timer?.cancel();
  }
  const { missing } = progress;
  throw new CliError(
    EXIT.failed,
    stop.signal.aborted
      ? `not ready after ${wait.timeoutS} s, ${missing}; it goes on, see \`windlass status\``
      : `stopped waiting, ${missing}; it goes on, see \`windlass status\``,
  );
}

/** What is known, after each message of the feed, with a line on stderr for each change of what concerns. */
export async function* followChanges(
  api: Api,
  ctx: CliContext,
  options: Pick<Wait, "name" | "concerns" | "signal"> & { endless: boolean },
): AsyncGenerator<Seen> {
  const { name, signal, endless } = options;
  const notice = (text: string): void => ctx.err(`windlass: ${text}\n`);
  const seen = nothingSeen();
  const printed = new Map<string, string>();
  for await (const message of follow(api, ctx, {
    name,
    since: 0n,
    signal,
    patienceMs: PATIENCE_MS,
    endless,
    notice,
  })) {
    see(seen, message);
    printChange(ctx, options, message, printed);
    yield seen;
  }
}

function printChange(
  ctx: CliContext,
  wait: Pick<Wait, "concerns">,
  message: WatchInstanceResponse,
  printed: Map<string, string>,
): void {
  printWarnings(ctx, wait, message, printed);
  const line = changeLine(ctx, message);
  if (line === undefined || !wait.concerns(line.name) || printed.get(line.name) === line.text) return;
  printed.set(line.name, line.text);
  ctx.err(`${line.text}\n`);
}

/** What became known of an application only when it was built. */
function printWarnings(
  ctx: CliContext,
  wait: Pick<Wait, "concerns">,
  { event }: WatchInstanceResponse,
  printed: Map<string, string>,
): void {
  if (event.case !== "application" || !wait.concerns(event.value.name)) return;
  const { name, warnings } = event.value;
  for (const warning of warnings) {
    const key = `${name} ${warning}`;
    if (printed.has(key)) continue;
    printed.set(key, warning);
    ctx.err(`warning: ${shortName(name)}: ${oneLine(warning)}\n`);
  }
}

function changeLine(ctx: CliContext, message: WatchInstanceResponse): { name: string; text: string } | undefined {
  const { event } = message;
  if (event.case === "application") {
    const { name, state, message: why } = event.value;
    return { name, text: joined(shortName(name), paint(ctx, label(Application_StateSchema, state)), oneLine(why)) };
  }
  if (event.case === "deployment") {
    const { name, state, message: why } = event.value;
    const stateText = paint(ctx, label(Deployment_StateSchema, state));
    return { name, text: joined(shortName(name), stateText, countsText(event.value), oneLine(why)) };
  }
  return undefined;
}

function joined(...parts: string[]): string {
  return parts.filter((part) => part !== "").join("  ");
}

function shortName(name: string): string {
  const parts = parseName(name);
  if (parts === undefined) return name;
  return parts.deployment === undefined ? parts.application : `${parts.application}/${parts.deployment}`;
}
