/** Metrics as they travel (windlass.runtime.v1.ProcessMetrics). */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  MetricFamily_Kind as Kind,
  type ProcessMetrics,
  type ProcessMetricsSchema,
} from "../../gen/windlass/runtime/v1/metrics_pb.ts";
import type { MetricFamily } from "./metric-set.ts";

const KINDS = { counter: Kind.COUNTER, gauge: Kind.GAUGE, histogram: Kind.HISTOGRAM } as const;

/** For the sender. */
export function metricsMessage(families: readonly MetricFamily[]): MessageInitShape<typeof ProcessMetricsSchema> {
  return {
    families: families.map(({ name, help, kind, labelNames, bounds = [], whole = false, series }) => ({
      name,
      help,
      kind: KINDS[kind],
      labelNames: [...labelNames],
      bounds: [...bounds],
      whole,
      series: series.map(({ labels, value, counts = [] }) => ({
        labels: [...labels],
        value,
        counts: counts.map(BigInt),
      })),
    })),
  };
}

/** For the receiver; metrics of a kind that is not known are left out. */
export function readMetrics({ families }: ProcessMetrics): MetricFamily[] {
  return families.flatMap(({ name, help, kind: number, labelNames, bounds, whole, series }) => {
    const kind = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find((one) => KINDS[one] === number);
    if (kind === undefined) return [];
    const read = series.map(({ labels, value, counts }) =>
      kind === "histogram" ? { labels, value, counts: counts.map(Number) } : { labels, value },
    );
    return [{ name, help, kind, labelNames, bounds, ...(whole ? { whole } : {}), series: read }];
  });
}
