/**
 * Counters, gauges and histograms of a process that no scraper reaches: a replica keeps them here, and the controller
 * shows them ({@link MetricFamily} travels). Counting costs an addition; all else happens when somebody looks.
 */

/** What a metric is. */
export interface MetricDeclaration {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly labelNames: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending; what is above the last is counted all the same. */
  readonly bounds?: readonly number[];
}

/** A metric with its values, as it is shown. */
export interface MetricFamily extends MetricDeclaration {
  readonly series: readonly MetricSeries[];
}

/** One series. */
export interface MetricSeries {
  /** In the order of `labelNames`. */
  readonly labels: readonly string[];
  /** The value; of a histogram the sum. */
  readonly value: number;
  /** Of a histogram: how many in each bucket, one more than it has bounds. */
  readonly counts?: readonly number[];
}

/** Buckets of the reference for latencies in ms. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 1_000, 2_000, 5_000, 10_000, 60_000, 120_000, 300_000, 600_000,
];

/** Label values of one metric that are told apart: they may come from users, and each is kept. */
const MAX_SERIES = 256;

/** One series of a counter or histogram: adds to it. */
export interface Meter {
  /** To a counter: so much more. To a histogram: one such value. */
  add(value: number): void;
}

interface Live {
  readonly labels: readonly string[];
  value: number;
  readonly counts: number[] | undefined;
}

/** See the file's comment. */
export class MetricSet {
  readonly #metrics = new Map<
    string,
    { readonly declaration: MetricDeclaration; readonly series: Map<string, Live> }
  >();
  readonly #gauges = new Map<
    string,
    { declaration: MetricDeclaration; readonly reads: Set<() => Iterable<MetricSeries>> }
  >();
  #changes = 0;

  /** Grows whenever something was counted; gauges change unseen. */
  get changes(): number {
    return this.#changes;
  }

  /** The series of a counter or histogram with these labels, made where it is not there. */
  meter(declaration: MetricDeclaration, ...labels: readonly string[]): Meter {
    const { name, bounds } = declaration;
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      metric = { declaration, series: new Map() };
      this.#metrics.set(name, metric);
    }
    const key = labels.join("\0");
    let live = metric.series.get(key);
    if (live === undefined) {
      live = { labels, value: 0, counts: declaration.kind === "histogram" ? emptyCounts(bounds ?? []) : undefined };
      // One too many is counted nowhere.
      if (metric.series.size < MAX_SERIES) metric.series.set(key, live);
    }
    const { counts } = live;
    return {
      add: (value) => {
        this.#changes += 1;
        live.value += value;
        if (counts === undefined) return;
        const at = bounds!.findIndex((bound) => value <= bound);
        counts[at < 0 ? counts.length - 1 : at]! += 1;
      },
    };
  }

  /** Has a gauge read when somebody looks; returns what ends that. Several may give series of the same gauge. */
  gauge(declaration: MetricDeclaration, read: () => Iterable<MetricSeries>): () => void {
    const gauge = this.#gauges.get(declaration.name) ?? { declaration, reads: new Set() };
    this.#gauges.set(declaration.name, gauge);
    gauge.reads.add(read);
    return () => void gauge.reads.delete(read);
  }

  /** Everything as it is now. */
  families(): MetricFamily[] {
    const families: MetricFamily[] = [];
    for (const { declaration, series } of this.#metrics.values()) {
      families.push({ ...declaration, series: [...series.values()].map(copyOf) });
    }
    for (const { declaration, reads } of this.#gauges.values()) {
      const series = summed([...reads].flatMap((read) => [...read()])).slice(0, MAX_SERIES);
      if (series.length > 0) families.push({ ...declaration, series });
    }
    return families;
  }
}

function emptyCounts(bounds: readonly number[]): number[] {
  return new Array<number>(bounds.length + 1).fill(0);
}

/** Those with the same labels as one. */
function summed(all: readonly MetricSeries[]): MetricSeries[] {
  const sums = new Map<string, MetricSeries>();
  for (const { labels, value } of all) {
    const key = labels.join("\0");
    sums.set(key, { labels, value: value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}

function copyOf({ labels, value, counts }: Live): MetricSeries {
  return counts === undefined ? { labels, value } : { labels, value, counts: [...counts] };
}
