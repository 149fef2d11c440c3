import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ProcessMetricsSchema } from "../../gen/windlass/runtime/v1/metrics_pb.ts";
import { metricsMessage, readMetrics } from "../../src/observability/metric-message.ts";
import { MetricSet } from "../../src/observability/metric-set.ts";

const COUNTER = { name: "c", help: "C.", kind: "counter", labelNames: ["what"] } as const;
const HISTOGRAM = { name: "h", help: "H.", kind: "histogram", labelNames: [], bounds: [1, 5] } as const;
const GAUGE = { name: "g", help: "G.", kind: "gauge", labelNames: ["what"] } as const;

describe("a set of metrics", () => {
  it("counts by labels, and says that something was counted", () => {
    const set = new MetricSet();
    set.meter(COUNTER, "a").add(2);
    set.meter(COUNTER, "b").add(1);
    set.meter(COUNTER, "a").add(1);
    expect(set.changes).toBe(3);
    expect(set.families()).toEqual([
      {
        ...COUNTER,
        series: [
          { labels: ["a"], value: 3 },
          { labels: ["b"], value: 1 },
        ],
      },
    ]);
  });

  it("puts values into buckets up to and with their bounds", () => {
    const set = new MetricSet();
    const meter = set.meter(HISTOGRAM);
    for (const value of [0, 1, 1.5, 5, 6]) meter.add(value);
    expect(set.families()[0]?.series).toEqual([{ labels: [], value: 13.5, counts: [2, 2, 1] }]);
  });

  it("reads gauges when it is asked, and adds up those with the same labels", () => {
    const set = new MetricSet();
    let value = 1;
    const end = set.gauge(GAUGE, () => [{ labels: ["a"], value }]);
    set.gauge(GAUGE, () => [{ labels: ["a"], value: 10 }]);
    value = 2;
    expect(set.families()[0]?.series).toEqual([{ labels: ["a"], value: 12 }]);
    end();
    expect(set.families()[0]?.series).toEqual([{ labels: ["a"], value: 10 }]);
  });

  it("keeps 256 series of a metric, whatever labels it is given, and loses no count", () => {
    const set = new MetricSet();
    for (let i = 0; i < 1_000; i++) set.meter(COUNTER, String(i)).add(1);
    const { series } = set.families()[0]!;
    expect(series).toHaveLength(256);
    expect(series.at(-1)).toEqual({ labels: ["OTHER"], value: 745 });
    expect(series.reduce((sum, { value }) => sum + value, 0)).toBe(1_000);
  });

  it("keeps 256 series where a label's own value is that of the last one", () => {
    const set = new MetricSet();
    const declaration = { ...COUNTER, labelNames: ["kind", "id"] };
    for (let i = 0; i < 1_000; i++) set.meter(declaration, "OTHER", String(i)).add(1);
    const { series } = set.families()[0]!;
    expect(series).toHaveLength(256);
    expect(series.at(-1)).toEqual({ labels: ["OTHER", "OTHER"], value: 745 });
  });

  it("has gauges that are set, and says that they changed only where they did", () => {
    const set = new MetricSet();
    const meter = set.meter(GAUGE, "a");
    meter.set(4);
    meter.set(4);
    meter.add(-1);
    expect(set.changes).toBe(2);
    expect(set.families()[0]?.series).toEqual([{ labels: ["a"], value: 3 }]);
  });

  it("has another stamp whenever there is news, of gauges that are read too, but not of what is quiet", () => {
    const set = new MetricSet();
    let value = 1;
    set.gauge(GAUGE, () => [{ labels: ["a"], value }]);
    const quiet = set.meter({ ...COUNTER, name: "q", quiet: true }, "a");
    const stamps = [set.stamp()];
    quiet.add(1);
    stamps.push(set.stamp());
    value = 2;
    stamps.push(set.stamp());
    set.meter(COUNTER, "a").add(1);
    stamps.push(set.stamp());
    expect(stamps[1]).toBe(stamps[0]);
    expect(new Set(stamps).size).toBe(3);
  });

  it("forgets the series that are not wanted any more", () => {
    const set = new MetricSet();
    for (const what of ["a", "b"]) set.meter(COUNTER, what).add(1);
    set.meter(HISTOGRAM).add(1);
    set.keep(({ what }) => what !== "a");
    expect(set.families().map(({ series }) => series.map(({ labels }) => labels))).toEqual([[["b"]], [[]]]);
    set.keep(({ what }) => what === undefined);
    expect(set.families().map(({ name }) => name)).toEqual(["h"]);
  });

  it("arrives as it was sent, without kinds that are not known", () => {
    const set = new MetricSet();
    set.meter(COUNTER, "a").add(2);
    set.meter({ ...COUNTER, name: "w", whole: true }, "a").add(2);
    set.meter(HISTOGRAM).add(3);
    set.gauge(GAUGE, () => [{ labels: ["a"], value: 4 }]);
    const message = create(ProcessMetricsSchema, metricsMessage(set.families()));
    expect(readMetrics(message)).toEqual(set.families().map((family) => ({ bounds: [], ...family })));
    message.families[0]!.kind = 99 as never;
    expect(readMetrics(message).map(({ name }) => name)).toEqual(["w", "h", "g"]);
  });
});
