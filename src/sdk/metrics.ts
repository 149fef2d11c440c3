/**
 * Metrics of applications. They are shown at `/metrics` beside Windlass's own, each series with the `application`,
 * `deployment` and `replica` that it is of:
 *
 *     const orders = new metrics.Counter("orders_total", { description: "Orders taken.", labels: ["kind"] });
 *     orders.inc(1, { kind: "fruit" });
 */
import { LATENCY_BOUNDS_MS, type Meter, type MetricDeclaration, type MetricSet } from "../observability/metric-set.ts";
import { refuseUnknown } from "./options.ts";
import { runtime } from "./runtime.ts";

/** Options of a metric. */
export interface MetricOptions<L extends string = never, D extends L = never> {
  /** One line, shown as the metric's help. Default: its name. */
  readonly description?: string;
  /**
   * Names of its labels. Each combination of values is a series, of which 255 are told apart; `route`, where it is among
   * them, is filled in from the request.
   */
  readonly labels?: readonly L[];
  /** Values of labels that need not be given each time. */
  readonly defaultLabels?: Readonly<Record<D, string>>;
}

/** Options of a {@link Histogram}. */
export interface HistogramOptions<L extends string = never, D extends L = never> extends MetricOptions<L, D> {
  /** Upper bounds of its buckets, ascending. Default: those of latencies in ms, from 1 to 600,000. */
  readonly boundaries?: readonly number[];
}

/** Values of labels: of all that have no default. */
export type LabelArgs<L extends string, D extends L> = [Exclude<L, D | "route">] extends [never]
  ? [labels?: { readonly [K in L]?: string }]
  : [
      labels: { readonly [K in Exclude<L, D | "route">]: string } & {
        readonly [K in D | Extract<L, "route">]?: string;
      },
    ];

const OPTIONS = ["description", "labels", "defaultLabels"];
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** What Windlass adds to each series, and what the format keeps for itself. */
const RESERVED_LABELS = new Set(["application", "deployment", "replica", "le", "quantile"]);
/** Of Windlass's own metrics. */
const RESERVED_NAMES = /^(serve|windlass|process|nodejs)_/;

/** The declared names of a set of metrics, so that one name means one thing. */
const declared = new Map<string, string>();

class Metric<L extends string, D extends L> {
  /** Its name as it is shown. */
  readonly name: string;
  readonly #declaration: MetricDeclaration;
  readonly #defaults: Readonly<Record<string, string>>;
  #set: MetricSet | undefined;
  readonly #meters = new Map<string, Meter>();

  protected constructor(
    name: string,
    kind: MetricDeclaration["kind"],
    options: MetricOptions<L, D>,
    bounds?: readonly number[],
  ) {
    refuseUnknown(name, options, bounds === undefined ? OPTIONS : [...OPTIONS, "boundaries"]);
    const { description = name, labels = [], defaultLabels } = options;
    this.name = name;
    this.#declaration = {
      name,
      kind,
      help: String(description).replaceAll(/\s+/g, " "),
      labelNames: [...labels],
      ...(bounds === undefined ? {} : { bounds: [...bounds] }),
    };
    this.#defaults = { ...defaultLabels };
    check(this.#declaration, this.#defaults);
  }

  /** The series with these labels, in the replica that this code runs for. */
  protected meter(labels: Readonly<Record<string, string | undefined>> | undefined): Meter {
    const { places, metrics } = runtime();
    const set = places.getStore()?.metrics ?? metrics;
    if (set !== this.#set) this.#meters.clear();
    this.#set = set;
    const values = this.#valuesOf(labels);
    const key = values.join("\0");
    let meter = this.#meters.get(key);
    if (meter === undefined) {
      meter = set.meter(this.#declaration, ...values);
      if (this.#meters.size < 256) this.#meters.set(key, meter);
    }
    return meter;
  }

  #valuesOf(labels: Readonly<Record<string, string | undefined>> = {}): string[] {
    const { labelNames } = this.#declaration;
    for (const given of Object.keys(labels)) {
      if (!labelNames.includes(given)) throw new TypeError(`${this.name} has no label "${given}"${listed(labelNames)}`);
    }
    return labelNames.map((label) => {
      const value = labels[label] ?? this.#defaults[label] ?? (label === "route" ? routeOf() : undefined);
      if (value === undefined) throw new TypeError(`${this.name} needs a value for its label "${label}"`);
      return String(value);
    });
  }
}

/** Only grows, from 0 at the replica's start. Throws a TypeError for a name or labels that cannot be. */
export class Counter<const L extends string = never, D extends L = never> extends Metric<L, D> {
  constructor(name: string, options: MetricOptions<L, D> = {}) {
    super(name, "counter", options);
  }

  /** Adds `value`, by default 1. Throws a RangeError unless it is above 0, a TypeError for labels that do not fit. */
  inc(value = 1, ...[labels]: LabelArgs<L, D>): void {
    if (!(typeof value === "number" && value > 0 && value < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`${this.name}.inc() needs a number above 0, not ${value}`);
    }
    this.meter(labels).add(value);
  }
}

/** A value that rises and falls. Throws a TypeError for a name or labels that cannot be. */
export class Gauge<const L extends string = never, D extends L = never> extends Metric<L, D> {
  constructor(name: string, options: MetricOptions<L, D> = {}) {
    super(name, "gauge", options);
  }

  /** Sets it. Throws a RangeError for what is no number, a TypeError for labels that do not fit. */
  set(value: number, ...[labels]: LabelArgs<L, D>): void {
    if (typeof value !== "number" || Number.isNaN(value)) {
      throw new RangeError(`${this.name}.set() needs a number, not ${value}`);
    }
    this.meter(labels).set(value);
  }
}

/** Counts values by bucket, and sums them up. Throws a TypeError for a name, labels or boundaries that cannot be. */
export class Histogram<const L extends string = never, D extends L = never> extends Metric<L, D> {
  constructor(name: string, options: HistogramOptions<L, D> = {}) {
    super(name, "histogram", options, options.boundaries ?? LATENCY_BOUNDS_MS);
  }

  /** Takes a value in. Throws a RangeError for what is no finite number, a TypeError for labels that do not fit. */
  observe(value: number, ...[labels]: LabelArgs<L, D>): void {
    if (!Number.isFinite(value)) throw new RangeError(`${this.name}.observe() needs a finite number, not ${value}`);
    this.meter(labels).add(value);
  }
}

function check(declaration: MetricDeclaration, defaults: Readonly<Record<string, string>>): void {
  const { name, kind, labelNames, bounds = [] } = declaration;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(`"${name}" is no name of a metric: letters, digits, _ and :, no digit first`);
  }
  if (RESERVED_NAMES.test(name)) {
    throw new TypeError(
      `"${name}" begins as Windlass's own metrics do: choose another beginning than ${name.split("_")[0]}_`,
    );
  }
  for (const label of labelNames) {
    if (!LABEL.test(label) || label.startsWith("__")) {
      throw new TypeError(
        `"${label}" of ${name} is no name of a label: letters, digits and _, no digit and no __ first`,
      );
    }
    if (RESERVED_LABELS.has(label)) throw new TypeError(`the label "${label}" of ${name} is reserved: choose another`);
  }
  if (new Set(labelNames).size < labelNames.length) throw new TypeError(`${name} has a label twice`);
  for (const label of Object.keys(defaults)) {
    if (!labelNames.includes(label)) throw new TypeError(`${name} has no label "${label}"${listed(labelNames)}`);
  }
  const rising = bounds.every((bound, index) => Number.isFinite(bound) && (index === 0 || bound > bounds[index - 1]!));
  if (kind === "histogram" && (bounds.length === 0 || !rising)) {
    throw new TypeError(
      `the boundaries of ${name} must be finite numbers that rise, at least one: [${bounds.join(", ")}]`,
    );
  }
  const shape = JSON.stringify([kind, labelNames, bounds]);
  const before = declared.get(name) ?? shape;
  if (before !== shape)
    throw new TypeError(`${name} was declared already, of another kind, with other labels or boundaries`);
  declared.set(name, shape);
}

function listed(labels: readonly string[]): string {
  return labels.length === 0 ? ": it has none" : `: it has ${labels.join(", ")}`;
}

function routeOf(): string {
  return runtime().requests.getStore()?.route ?? "";
}
