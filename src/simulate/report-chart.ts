/** Charts as SVG: self-contained, legible on light and dark grounds, in a size for wide screens and one for phones. */
import { nameOf } from "./assign.ts";
import { loadColumns } from "./columns.ts";
import type { Outcome } from "./deployment.ts";
import type { ScheduleCourse } from "./schedule-windows.ts";
import type { Report } from "./summary.ts";
import { timeMarks } from "./time-axis.ts";

/** How large a chart is drawn; letters have the same size in each. */
export interface ChartSize {
  readonly width: number;
  /** Room for numbers beside the plots. */
  readonly left: number;
  /** The load is drawn in so many steps. */
  readonly columns: number;
  /** The most marks of time. */
  readonly marks: number;
}

export const WIDE: ChartSize = { width: 920, left: 56, columns: 460, marks: 8 };
/** Of a phone's width. */
export const NARROW: ChartSize = { width: 340, left: 36, columns: 170, marks: 4 };

const RIGHT = 16;
const LOAD_HEIGHT = 130;
const REPLICA_HEIGHT = 110;
const GAP = 34;
const HEAD = 42;
/** Of one deployment's two plots and what is written beside them. */
export const PANEL_HEIGHT = HEAD + LOAD_HEIGHT + GAP + REPLICA_HEIGHT + 40;
/** Lines of a step function are thinned out beyond what can be seen. */
const STEPS_A_PIXEL = 4;

/** The first config, and the one it is compared with. */
export const CONFIG_COLOURS = ["#2f6fde", "#d9731a"] as const;

/** Text that may stand in XML and HTML. */
export function escapeText(text: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => names[character]!).replace(/\p{Cc}/gu, "");
}

/** One deployment of each config: requests above, replicas below. An SVG group of {@link PANEL_HEIGHT}. */
export function panel(report: Report, index: number, size: ChartSize): string {
  const { lengthS, startS, runs } = report;
  const outcomes = runs.map((run) => run.outcomes[index]!);
  const loads = outcomes.map((outcome) => loadColumns([outcome], size.columns));
  const loadTop = ceiling(Math.max(...loads.flat()));
  const counts = outcomes.flatMap(({ timeline }) => [...timeline.target, ...timeline.serving]);
  const replicaTop = ceiling(counts.reduce((most, count) => Math.max(most, count), 0));
  const replicaY = HEAD + LOAD_HEIGHT + GAP;
  const marks = timeMarks(lengthS, startS, size.marks);
  return [
    text(0, 16, nameOf(outcomes[0]!), "title"),
    plot(size, HEAD, LOAD_HEIGHT, loadTop, "requests waiting or worked on"),
    ...loads.map((values, i) => area(size, values, loadTop, i)),
    ...outcomes.flatMap(({ schedule }, i) => (schedule ? bands(size, schedule, lengthS, replicaY, i) : [])),
    plot(size, replicaY, REPLICA_HEIGHT, replicaTop, "replicas: target (thin) and serving"),
    ...outcomes.flatMap(({ timeline }, i) => [
      steps(timeline.timesS, timeline.target, { size, lengthS, top: replicaTop, y: replicaY }, i, "thin"),
      steps(timeline.timesS, timeline.serving, { size, lengthS, top: replicaTop, y: replicaY }, i, "line"),
    ]),
    ...marks.map(({ atS, text: label }) =>
      text(size.left + (atS / lengthS) * plotOf(size), replicaY + REPLICA_HEIGHT + 16, label, "mark middle"),
    ),
  ].join("\n");
}

/** The styles that {@link panel} needs. */
export const CHART_STYLE = `
text { font: 12px system-ui, sans-serif; fill: #1c2430 }
.title { font-weight: 600; font-size: 14px }
.mark { fill: #6a7585; font-size: 11px }
.middle { text-anchor: middle } .end { text-anchor: end }
.grid { stroke: #8894a6; stroke-opacity: .28 }
.line { fill: none; stroke-width: 1.8 } .thin { fill: none; stroke-width: 1; stroke-opacity: .5 }
@media (prefers-color-scheme: dark) { text { fill: #e6eaf0 } .mark { fill: #9aa6b8 } .ground { fill: #12161d } }`;

function plotOf({ width, left }: ChartSize): number {
  return width - left - RIGHT;
}

function plot(size: ChartSize, y: number, height: number, top: number, title: string): string {
  const { left } = size;
  const lines = [0, 0.5, 1].map((part) => {
    const at = y + height * (1 - part);
    const label = text(left - 6, at + 4, Number((top * part).toPrecision(3)).toString(), "mark end");
    return `<line class="grid" x1="${left}" x2="${left + plotOf(size)}" y1="${at}" y2="${at}"/>${label}`;
  });
  return `${lines.join("")}${text(left, y - 6, title, "mark")}`;
}

function area(size: ChartSize, values: readonly number[], top: number, config: number): string {
  const { left } = size;
  const plotted = plotOf(size);
  const points = values.map((value, i) => {
    const x = left + ((i + 0.5) / values.length) * plotted;
    return `${x.toFixed(1)},${(HEAD + LOAD_HEIGHT * (1 - value / top)).toFixed(1)}`;
  });
  const colour = CONFIG_COLOURS[config]!;
  const base = HEAD + LOAD_HEIGHT;
  const fill = `<path d="M${left},${base} L${points.join(" ")} L${left + plotted},${base} Z" fill="${colour}" fill-opacity=".16"/>`;
  return `${fill}<polyline class="line" stroke="${colour}" points="${points.join(" ")}"/>`;
}

/** Where windows of a schedule are open. */
function bands(size: ChartSize, course: ScheduleCourse, lengthS: number, y: number, config: number): string[] {
  const xOf = (atS: number): number => size.left + (atS / lengthS) * plotOf(size);
  return course.changes.flatMap(({ atS, open }, i) => {
    if (open.length === 0) return [];
    const x = xOf(atS);
    const width = (xOf(course.changes[i + 1]?.atS ?? lengthS) - x).toFixed(1);
    const says = escapeText(open.map((index) => course.windows[index]!).join("; "));
    const place = `x="${x.toFixed(1)}" y="${y}" width="${width}" height="${REPLICA_HEIGHT}"`;
    return [`<rect ${place} fill="${CONFIG_COLOURS[config]}" fill-opacity=".09"><title>${says}</title></rect>`];
  });
}

interface Scale {
  readonly size: ChartSize;
  readonly lengthS: number;
  readonly top: number;
  readonly y: number;
}

function steps(
  timesS: Outcome["timeline"]["timesS"],
  values: readonly number[],
  { size, lengthS, top, y }: Scale,
  config: number,
  style: string,
): string {
  const yOf = (value: number): string => (y + REPLICA_HEIGHT * (1 - value / top)).toFixed(1);
  const { left, width } = size;
  const plotted = plotOf(size);
  const every = Math.max(1, Math.ceil(timesS.length / (STEPS_A_PIXEL * width)));
  let path = `M${left},${yOf(values[0]!)}`;
  for (let i = 0; i < timesS.length && timesS[i]! <= lengthS; i += every) {
    path += ` H${(left + (timesS[i]! / lengthS) * plotted).toFixed(1)} V${yOf(values[i]!)}`;
  }
  return `<path class="${style}" stroke="${CONFIG_COLOURS[config]}" d="${path} H${left + plotted}"/>`;
}

/** A round number at or above a value. */
function ceiling(value: number): number {
  if (value <= 1) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 6, 8, 10].map((part) => part * unit).find((round) => round >= value)!;
}

/** Text at a place, in a style of {@link CHART_STYLE}. */
export function text(x: number, y: number, content: string, style: string): string {
  return `<text x="${Number(x.toFixed(1))}" y="${y}"${style === "" ? "" : ` class="${style}"`}>${escapeText(content)}</text>`;
}
