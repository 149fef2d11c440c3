import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, extname, resolve } from "node:path";
import type { DeployConfig } from "../../config/types.ts";
import { errorText } from "../../core/errors.ts";
import { assign, nameOf } from "../../simulate/assign.ts";
import type { HostedWork } from "../../simulate/hosted.ts";
import { reportHtml } from "../../simulate/report-html.ts";
import { reportSvg } from "../../simulate/report-svg.ts";
import type { Load } from "../../simulate/run.ts";
import { type Subject, subjectsOf } from "../../simulate/subject.ts";
import { documentOf, formatSeconds, type Report, type Run } from "../../simulate/summary.ts";
import { textChart } from "../../simulate/text-chart.ts";
import { resultTables } from "../../simulate/text-table.ts";
import { parseTrace, type Trace } from "../../simulate/trace.ts";
import type { Target } from "../address.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT, oneLine } from "../exit.ts";
import { simulateWorks } from "../hosted-simulation.ts";
import { loadConfig } from "../load-config.ts";
import { type OutputFormat, printDocument } from "../output.ts";
import { table } from "../table.ts";
import { recordedReport } from "./simulate-recorded.ts";

/** Options of `windlass simulate`. */
export interface SimulateOptions {
  readonly config: string;
  /** Either a trace, or a time from which on the recording of an instance is asked for. */
  readonly trace?: string;
  /** Epoch milliseconds. */
  readonly from?: number;
  /** Epoch milliseconds; absent: until now. */
  readonly to?: number;
  /** The state folder of an instance that is stopped, to read its recording; absent: a running one is asked. */
  readonly stateDir?: string;
  /** A second config, for the same trace. */
  readonly compare?: string;
  /** `APP/DEPLOYMENT`: only this one. */
  readonly deployment?: string;
  readonly replicaStartS: number;
  readonly seed: number;
  /** File for the report, .html or .svg. */
  readonly out?: string;
  readonly output?: OutputFormat;
}

/** A config file that is tried, and its deployments. */
export interface Tried {
  readonly file: string;
  readonly config: DeployConfig;
  /** Absolute folder that paths of policies start from. */
  readonly baseDir: string;
  readonly subjects: readonly Subject[];
}

/** Second 0 of traces that do not say when they were: a Monday of these years, at midnight UTC, for schedules. */
const EPOCH_S = 20_717 * 86_400;
/** Wide enough for a day, narrow enough for a mail. */
const PIPE_COLUMNS = 88;

const WRITERS: Readonly<Record<string, (report: Report) => string>> = { ".html": reportHtml, ".svg": reportSvg };

/** `windlass simulate`: what one or two configs would do under a trace, or under a load that an instance recorded. */
export async function simulate(
  ctx: CliContext,
  options: SimulateOptions,
  instance: () => Promise<Target>,
): Promise<void> {
  const { out, output, trace, from, to } = options;
  const write = out === undefined ? undefined : WRITERS[extname(out).toLowerCase()];
  if (out !== undefined && write === undefined) {
    throw new CliError(EXIT.usage, `--out ${out}: a report is a page or a picture; name it .html or .svg`);
  }
  // Before a simulation that may take a while, not after it.
  if (out !== undefined && !existsSync(dirname(resolve(ctx.cwd, out)))) {
    throw new CliError(EXIT.failed, `--out ${out}: there is no folder ${dirname(out)}; make it first`);
  }
  if (trace !== undefined && (from ?? to) !== undefined) {
    throw new CliError(EXIT.usage, "--trace and --from: give one, a file or the time of a recording");
  }
  if (trace === undefined && from === undefined) {
    throw new CliError(EXIT.usage, "no load given: --trace FILE, or --from TIME for what an instance recorded");
  }
  if (options.stateDir !== undefined && from === undefined) {
    throw new CliError(EXIT.usage, "--state-dir is for recordings: give --from TIME as well");
  }
  const files = [options.config, ...(options.compare === undefined ? [] : [options.compare])];
  const tried: Tried[] = [];
  for (const file of files) tried.push(await readConfig(ctx, file, options.deployment));
  const report =
    trace !== undefined
      ? await tracedReport(ctx, tried, trace, options)
      : await recordedReport(ctx, tried, { ...options, from: from!, to: to ?? ctx.clock.now() }, instance);
  warnOfFailures(ctx, report);
  if (out !== undefined) writeReport(ctx, out, write!(report));
  if (output !== undefined) {
    printDocument(ctx, documentOf(report), output);
    return;
  }
  print(ctx, report);
  if (out !== undefined) ctx.out(`\n${out} is written\n`);
}

async function readConfig(ctx: CliContext, file: string, wanted: string | undefined): Promise<Tried> {
  const { config, baseDir } = await loadConfig(ctx, file);
  const found = subjectsOf(config, wanted);
  if (found.ok) return { file, config, baseDir, subjects: found.subjects };
  throw new CliError(
    EXIT.failed,
    found.problems.map(({ path, message }) => `${file}: ${path}: ${message}`),
  );
}

async function tracedReport(
  ctx: CliContext,
  tried: readonly Tried[],
  file: string,
  options: SimulateOptions,
): Promise<Report> {
  const { replicaStartS, seed } = options;
  const trace = readTrace(ctx, file);
  const how = { replicaStartS, seed, epochS: trace.startS ?? EPOCH_S, horizonS: trace.lengthS };
  const runs: Run[] = [];
  for (const each of tried) {
    const { file: config, subjects } = each;
    const assigned = assign(subjects, trace, options.deployment, { trace: file, config });
    if (!assigned.ok) throw new CliError(EXIT.failed, assigned.problems);
    const work = (load: Load): HostedWork => ({ kind: "trace", load, options: how });
    const outcomes = await simulateWorks(ctx, each, assigned.loads.map(work), assigned.idle.map(work));
    runs.push({ config, outcomes });
  }
  const { lengthS, startS } = trace;
  return { trace: file, lengthS, startS, replicaStartS, seed, runs };
}

/** Says where policies failed: what came of them says little then. */
function warnOfFailures(ctx: CliContext, { runs }: Report): void {
  for (const { config, outcomes } of runs) {
    for (const { policyFailures: failures, ...outcome } of outcomes) {
      if (failures === undefined) continue;
      const times = failures.count === 1 ? "once" : `${failures.count} times, first`;
      const at = formatSeconds(failures.firstS);
      ctx.err(
        `warning: ${config}: the policy of ${nameOf(outcome)} failed ${times} at ${at}: ${oneLine(failures.reason)}\n`,
      );
    }
  }
}

function print(ctx: CliContext, report: Report): void {
  const screen = ctx.screen();
  const paper = { columns: screen?.columns ?? PIPE_COLUMNS, colour: screen?.colour ?? false };
  const { outcomes } = report.runs[0]!;
  const names = new Set(outcomes.map(({ application, deployment }) => `${application}/${deployment}`));
  const what = names.size === 1 ? [...names][0]! : `${names.size} deployments`;
  ctx.out(`${what}, ${formatSeconds(report.lengthS)} of ${report.trace}\n\n${textChart(report, paper)}`);
  for (const { title, rows } of resultTables(report)) {
    ctx.out(`\n${title === "" || names.size === 1 ? "" : `${title}\n`}${table(rows)}`);
  }
  if (outcomes.some(({ loadOnly }) => loadOnly)) ctx.out(`\n${LOAD_ONLY}\n`);
}

/** What is not known of recordings. */
const LOAD_ONLY =
  "A recording says how many requests there were at a time, not when each came: as many are taken to be there with any\n" +
  "number of replicas, and nothing can be said of waiting and refused requests.";

function readTrace(ctx: CliContext, file: string): Trace {
  let text: string;
  try {
    text = readFileSync(resolve(ctx.cwd, file), "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a folder" : errorText(error);
    throw new CliError(EXIT.failed, `${file}: ${why}; give a CSV file`, error);
  }
  const result = parseTrace(text, file);
  if (!result.ok) throw new CliError(EXIT.failed, result.problems);
  return result.trace;
}

function writeReport(ctx: CliContext, file: string, text: string): void {
  try {
    writeFileSync(resolve(ctx.cwd, file), text);
  } catch (error) {
    throw new CliError(EXIT.failed, `${file}: cannot be written: ${errorText(error)}`, error);
  }
}
