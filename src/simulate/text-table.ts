/** The results as rows of cells, the first of which is the head. */
import { nameOf } from "./assign.ts";
import { DIFFERENCE, difference } from "./comparison.ts";
import { cell, type Metric, metricsOf, type Report, type Summary, summarize } from "./summary.ts";

/** What a table for people shows of each deployment, when it has many. */
const SHORT = new Set([
  "requests",
  "shed",
  "timed_out",
  "no_replica",
  "dropped",
  "unserved",
  "wait_p99_s",
  "replica_seconds",
  "utilisation",
  "peak_replicas",
  "flaps",
]);

/** One table for each config, a line a deployment, or, of two configs, one table for each deployment, side by side. */
export function resultTables(report: Report): { readonly title: string; readonly rows: string[][] }[] {
  const { runs } = report;
  const [first, second] = runs;
  if (!first) return [];
  if (!second)
    return [
      {
        title: "",
        rows: oneConfig(
          metricsOf(report),
          first.outcomes.map((each) => [nameOf(each), summarize([each])]),
          summarize(first.outcomes),
        ),
      },
    ];
  const each = first.outcomes.map((outcome, i) => ({
    title: nameOf(outcome),
    rows: sideBySide(report, summarize([outcome]), summarize([second.outcomes[i]!])),
  }));
  if (each.length === 1) return each;
  const all = {
    title: "all deployments",
    rows: sideBySide(report, summarize(first.outcomes), summarize(second.outcomes)),
  };
  // More would not be read.
  return each.length > 4 ? [all] : [...each, all];
}

function oneConfig(
  known: readonly Metric[],
  named: readonly (readonly [name: string, summary: Summary])[],
  all: Summary,
): string[][] {
  if (named.length === 1) return known.map((metric) => [metric.title, cell(metric, all)]);
  const metrics = known.filter(({ key }) => SHORT.has(key));
  const head = ["DEPLOYMENT", ...metrics.map(({ title }) => title.toUpperCase())];
  const lines = [...named, ["all", all] as const].map(([name, summary]) => [
    name,
    ...metrics.map((metric) => cell(metric, summary)),
  ]);
  return [head, ...lines];
}

function sideBySide(report: Report, before: Summary, after: Summary): string[][] {
  const head = ["", ...report.runs.map(({ config }) => config), DIFFERENCE];
  return [
    head,
    ...metricsOf(report).map((metric) => [
      metric.title,
      cell(metric, before),
      cell(metric, after),
      difference(metric, before, after),
    ]),
  ];
}
