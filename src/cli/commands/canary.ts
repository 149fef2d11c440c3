import type { Application } from "../../../gen/windlass/v1/application_pb.ts";
import { type Canary, type Revision, Revision_Cause } from "../../../gen/windlass/v1/revision_pb.ts";
import { applicationName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { type Api, withApi } from "../api.ts";
import { canaryDocument, canaryText } from "../canary-view.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { documentText, type OutputFormat } from "../output.ts";
import { frame } from "../screen.ts";
import { wentBack } from "../taken-back.ts";

/** Options of `windlass canary`. */
export interface CanaryOptions {
  /** Print again after each change until the canary ends. */
  readonly watch?: boolean;
  /** Undefined: text for a person. */
  readonly output?: OutputFormat;
}

/** Between two looks with `--watch`: samples change without a word in the feed. */
const LOOK_MS = 1_000;
/** A controller that restarts is back within seconds. */
const PATIENCE_MS = 60_000;

/** `windlass canary`: where the canary of one application stands. */
export async function canary(
  ctx: CliContext,
  target: Target,
  application: string,
  options: CanaryOptions,
): Promise<void> {
  const first = (await read(target, application)).canary;
  if (first === undefined) {
    const message = `application "${application}" has no canary now; see \`windlass history ${application}\``;
    throw new CliError(EXIT.failed, message);
  }
  const print = printer(ctx, application, options);
  print(first);
  if (options.watch) await watch(ctx, target, application, first, print);
}

type Print = (canary: Canary) => void;

/** On a terminal, changes are drawn over what was there; elsewhere they follow each other. */
function printer(ctx: CliContext, application: string, { output, watch }: CanaryOptions): Print {
  let printed: string | undefined;
  return (now) => {
    const document = canaryDocument(application, now);
    const text = output === undefined ? canaryText(application, now) : documentText(document, output);
    if (text === printed) return;
    const first = printed === undefined;
    printed = text;
    const screen = watch ? ctx.screen() : undefined;
    if (screen !== undefined) ctx.out(frame(text, screen, first));
    else if (watch && output === "json") ctx.out(`${JSON.stringify(document)}\n`);
    else ctx.out(first ? text : `---\n\n${text}`);
  };
}

async function watch(ctx: CliContext, target: Target, application: string, first: Canary, print: Print): Promise<void> {
  const signal = ctx.stopped();
  let last = first;
  let answeredAt = ctx.clock.monotonic();
  for (;;) {
    await ctx.clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    try {
      const { canary: now } = await read(target, application);
      answeredAt = ctx.clock.monotonic();
      if (now === undefined) break;
      last = now;
      print(now);
    } catch (error) {
      const away = error instanceof CliError && error.exitCode === EXIT.cannotConnect;
      if (!away || ctx.clock.monotonic() - answeredAt >= PATIENCE_MS) throw error;
    }
  }
  ctx.out(`${outcome(application, last, await withApi(target, (api) => newestRevision(api, application)))}\n`);
}

/** How it ended; throws a CliError where its revision is not in force. */
function outcome(application: string, { revision }: Canary, newest: Revision | undefined): string {
  if (newest === undefined || newest.number === revision) return `${application}: revision ${revision} is promoted`;
  const back = newest.cause === Revision_Cause.AUTO_ROLLBACK || newest.cause === Revision_Cause.ROLLBACK;
  const message = back
    ? wentBack(application, newest)
    : `application ${application} has revision ${newest.number} now, without a canary of ${revision}`;
  throw new CliError(EXIT.failed, message);
}

/** The revision in force. */
export async function newestRevision({ applications }: Api, application: string): Promise<Revision | undefined> {
  const { revisions } = await applications.listRevisions({ parent: applicationName(application), pageSize: 1 });
  return revisions[0];
}

async function read(target: Target, name: string): Promise<Pick<Application, "canary">> {
  const answer = await withApi(target, (api) => api.applications.getApplication({ name: applicationName(name) }));
  return answer.application ?? {};
}
