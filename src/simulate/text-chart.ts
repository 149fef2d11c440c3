/** Charts of characters, for terminals. */
import { nameOf } from "./assign.ts";
import { loadColumns, openColumns, replicaColumns } from "./columns.ts";
import type { Report, Run } from "./summary.ts";
import { timeMarks } from "./time-axis.ts";

const BLOCKS = " ▁▂▃▄▅▆▇█";
const HEIGHT = 6;
const MARGIN = 8;
const CYAN = 36;
const COLOURS = [33, 35];

/** How wide a chart may be, in characters, and whether it may be coloured. */
export interface Paper {
  readonly columns: number;
  readonly colour: boolean;
}

/** Requests, and the replicas of each config, over time. */
export function textChart({ runs, lengthS, startS }: Report, { columns, colour }: Paper): string {
  const width = Math.max(20, Math.min(120, columns - MARGIN - 2));
  const paint = (text: string, code: number): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const load = bars(loadColumns(runs[0]!.outcomes, width), HEIGHT);
  const replicas = runs.map(({ outcomes }) => replicaColumns(outcomes, "serving", width, lengthS));
  const top = Math.max(...replicas.flat());
  const of = ({ config }: Run): string => (runs.length > 1 ? `: ${config}` : "");
  return [
    `requests waiting or worked on${of(runs[0]!)}`,
    ...load.map((line) => paint(line, CYAN)),
    ...runs.flatMap((run, i) => [
      `replicas that serve${of(run)}`,
      ...bars(replicas[i]!, HEIGHT, top).map((line) => paint(line, COLOURS[i]!)),
    ]),
    ...runs.flatMap((run) => windowLines(run, of(run), width, lengthS)),
    axis(lengthS, startS, width),
    "",
  ].join("\n");
}

/** More would not be read. */
const MAX_WINDOWS = 4;

/** When the windows of schedules are open. */
function windowLines({ outcomes }: Run, of: string, width: number, lengthS: number): string[] {
  const windows = outcomes.flatMap((outcome) => {
    const { windows = [], changes = [] } = outcome.schedule ?? {};
    const whose = outcomes.length > 1 ? `${nameOf(outcome)}, ` : "";
    return windows.map((text, index) => {
      const cells = openColumns(changes, index, width, lengthS).map((open) => (open ? "▬" : " "));
      return [`${" ".repeat(MARGIN - 1)}│${cells.join("")}`.trimEnd(), `${" ".repeat(MARGIN)}${whose}${text}`];
    });
  });
  if (windows.length === 0) return [];
  const left = windows.length - MAX_WINDOWS;
  const more = left > 0 ? [`${" ".repeat(MARGIN)}and ${left} more`] : [];
  return [`windows that are open${of}`, ...windows.slice(0, MAX_WINDOWS).flat(), ...more];
}

/** One line for each row, with a scale at its left. `top`: what fills the chart; default: the largest value. */
export function bars(values: readonly number[], height: number, top = Math.max(...values)): string[] {
  const full = top > 0 ? top : 1;
  return Array.from({ length: height }, (_, i) => {
    const row = height - 1 - i;
    const cells = values.map((value) => {
      const eighths = Math.round((value / full) * height * 8) - 8 * row;
      // What is there at all is seen.
      const least = row === 0 && value > 0 ? 1 : 0;
      return BLOCKS[Math.max(least, Math.min(8, eighths))]!;
    });
    const label = i === 0 ? short(full) : row === 0 ? "0" : "";
    return `${label.padStart(MARGIN - 2)} ${"│"}${cells.join("")}`.trimEnd();
  });
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}

function axis(lengthS: number, startS: number | null, width: number): string {
  let line = "";
  for (const { atS, text } of timeMarks(lengthS, startS, Math.floor(width / 10))) {
    const at = MARGIN + Math.round((atS / lengthS) * (width - 1));
    if (at < line.length || at + text.length > MARGIN + width + 4) continue;
    line = `${line.padEnd(at)}${text}  `;
  }
  return line.trimEnd();
}
