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

  it("keeps 256 series of a metric, whatever labels it is given", () => {
    const set = new MetricSet();
    for (let i = 0; i < 1_000; i++) set.meter(COUNTER, String(i)).add(1);
    expect(set.families()[0]?.series).toHaveLength(256);
  });

  it("arrives as it was sent, without kinds that are not known", () => {
    const set = new MetricSet();
    set.meter(COUNTER, "a").add(2);
    set.meter(HISTOGRAM).add(3);
    set.gauge(GAUGE, () => [{ labels: ["a"], value: 4 }]);
    const message = create(ProcessMetricsSchema, metricsMessage(set.families()));
    expect(readMetrics(message)).toEqual(set.families().map((family) => ({ bounds: [], ...family })));
    message.families[0]!.kind = 99 as never;
    expect(readMetrics(message).map(({ name }) => name)).toEqual(["h", "g"]);
  });
});
