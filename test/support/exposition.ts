/** Reads Prometheus's text format as strictly as Prometheus does, so that a scrape that it would refuse fails. */

/** One sample. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A scrape. */
export interface Exposition {
  readonly samples: readonly Sample[];
  /** By name of the metric. */
  readonly types: ReadonlyMap<string, string>;
  /** Samples of a name whose labels include these. */
  find(name: string, labels?: Readonly<Record<string, string>>): Sample[];
  /** The sum of their values. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const ESCAPED: Readonly<Record<string, string>> = { '\\"': '"', "\\\\": "\\", "\\n": "\n" };

/** Throws with the line for what is no exposition: bad lines, samples twice, a metric in two places, odd histograms. */
export function parseExposition(text: string): Exposition {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  const closed = new Set<string>();
  let current = "";
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const comment = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line);
    if (comment !== null) {
      const [, what, name, rest] = comment;
      if (name !== current) {
        closed.add(current);
        if (closed.has(name!)) throw new Error(`${name} stands in two places: ${line}`);
        current = name!;
      }
      if (what !== "TYPE") continue;
      if (types.has(name!)) throw new Error(`a second type: ${line}`);
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest!)) throw new Error(`no such type: ${line}`);
      types.set(name!, rest!);
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null) throw new Error(`no sample: ${line}`);
    const [, name = "", written = "", value = ""] = sample;
    const labels = readLabels(written, line);
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const metric = types.get(base) === "histogram" ? base : name;
    if (metric !== current) throw new Error(`a sample that does not stand with its metric: ${line}`);
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) throw new Error(`a sample twice: ${line}`);
    seen.add(key);
    const number = value === "+Inf" ? Number.POSITIVE_INFINITY : value === "-Inf" ? -Infinity : Number(value);
    if (Number.isNaN(number) && !/^nan$/i.test(value)) throw new Error(`no number: ${line}`);
    samples.push({ name, labels, value: number });
  }
  const find = (name: string, wanted: Readonly<Record<string, string>> = {}): Sample[] =>
    samples.filter(
      (sample) =>
        sample.name === name && Object.entries(wanted).every(([label, value]) => sample.labels[label] === value),
    );
  for (const [name, type] of types) if (type === "histogram") checkHistogram(name, find);
  return {
    samples,
    types,
    find,
    sum: (name, labels) => find(name, labels).reduce((sum, { value }) => sum + value, 0),
  };
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ""; ) {
    const label = LABEL.exec(rest);
    if (label === null) throw new Error(`no label at "${rest}": ${line}`);
    if (labels[label[1]!] !== undefined) throw new Error(`the label "${label[1]}" twice: ${line}`);
    labels[label[1]!] = label[2]!.replace(/\\["\\n]/g, (pair) => ESCAPED[pair]!);
    rest = rest.slice(label[0].length);
  }
  return labels;
}

/** Buckets only grow, and the last has all. */
function checkHistogram(name: string, find: Exposition["find"]): void {
  for (const { labels, value } of find(`${name}_count`)) {
    const buckets = find(`${name}_bucket`, labels);
    const counts = buckets.map((bucket) => bucket.value);
    const rising = counts.every((count, index) => index === 0 || count >= counts[index - 1]!);
    if (!rising || buckets.at(-1)?.labels["le"] !== "+Inf" || counts.at(-1) !== value) {
      throw new Error(
        `the buckets of ${name} ${JSON.stringify(labels)} do not add up: ${counts.join(" ")} of ${value}`,
      );
    }
    if (find(`${name}_sum`, labels).length === 0) throw new Error(`${name} has no sum`);
  }
}
