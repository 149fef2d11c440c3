import { readFileSync, writeFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { errorText } from "../../core/errors.ts";
import { assign } from "../../simulate/assign.ts";
import { reportHtml } from "../../simulate/report-html.ts";
import { reportSvg } from "../../simulate/report-svg.ts";
import { simulate as run } from "../../simulate/run.ts";
import { subjectsOf } from "../../simulate/subject.ts";
import { documentOf, formatSeconds, type Report, type Run } from "../../simulate/summary.ts";
import { textChart } from "../../simulate/text-chart.ts";
import { resultTables } from "../../simulate/text-table.ts";
import { parseTrace, type Trace } from "../../simulate/trace.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { loadConfig } from "../load-config.ts";
import { type OutputFormat, printDocument } from "../output.ts";
import { table } from "../table.ts";

/** Options of `windlass simulate`. */
export interface SimulateOptions {
  readonly config: string;
  readonly trace: string;
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

/** Second 0 of traces that do not say when they were: a Monday of these years, at midnight UTC, for schedules. */
const EPOCH_S = 20_717 * 86_400;
/** Wide enough for a day, narrow enough for a mail. */
const PIPE_COLUMNS = 88;

const WRITERS: Readonly<Record<string, (report: Report) => string>> = { ".html": reportHtml, ".svg": reportSvg };

/** `windlass simulate`: what one or two configs would do under a trace. */
export async function simulate(ctx: CliContext, options: SimulateOptions): Promise<void> {
  const { out, output, replicaStartS, seed } = options;
  const write = out === undefined ? undefined : WRITERS[extname(out).toLowerCase()];
  if (out !== undefined && write === undefined) {
    throw new CliError(EXIT.usage, `--out ${out}: a report is a page or a picture; name it .html or .svg`);
  }
  const files = [options.config, ...(options.compare === undefined ? [] : [options.compare])];
  const configs = [];
  for (const file of files) configs.push({ file, config: (await loadConfig(ctx, file)).config });
  const trace = readTrace(ctx, options.trace);
  const runs = configs.map(({ file, config }): Run => {
    const found = subjectsOf(config);
    if (!found.ok) {
      throw new CliError(
        EXIT.failed,
        found.problems.map(({ path, message }) => `${file}: ${path}: ${message}`),
      );
    }
    const names = { trace: options.trace, config: file };
    const assigned = assign(found.subjects, trace, options.deployment, names);
    if (!assigned.ok) throw new CliError(EXIT.failed, assigned.problems);
    const epochS = trace.startS ?? EPOCH_S;
    return { config: file, outcomes: run(assigned.loads, { replicaStartS, seed, epochS, horizonS: trace.lengthS }) };
  });
  const { lengthS, startS } = trace;
  const report: Report = { trace: options.trace, lengthS, startS, replicaStartS, seed, runs };
  if (out !== undefined) writeReport(ctx, out, write!(report));
  if (output !== undefined) {
    printDocument(ctx, documentOf(report), output);
    return;
  }
  print(ctx, report);
  if (out !== undefined) ctx.out(`\n${out} is written\n`);
}

function print(ctx: CliContext, report: Report): void {
  const screen = ctx.screen();
  const paper = { columns: screen?.columns ?? PIPE_COLUMNS, colour: screen?.colour ?? false };
  const names = new Set(report.runs[0]!.outcomes.map(({ application, deployment }) => `${application}/${deployment}`));
  const what = names.size === 1 ? [...names][0]! : `${names.size} deployments`;
  ctx.out(`${what}, ${formatSeconds(report.lengthS)} of ${report.trace}\n\n${textChart(report, paper)}`);
  for (const { title, rows } of resultTables(report)) {
    ctx.out(`\n${title === "" || names.size === 1 ? "" : `${title}\n`}${table(rows)}`);
  }
}

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
