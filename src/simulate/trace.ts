/** Reads a trace: requests as they came, or rates of them. */
import type { RateRow, Traffic } from "./traffic.ts";

/** The traffic of a file. */
export interface Trace {
  /** What second 0 is, epoch seconds, if the file's times are; null: they count from the start themselves. */
  readonly startS: number | null;
  /** Until when requests come, seconds from the start. */
  readonly lengthS: number;
  /** By what the file calls the deployment; "" where it calls none. In the order of their first lines. */
  readonly traffic: ReadonlyMap<string, Traffic>;
}

/** A trace, or what is wrong with the file: lines that begin with its name. */
export type TraceResult =
  | { readonly ok: true; readonly trace: Trace }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Times past this, in 2004, are epoch seconds. */
const EPOCH_FROM_S = 2 ** 30;
/** What is said of one file at most. */
const MAX_PROBLEMS = 10;
/** Longer traces are more likely milliseconds: 400 days. */
const MAX_LENGTH_S = 400 * 86_400;

/** More requests than are simulated in some minutes; a rate is mistyped. */
const MAX_REQUESTS = 500e6;

/** The columns of each form. Requests have two names for each, and rates may not be told from them by others. */
const REQUEST_COLUMNS = [
  ["timestamp_s", "arrival_s"],
  ["service_s", "duration_s"],
] as const;
const RATE_COLUMNS = [["start_s"], ["end_s"], ["rps"], ["service_s"]] as const;
const FORMS = "timestamp_s,service_s[,deployment] or start_s,end_s,rps,service_s[,deployment]";

interface Line {
  readonly number: number;
  readonly deployment: string;
  readonly values: readonly number[];
}

/** Reads a CSV with a head line. Empty lines and those that begin with # are passed over. `file` is only for messages. */
export function parseTrace(text: string, file: string): TraceResult {
  const problems: string[] = [];
  const fail = (at: string, message: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(`${file}${at}: ${message}`);
  };
  const rows = text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const headAt = rows.findIndex(isContent);
  if (headAt < 0) return { ok: false, problems: [`${file}: is empty; its head line is ${FORMS}`] };
  const head = cells(rows[headAt]!).map((name) => name.toLowerCase());
  const rates = head.includes("rps");
  const columns = (rates ? RATE_COLUMNS : REQUEST_COLUMNS).map((names) =>
    head.findIndex((name) => (names as readonly string[]).includes(name)),
  );
  const named = head.indexOf("deployment");
  const known = new Set([...columns, named]);
  const unknown = head.filter((_, column) => !known.has(column));
  if (columns.includes(-1) || unknown.length > 0) {
    return { ok: false, problems: [`${file}:${headAt + 1}: the columns are ${head.join(",")}; write ${FORMS}`] };
  }
  const lines: Line[] = [];
  for (let i = headAt + 1; i < rows.length; i++) {
    const row = rows[i]!;
    if (!isContent(row)) continue;
    const fields = cells(row);
    if (fields.length !== head.length) {
      fail(`:${i + 1}`, `has ${fields.length} fields; the head line has ${head.length}`);
      continue;
    }
    const values = columns.map((column) =>
      /^[-+.\de]+$/i.test(fields[column]!) ? Number(fields[column]) : Number.NaN,
    );
    const bad = values.findIndex((value) => !(value >= 0 && Number.isFinite(value)));
    if (bad >= 0) {
      fail(`:${i + 1}`, `${head[columns[bad]!]} is "${fields[columns[bad]!]}"; write a number from 0`);
    } else lines.push({ number: i + 1, deployment: named < 0 ? "" : fields[named]!, values });
  }
  if (problems.length === 0 && lines.length === 0) fail("", "has no line below its head line");
  if (problems.length > 0) return { ok: false, problems };
  return rates ? rateTrace(lines, file) : requestTrace(lines, file);
}

function isContent(row: string): boolean {
  return row.trim() !== "" && !row.startsWith("#");
}

function cells(row: string): string[] {
  return row.split(",").map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

function requestTrace(lines: readonly Line[], file: string): TraceResult {
  const startS = startOf(lines);
  const baseS = startS ?? 0;
  let lengthS = 0;
  const traffic = new Map<string, Traffic>();
  for (const [deployment, own] of byDeployment(lines)) {
    own.sort((a, b) => a.values[0]! - b.values[0]!);
    const timesS = Float64Array.from(own, ({ values }) => values[0]! - baseS);
    const servicesS = Float64Array.from(own, ({ values }) => values[1]!);
    lengthS = Math.max(lengthS, timesS.at(-1)!);
    traffic.set(deployment, { kind: "requests", timesS, servicesS });
  }
  return ended(file, startS, lengthS, traffic);
}

function rateTrace(lines: readonly Line[], file: string): TraceResult {
  const startS = startOf(lines);
  const baseS = startS ?? 0;
  let lengthS = 0;
  let requests = 0;
  const traffic = new Map<string, Traffic>();
  for (const [deployment, own] of byDeployment(lines)) {
    own.sort((a, b) => a.values[0]! - b.values[0]!);
    const rows: RateRow[] = [];
    for (const { number, values } of own) {
      const [from, to, rps, serviceS] = values as [number, number, number, number];
      const before = rows.at(-1);
      if (to <= from) return refused(file, number, `end_s ${to} is not after start_s ${from}`);
      if (before && from - baseS < before.endS) {
        return refused(
          file,
          number,
          `start_s ${from} lies within another line of the same deployment; end that one earlier`,
        );
      }
      requests += rps * (to - from);
      rows.push({ startS: from - baseS, endS: to - baseS, rps, serviceS });
    }
    lengthS = Math.max(lengthS, rows.at(-1)!.endS);
    traffic.set(deployment, { kind: "rates", rows });
  }
  if (requests > MAX_REQUESTS) {
    const message = `makes ${requests.toExponential(1)} requests; at most ${MAX_REQUESTS.toExponential(0)} are simulated: lower rps`;
    return { ok: false, problems: [`${file}: ${message}`] };
  }
  return ended(file, startS, lengthS, traffic);
}

function ended(file: string, startS: number | null, lengthS: number, traffic: Trace["traffic"]): TraceResult {
  if (lengthS > MAX_LENGTH_S) {
    const message = `covers ${Math.round(lengthS)} s; at most ${MAX_LENGTH_S} are simulated: times are seconds, not milliseconds`;
    return { ok: false, problems: [`${file}: ${message}`] };
  }
  // A single request at second 0 still has a moment to be looked at.
  return { ok: true, trace: { startS, lengthS: Math.max(1, lengthS), traffic } };
}

function refused(file: string, line: number, message: string): TraceResult {
  return { ok: false, problems: [`${file}:${line}: ${message}`] };
}

/** The whole second in which the first line begins, if times are epoch seconds. */
function startOf(lines: readonly Line[]): number | null {
  const firstS = lines.reduce((least, { values }) => Math.min(least, values[0]!), Number.POSITIVE_INFINITY);
  return firstS > EPOCH_FROM_S ? Math.floor(firstS) : null;
}

function byDeployment(lines: readonly Line[]): Map<string, Line[]> {
  const found = new Map<string, Line[]>();
  for (const line of lines) {
    const own = found.get(line.deployment);
    if (own) own.push(line);
    else found.set(line.deployment, [line]);
  }
  return found;
}
