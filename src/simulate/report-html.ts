/** The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere. */
import { nameOf } from "./assign.ts";
import { DIFFERENCE, difference } from "./comparison.ts";
import {
  CHART_STYLE,
  type ChartSize,
  CONFIG_COLOURS,
  escapeText,
  NARROW,
  PANEL_HEIGHT,
  panel,
  WIDE,
} from "./report-chart.ts";
import { titleOf } from "./report-svg.ts";
import { cell, formatSeconds, metricsOf, type Report, type Summary, summarize } from "./summary.ts";

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #6a7585; --line: #d8dee8; --ground: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b8; --line: #2c3542; --ground: #12161d } }
body { margin: 2rem auto; max-width: 980px; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground) }
h1 { font-size: 1.3rem; margin: 0 } p { color: var(--soft); margin: .3rem 0 1.2rem }
table { border-collapse: collapse; margin: 0 0 1.5rem; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .9rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child { text-align: left } th { font-weight: 600; vertical-align: bottom }
th:last-child, td:last-child { padding-right: 0 }
h1, p { overflow-wrap: anywhere } .legend { display: none; color: inherit; margin: .3rem 0 } .legend + .wide { margin-top: 1rem }
svg { width: 100%; height: auto; display: block } svg.narrow { display: none }
.wide { overflow-x: auto } i { display: inline-block; width: .8em; height: .8em; margin-right: .4em }
@media (max-width: 700px) { svg.narrow { display: block; max-width: 480px } svg.broad { display: none } }
@media (max-width: 560px) {
  body { margin: 1rem auto; padding: 0 .6rem; font-size: 14px } th, td { padding-right: .5rem } .legend + .wide th { white-space: normal }
  .legend { display: block } .named { display: none }
}
${CHART_STYLE}`;

/** The page. */
export function reportHtml(report: Report): string {
  const { runs, trace, lengthS, replicaStartS, seed } = report;
  const facts = `${trace}, ${formatSeconds(lengthS)}; replicas take ${formatSeconds(replicaStartS)} to start; seed ${seed}`;
  const deployments = runs[0]!.outcomes;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeText(titleOf(report))}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>What would have happened</h1>
<p>${escapeText(facts)}</p>
${totals(report)}
${deployments.length > 1 ? `<div class="wide">${perDeployment(report)}</div>` : ""}
${deployments
  .map(
    (outcome, index) =>
      // Letters of the broad one could not be read on a phone.
      chart(report, index, nameOf(outcome), "broad", WIDE) + chart(report, index, nameOf(outcome), "narrow", NARROW),
  )
  .join("\n")}
</body>
</html>
`;
}

function chart(report: Report, index: number, name: string, kind: string, size: ChartSize): string {
  const head = `<svg class="${kind}" viewBox="0 0 ${size.width} ${PANEL_HEIGHT}" role="img" aria-label="${escapeText(name)}">`;
  return `${head}\n${panel(report, index, size)}\n</svg>`;
}

function totals(report: Report): string {
  const { runs } = report;
  const summaries = runs.map(({ outcomes }) => summarize(outcomes));
  const swatch = (i: number): string => `<i style="background:${CONFIG_COLOURS[i]}"></i>`;
  const named = runs.map(({ config }, i) => swatch(i) + escapeText(config));
  // Names are long and phones narrow: there they stand above, and columns have their colours.
  const legend = named.map((name) => `<p class="legend">${name}</p>`).join("\n");
  const head = runs.map(
    ({ config }, i) =>
      `<th aria-label="${escapeText(config)}">${swatch(i)}<span class="named">${escapeText(config)}</span></th>`,
  );
  const [before, after] = summaries;
  if (after) head.push(`<th>${DIFFERENCE.toLowerCase()}</th>`);
  const rows = metricsOf(report).map((metric) => {
    const cells = summaries.map((summary) => `<td>${cell(metric, summary)}</td>`);
    if (before && after) cells.push(`<td>${difference(metric, before, after)}</td>`);
    return `<tr><td>${metric.title}</td>${cells.join("")}</tr>`;
  });
  const table = `<table><tr><th>all deployments</th>${head.join("")}</tr>\n${rows.join("\n")}</table>`;
  return `${legend}\n<div class="wide">${table}</div>`;
}

function perDeployment(report: Report): string {
  const { runs } = report;
  const titles = metricsOf(report)
    .map(({ title }) => `<th>${title}</th>`)
    .join("");
  const several = runs.length > 1;
  const rows = runs[0]!.outcomes.flatMap((outcome, index) =>
    runs.map(({ config, outcomes }) => {
      const summary: Summary = summarize([outcomes[index]!]);
      const cells = metricsOf(report)
        .map((metric) => `<td>${cell(metric, summary)}</td>`)
        .join("");
      const which = several ? `<td>${escapeText(config)}</td>` : "";
      return `<tr><td>${escapeText(nameOf(outcome))}</td>${which}${cells}</tr>`;
    }),
  );
  return `<table><tr><th>deployment</th>${several ? "<th>config</th>" : ""}${titles}</tr>\n${rows.join("\n")}</table>`;
}
