import type { Target } from "../address.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { documentText, type OutputFormat } from "../output.ts";
import { getServeDetails } from "../rest.ts";
import { frame, painted } from "../screen.ts";
import { applicationStatus, statusOf } from "../status-view.ts";

/** Options of `windlass status`. */
export interface StatusOptions {
  /** Only this application. */
  readonly name?: string;
  readonly output: OutputFormat;
  /** Print again after each change until stopped. */
  readonly watch?: boolean;
}

/** `windlass status`: the reference's status document. */
export async function status(ctx: CliContext, target: Target, options: StatusOptions): Promise<void> {
  const first = await read(target, options.name);
  const print = printer(ctx, options);
  print(first);
  if (options.watch) await printChanges(ctx, target, options, first, print);
}

type Print = (document: Readonly<Record<string, unknown>>) => void;

/** On a terminal, changes are drawn over what was there; elsewhere they follow, as a stream that programs can read. */
function printer(ctx: CliContext, { output, watch }: StatusOptions): Print {
  let first = true;
  return (document) => {
    const screen = ctx.screen();
    const separator = first || output === "json" ? "" : "---\n\n";
    if (watch && output === "json" && screen === undefined) ctx.out(`${JSON.stringify(document)}\n`);
    else if (screen === undefined) ctx.out(separator + documentText(document, output));
    else if (watch) ctx.out(frame(documentText(document, output), screen, first));
    else ctx.out(screen.colour ? painted(documentText(document, output)) : documentText(document, output));
    first = false;
  };
}

async function read(target: Target, name: string | undefined): Promise<Record<string, unknown>> {
  const details = await getServeDetails(target);
  if (name === undefined) return statusOf(details);
  const application = Object.hasOwn(details.applications, name) ? details.applications[name] : undefined;
  if (application !== undefined) return applicationStatus(application);
  throw new CliError(EXIT.failed, `application "${name}" does not exist; \`windlass status\` lists all`);
}

/** The feed says when to look; what is printed is the same document as without `--watch`. */
async function printChanges(
  ctx: CliContext,
  target: Target,
  options: StatusOptions,
  first: unknown,
  print: Print,
): Promise<void> {
  const [{ withApi }, { follow }] = await Promise.all([import("../api.ts"), import("../feed.ts")]);
  const signal = ctx.stopped();
  let printed = JSON.stringify(first);
  await withApi(target, async (api) => {
    const notice = (text: string): void => ctx.err(`windlass: ${text}\n`);
    const feed = follow(api, ctx, { name: "", since: 0n, signal, patienceMs: 0, endless: true, notice });
    let synced = false;
    for await (const message of feed) {
      synced ||= message.event.case === "synced";
      if (!synced) continue;
      const now = await read(target, options.name).catch((error: unknown) => {
        // A restarting controller: the feed comes back first and brings a message.
        if (error instanceof CliError && error.exitCode === EXIT.cannotConnect) return undefined;
        throw error;
      });
      const text = JSON.stringify(now);
      if (now === undefined || text === printed) continue;
      printed = text;
      print(now);
    }
  });
}
