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
  /** Its own labels say which process it is of: no others are added when it is shown. Default: false. */
  readonly whole?: boolean;
  /** Its changes are no reason to tell anybody; they go with the next ones that are. Default: false. */
  readonly quiet?: boolean;
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

/** What the labels of the last series say, which takes in all that would be one too many. */
export const OTHER_SERIES = "OTHER";

/** Buckets of the reference for what takes long: starts and stops of processes. Ms. */
export const LIFECYCLE_BOUNDS_MS: readonly number[] = [
  5, 20, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 240_000,
];

/** One series. */
export interface Meter {
  /** To a counter: so much more. To a histogram: one such value. To a gauge: what it changes by. */
  add(value: number): void;
  /** Of a gauge: its value from now on. */
  set(value: number): void;
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
  readonly #maxSeries: number;

  /** `maxSeries`: those of one metric that are told apart, less one. */
  constructor(maxSeries = MAX_SERIES) {
    this.#maxSeries = maxSeries;
  }

  /** Grows whenever something was counted; gauges change unseen. */
  get changes(): number {
    return this.#changes;
  }

  /** Differs whenever there is something to tell, of gauges too. Costs a look at all of them. */
  stamp(): string {
    const gauges = [...this.#gauges.values()].map(({ reads }) => [...reads].map((read) => [...read()]));
    return `${this.#changes} ${JSON.stringify(gauges)}`;
  }

  /**
   * The series with these labels, made where it is not there. Of one metric 255 are told apart unless the set says otherwise; further ones share one
   * whose labels say {@link OTHER_SERIES}.
   */
  meter(declaration: MetricDeclaration, ...labels: readonly string[]): Meter {
    const { name, kind, bounds = [] } = declaration;
    let metric = this.#metrics.get(name);
    if (metric === undefined) {
      metric = { declaration, series: new Map() };
      this.#metrics.set(name, metric);
    }
    const of = (labels: readonly string[]): Live => {
      const key = labels.join("\0");
      const known = metric.series.get(key);
      if (known !== undefined) return known;
      // A label may have that value of its own: only the series where all have it is the last.
      const full = metric.series.size >= this.#maxSeries - 1 && labels.some((label) => label !== OTHER_SERIES);
      if (full) return of(labels.map(() => OTHER_SERIES));
      const live = { labels, value: 0, counts: kind === "histogram" ? emptyCounts(bounds) : undefined };
      metric.series.set(key, live);
      return live;
    };
    return this.#meterOf(of(labels), bounds, declaration.quiet === true ? 0 : 1);
  }

  /** Forgets the counted series that `wanted` says no to; their meters must not be used any more. */
  keep(wanted: (labels: Readonly<Record<string, string>>) => boolean): void {
    for (const { declaration, series } of this.#metrics.values()) {
      for (const [key, { labels }] of series) {
        const named = Object.fromEntries(declaration.labelNames.map((name, index) => [name, labels[index]!]));
        if (!wanted(named)) series.delete(key);
      }
    }
  }

  #meterOf(live: Live, bounds: readonly number[], news: number): Meter {
    const { counts } = live;
    return {
      add: (value) => {
        this.#changes += news;
        live.value += value;
        if (counts === undefined) return;
        let at = 0;
        while (at < bounds.length && value > bounds[at]!) at += 1;
        counts[at]! += 1;
      },
      set: (value) => {
        if (live.value !== value) this.#changes += news;
        live.value = value;
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
      if (series.size > 0) families.push({ ...declaration, series: [...series.values()].map(copyOf) });
    }
    for (const { declaration, reads } of this.#gauges.values()) {
      const series = summed([...reads].flatMap((read) => [...read()])).slice(0, this.#maxSeries);
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
