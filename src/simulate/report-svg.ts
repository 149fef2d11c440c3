/** Charts as SVG: self-contained, legible on light and dark grounds. */
import { nameOf } from "./assign.ts";
import { loadColumns } from "./columns.ts";
import type { Outcome } from "./deployment.ts";
import { cell, metricsOf, type Report, summarize } from "./summary.ts";
import { timeMarks } from "./time-axis.ts";

const WIDTH = 920;
const LEFT = 56;
const RIGHT = 16;
const PLOT = WIDTH - LEFT - RIGHT;
const LOAD_HEIGHT = 130;
const REPLICA_HEIGHT = 110;
const GAP = 34;
const HEAD = 42;
/** Of one deployment's two plots and what is written beside them. */
export const PANEL_HEIGHT = HEAD + LOAD_HEIGHT + GAP + REPLICA_HEIGHT + 40;
const COLUMNS = 460;
/** Lines of a step function are thinned out beyond what can be seen. */
const MAX_STEPS = 4_000;

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
export function panel(report: Report, index: number): string {
  const { lengthS, startS, runs } = report;
  const outcomes = runs.map((run) => run.outcomes[index]!);
  const loads = outcomes.map((outcome) => loadColumns([outcome], COLUMNS));
  const loadTop = ceiling(Math.max(...loads.flat()));
  const counts = outcomes.flatMap(({ timeline }) => [...timeline.target, ...timeline.serving]);
  const replicaTop = ceiling(counts.reduce((most, count) => Math.max(most, count), 0));
  const replicaY = HEAD + LOAD_HEIGHT + GAP;
  const marks = timeMarks(lengthS, startS, 8);
  return [
    text(0, 16, nameOf(outcomes[0]!), "title"),
    plot(HEAD, LOAD_HEIGHT, loadTop, "requests waiting or worked on"),
    ...loads.map((values, i) => area(values, loadTop, i)),
    plot(replicaY, REPLICA_HEIGHT, replicaTop, "replicas: target (thin) and serving"),
    ...outcomes.flatMap(({ timeline }, i) => [
      steps(timeline.timesS, timeline.target, { lengthS, top: replicaTop, y: replicaY }, i, "thin"),
      steps(timeline.timesS, timeline.serving, { lengthS, top: replicaTop, y: replicaY }, i, "line"),
    ]),
    ...marks.map(({ atS, text: label }) =>
      text(LEFT + (atS / lengthS) * PLOT, replicaY + REPLICA_HEIGHT + 16, label, "mark middle"),
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

/** The whole report as one picture: a legend, each deployment's panel, and the numbers of all together. */
export function reportSvg(report: Report): string {
  const { runs } = report;
  const panels = runs[0]!.outcomes.length;
  const tableY = 56 + panels * PANEL_HEIGHT;
  const height = tableY + metricsOf(report).length * 18 + 40;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + 40} ${height}" width="${WIDTH + 40}" height="${height}">`,
    `<title>${escapeText(titleOf(report))}</title>`,
    `<style>${CHART_STYLE}</style>`,
    `<rect class="ground" width="100%" height="100%" fill="#fff"/>`,
    `<g transform="translate(20 10)">${legend(report)}</g>`,
    ...Array.from({ length: panels }, (_, index) => {
      return `<g transform="translate(20 ${46 + index * PANEL_HEIGHT})">\n${panel(report, index)}\n</g>`;
    }),
    `<g transform="translate(20 ${tableY})">${numbers(report)}</g>`,
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

/** What the report is about, in one line. */
export function titleOf({ trace, runs }: Report): string {
  return `windlass simulate: ${trace} with ${runs.map(({ config }) => config).join(" and ")}`;
}

function legend({ runs }: Report): string {
  return runs
    .map(({ config }, i) => {
      const x = (i * WIDTH) / 2;
      return `<rect x="${x}" y="4" width="14" height="10" fill="${CONFIG_COLOURS[i]}"/>${text(x + 20, 14, config, "")}`;
    })
    .join("");
}

function numbers(report: Report): string {
  const summaries = report.runs.map(({ outcomes }) => summarize(outcomes));
  return metricsOf(report)
    .map((metric, row) => {
      const y = 14 + row * 18;
      const cells = summaries.map((summary, i) => text(260 + i * 140, y, cell(metric, summary), "end"));
      return `${text(0, y, metric.title, "mark")}${cells.join("")}`;
    })
    .join("\n");
}

function plot(y: number, height: number, top: number, title: string): string {
  const lines = [0, 0.5, 1].map((part) => {
    const at = y + height * (1 - part);
    const label = text(LEFT - 6, at + 4, Number((top * part).toPrecision(3)).toString(), "mark end");
    return `<line class="grid" x1="${LEFT}" x2="${LEFT + PLOT}" y1="${at}" y2="${at}"/>${label}`;
  });
  return `${lines.join("")}${text(LEFT, y - 6, title, "mark")}`;
}

function area(values: readonly number[], top: number, config: number): string {
  const points = values.map((value, i) => {
    const x = LEFT + ((i + 0.5) / values.length) * PLOT;
    return `${x.toFixed(1)},${(HEAD + LOAD_HEIGHT * (1 - value / top)).toFixed(1)}`;
  });
  const colour = CONFIG_COLOURS[config]!;
  const base = HEAD + LOAD_HEIGHT;
  const fill = `<path d="M${LEFT},${base} L${points.join(" ")} L${LEFT + PLOT},${base} Z" fill="${colour}" fill-opacity=".16"/>`;
  return `${fill}<polyline class="line" stroke="${colour}" points="${points.join(" ")}"/>`;
}

interface Scale {
  readonly lengthS: number;
  readonly top: number;
  readonly y: number;
}

function steps(
  timesS: Outcome["timeline"]["timesS"],
  values: readonly number[],
  { lengthS, top, y }: Scale,
  config: number,
  style: string,
): string {
  const yOf = (value: number): string => (y + REPLICA_HEIGHT * (1 - value / top)).toFixed(1);
  const every = Math.max(1, Math.ceil(timesS.length / MAX_STEPS));
  let path = `M${LEFT},${yOf(values[0]!)}`;
  for (let i = 0; i < timesS.length && timesS[i]! <= lengthS; i += every) {
    path += ` H${(LEFT + (timesS[i]! / lengthS) * PLOT).toFixed(1)} V${yOf(values[i]!)}`;
  }
  return `<path class="${style}" stroke="${CONFIG_COLOURS[config]}" d="${path} H${LEFT + PLOT}"/>`;
}

/** A round number at or above a value. */
function ceiling(value: number): number {
  if (value <= 1) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 6, 8, 10].map((part) => part * unit).find((round) => round >= value)!;
}

function text(x: number, y: number, content: string, style: string): string {
  return `<text x="${Number(x.toFixed(1))}" y="${y}"${style === "" ? "" : ` class="${style}"`}>${escapeText(content)}</text>`;
}
