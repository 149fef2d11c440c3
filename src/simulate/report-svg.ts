/** The report as one picture. */
import { DIFFERENCE, difference } from "./comparison.ts";
import { CHART_STYLE, CONFIG_COLOURS, escapeText, PANEL_HEIGHT, panel, text, WIDE } from "./report-chart.ts";
import { cell, metricsOf, type Report, summarize } from "./summary.ts";

const { width: WIDTH } = WIDE;

/** The whole report as one picture: a legend, each deployment's panel, and the numbers of all together. */
export function reportSvg(report: Report): string {
  const { runs } = report;
  const panels = runs[0]!.outcomes.length;
  const tableY = 56 + panels * PANEL_HEIGHT;
  const height = tableY + (metricsOf(report).length + 1) * 18 + 40;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + 40} ${height}" width="${WIDTH + 40}" height="${height}">`,
    `<title>${escapeText(titleOf(report))}</title>`,
    `<style>${CHART_STYLE}</style>`,
    `<rect class="ground" width="100%" height="100%" fill="#fff"/>`,
    `<g transform="translate(20 10)">${legend(report)}</g>`,
    ...Array.from({ length: panels }, (_, index) => {
      return `<g transform="translate(20 ${46 + index * PANEL_HEIGHT})">\n${panel(report, index, WIDE)}\n</g>`;
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
      return `<rect x="${x}" y="4" width="14" height="10" fill="${CONFIG_COLOURS[i]}"/>${text(x + 20, 14, shortened(config, LEGEND_LETTERS), "")}`;
    })
    .join("");
}

function numbers(report: Report): string {
  const { runs } = report;
  const summaries = runs.map(({ outcomes }) => summarize(outcomes));
  const [before, after] = summaries;
  const heads = runs.map(({ config }) => shortened(config, HEAD_LETTERS));
  const rows = metricsOf(report).map((metric) => {
    const cells = summaries.map((summary) => cell(metric, summary));
    return [metric.title, ...cells, ...(before && after ? [difference(metric, before, after)] : [])];
  });
  return [["", ...heads, ...(after ? [DIFFERENCE] : [])], ...rows]
    .map(([title = "", ...cells], row) => {
      const y = 14 + row * 18;
      const style = row === 0 ? "end mark" : "end";
      return text(0, y, title, "mark") + cells.map((each, i) => text(260 + i * 160, y, each, style)).join("");
    })
    .join("\n");
}

/** As many letters as have room above a column, and in half of the legend. */
const HEAD_LETTERS = 20;
const LEGEND_LETTERS = 60;

/** The end of a name, which tells files of one folder apart. */
function shortened(name: string, letters: number): string {
  return name.length <= letters ? name : `…${name.slice(1 - letters)}`;
}
