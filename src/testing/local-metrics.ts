import type { MetricSeries, MetricSet } from "../observability/metric-set.ts";

/** What the code of an application counted with the `metrics` of the SDK. */
export interface LocalMetrics {
  /**
   * The value of a series, of a histogram the sum of its values; 0 where nothing was counted. Labels that are left out may
   * have any value: the series are added up. `deployment` may stand among them.
   */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Of a histogram: how many values it took in. */
  count(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Reads the sets of the deployments, by name. */
export function localMetrics(sets: ReadonlyMap<string, MetricSet>): LocalMetrics {
  const sum = (
    name: string,
    labels: Readonly<Record<string, string>>,
    of: (series: MetricSeries) => number,
  ): number => {
    let total = 0;
    for (const [deployment, set] of sets) {
      if ((labels["deployment"] ?? deployment) !== deployment) continue;
      for (const family of set.families()) {
        if (family.name !== name) continue;
        const fits = ({ labels: values }: MetricSeries): boolean =>
          Object.entries(labels).every(
            ([label, value]) => label === "deployment" || values[family.labelNames.indexOf(label)] === value,
          );
        for (const series of family.series) if (fits(series)) total += of(series);
      }
    }
    return total;
  };
  return {
    value: (name, labels = {}) => sum(name, labels, ({ value }) => value),
    count: (name, labels = {}) =>
      sum(name, labels, ({ counts = [] }) => counts.reduce((all, inBucket) => all + inBucket, 0)),
  };
}
