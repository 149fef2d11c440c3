/** What replicas and proxies counted, as Prometheus reads it. */
import type { MetricFamily, MetricSeries } from "./metric-set.ts";

/** What one replica counted. */
export interface ReplicaMetrics {
  readonly application: string;
  readonly deployment: string;
  readonly id: string;
  readonly families: readonly MetricFamily[];
}

/** What one proxy counted. */
export interface ProxyMetrics {
  /** "proxy/0". */
  readonly id: string;
  readonly families: readonly MetricFamily[];
}

/**
 * The metrics of all in Prometheus's text format, each with labels of the replica or the proxy, unless its own say which
 * it is of. `own`: of this process, with no further labels.
 */
export function processMetricsText(
  replicas: readonly ReplicaMetrics[],
  proxies: readonly ProxyMetrics[],
  own: readonly MetricFamily[] = [],
): string {
  const blocks = new Map<string, { readonly kind: string; text: string }>();
  const all = [
    { labels: "", families: own },
    ...replicas.map(({ application, deployment, id, families }) => ({
      labels: `deployment="${escaped(deployment)}",replica="${escaped(id)}",application="${escaped(application)}"`,
      families,
    })),
    ...proxies.map(({ id, families }) => ({ labels: `proxy="${escaped(id)}"`, families })),
  ];
  for (const { labels, families } of all) {
    for (const family of families) {
      const { name, kind, help } = family;
      let block = blocks.get(name);
      if (block === undefined) {
        block = { kind, text: `\n# HELP ${name} ${help.replaceAll("\\", "\\\\")}\n# TYPE ${name} ${kind}\n` };
        blocks.set(name, block);
      }
      // Replicas of two versions may count differently; a name has one meaning.
      if (block.kind !== kind) continue;
      for (const series of family.series) block.text += seriesText(family, series, labels);
    }
  }
  return [...blocks.values()].map(({ text }) => text).join("");
}

function seriesText(family: MetricFamily, series: MetricSeries, process: string): string {
  const { name, labelNames, bounds = [], whole = false } = family;
  const own = labelNames.map((label, index) => `${label}="${escaped(series.labels[index] ?? "")}"`);
  const labels = [...(whole || process === "" ? [] : [process]), ...own].join(",");
  const { counts, value } = series;
  const braced = labels === "" ? "" : `{${labels}}`;
  if (counts === undefined) return `${name}${braced} ${value}\n`;
  const before = labels === "" ? "" : `${labels},`;
  let text = "";
  let count = 0;
  counts.forEach((inBucket, index) => {
    count += inBucket;
    text += `${name}_bucket{${before}le="${bounds[index] ?? "+Inf"}"} ${count}\n`;
  });
  return `${text}${name}_sum${braced} ${value}\n${name}_count${braced} ${count}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escaped(label: string): string {
  return label.replace(/[\\"\n]/g, (character) => ESCAPES[character]!);
}
