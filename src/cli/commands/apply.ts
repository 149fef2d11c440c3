import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT, oneLine } from "../exit.ts";
import { type DesiredApplication, desiredOf } from "../gitops/desired.ts";
import { type FileChoice, readFiles, STDIN } from "../gitops/files.ts";
import { failures, outcomeLine, pending, plannedDocument, reportDocument, summary } from "../gitops/report.ts";
import { runOnce } from "../gitops/run.ts";
import { setName } from "../gitops/set.ts";
import { documentText, type OutputFormat } from "../output.ts";
import { planText } from "../plan-lines.ts";

/** Options of `windlass apply`. */
export interface ApplyOptions {
  /** Files, folders and "-". */
  readonly file: readonly string[];
  /** Globs of files to leave out. Default: none. */
  readonly exclude?: readonly string[];
  /** Delete what an earlier apply of the set made and no file names any more. */
  readonly prune?: boolean;
  /** Let files that name no application be: with `prune`, delete the whole set. */
  readonly allowEmpty?: boolean;
  /** The set's name; by default the paths of `file`. */
  readonly set?: string;
  /** Write applications of other sets too. */
  readonly takeOver?: boolean;
  /** Print what would be done, and do nothing. */
  readonly dryRun?: boolean;
  /** With `dryRun`: end with {@link EXIT.pending} where something would be done. */
  readonly exitCode?: boolean;
  /** Wait until every application runs. */
  readonly wait?: boolean;
  /** Seconds to wait; undefined is no limit. */
  readonly timeout?: number;
  /** Go on, and apply again what changes. */
  readonly watch?: boolean;
  /** With `watch`: write over what others change. Default: true. */
  readonly repair?: boolean;
  /** Without it, lines for a person. */
  readonly output?: OutputFormat;
}

/** `windlass apply`: makes applications what files say, one by one, and leaves others alone. */
export async function apply(
  ctx: CliContext,
  target: Target,
  options: ApplyOptions,
  setExitCode: (code: number) => void,
): Promise<void> {
  refuseTogether(options);
  const { file: from, exclude = [], prune = false, dryRun = false, takeOver = false, output } = options;
  const set = setName({ given: options.set, from, cwd: ctx.cwd, address: target.address, prune });
  const choice: FileChoice = { from, exclude };
  const load = () => loadDesired(ctx, choice, options);
  if (options.watch) {
    const { applyWatching } = await import("../gitops/watch.ts");
    const { repair = true } = options;
    return applyWatching(ctx, target, { choice, load, set, prune, takeOver, repair, output });
  }
  const { applications, warnings } = await load();
  const printed = new Set<string>();
  const warn = (line: string): void => {
    if (!printed.has(line)) ctx.err(`warning: ${oneLine(line)}\n`);
    printed.add(line);
  };
  for (const warning of warnings) warn(warning);
  await withApi(target, async (api) => {
    const pruneBut = prune ? new Set(applications.map(({ name }) => name)) : undefined;
    const run = await runOnce(api, ctx, {
      applications,
      pruneBut,
      set,
      takeOver,
      dryRun,
      warn,
      done(outcome) {
        for (const line of outcome.errors) ctx.err(`windlass: ${oneLine(line)}\n`);
        if (output === undefined && !dryRun && outcome.action !== "failed") ctx.out(`${outcomeLine(outcome)}\n`);
      },
    });
    if (output !== undefined) ctx.out(documentText(reportDocument(run), output));
    else {
      const text = dryRun ? planText(plannedDocument(run), ctx.screen()?.colour ?? false) : "";
      ctx.out(`${text}${summary(run)}\n`);
    }
    const failed = failures(run);
    if (failed.length > 0) setExitCode(EXIT.failed);
    else if (options.exitCode && pending(run) > 0) setExitCode(EXIT.pending);
    if (!options.wait) return;
    const { waitForRun } = await import("../gitops/wait.ts");
    await waitForRun(api, ctx, run, options.timeout);
  });
}

/** What the files ask for. Throws a CliError with each problem, and where they ask for nothing that was not said. */
async function loadDesired(
  ctx: CliContext,
  choice: FileChoice,
  { prune, allowEmpty }: ApplyOptions,
): Promise<{ applications: readonly DesiredApplication[]; warnings: readonly string[] }> {
  const desired = desiredOf(await readFiles(ctx, choice));
  if (!desired.ok) throw new CliError(EXIT.failed, [...desired.problems, "nothing was applied"]);
  if (desired.applications.length === 0 && !allowEmpty) {
    const where = choice.from.join(", ");
    const would = prune ? "everything of the set would be deleted" : "there is nothing to apply";
    throw new CliError(EXIT.failed, `${where} names no application, so ${would}; give another path, or --allow-empty`);
  }
  return desired;
}

/** Flags that do not go together. */
function refuseTogether(options: ApplyOptions): void {
  const { file, watch, wait, dryRun, exitCode, repair = true } = options;
  const refuse = (line: string): never => {
    throw new CliError(EXIT.usage, `${line}; see \`windlass apply --help\``);
  };
  if (file.length === 0) refuse("give files or folders with -f");
  if (file.filter((each) => each === STDIN).length > 1) refuse("standard input can be read once; give one -f -");
  if (exitCode && !dryRun) refuse("--exit-code tells what --dry-run found; give both or neither");
  if (dryRun && (wait || watch))
    refuse("--dry-run changes nothing to wait for or to watch; leave out --wait and --watch");
  if (watch && wait) refuse("--watch says when applications run; leave out --wait and --timeout");
  if (watch && file.includes(STDIN)) refuse("standard input cannot be watched; give files or folders with -f");
  if (!repair && !watch) refuse("--no-repair is for --watch; leave it out");
}
