import { describe, expect, it } from "vitest";
import { watchEventLoop } from "../../src/observability/loop-monitor.ts";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { slidingWindow } from "../../src/observability/sliding.ts";
import { createRequestMetrics, errorType } from "../../src/replica/request-metrics.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const values = (set: MetricSet, name: string): Record<string, number> =>
  Object.fromEntries(
    set
      .families()
      .filter((family) => family.name === name)
      .flatMap(({ series }) => series.map(({ labels, value }) => [labels.join(" "), value])),
  );

function setUp(maxOngoing = 2) {
  const set = new MetricSet();
  const clock = new VirtualClock(0);
  const load = { ongoing: 0 };
  const metrics = createRequestMetrics(set, { clock, ongoing: () => load.ongoing, maxOngoing: () => maxOngoing });
  return {
    set,
    clock,
    load,
    end: metrics,
    ended: (route: string, error: string | undefined, ms: number) => metrics.ended(route, error, ms, clock.monotonic()),
  };
}

describe("what a replica counts of requests", () => {
  it("is successes and errors apart, the errors by their names, and the time of both", () => {
    const { set, ended, end } = setUp();
    end.started();
    ended("/a", undefined, 3);
    ended("/a", undefined, 700);
    ended("/a", "TypeError", 4);
    ended("", "NOT_FOUND", 1);
    expect(values(set, "serve_deployment_replica_starts")).toEqual({ "": 1 });
    expect(values(set, "serve_deployment_request_counter")).toEqual({ "/a": 2, "": 0 });
    expect(values(set, "serve_deployment_error_counter")).toEqual({ "/a TypeError": 1, " NOT_FOUND": 1 });
    expect(values(set, "serve_deployment_processing_latency_ms")).toEqual({ "/a": 707, "": 1 });
  });

  it("is the longest of the last minute, which is forgotten", async () => {
    const { set, clock, ended } = setUp();
    ended("/a", undefined, 900);
    await clock.advance(30_000);
    ended("/a", undefined, 20);
    expect(values(set, "serve_deployment_max_processing_latency_ms")).toEqual({ "/a": 900 });
    await clock.advance(31_000);
    expect(values(set, "serve_deployment_max_processing_latency_ms")).toEqual({ "/a": 20 });
    await clock.advance(60_000);
    expect(values(set, "serve_deployment_max_processing_latency_ms")).toEqual({ "/a": 0 });
  });

  it("is utilization: time of requests by ten minutes of what may run at a time, at most 100", async () => {
    const { set, clock, ended, load } = setUp(2);
    for (let i = 0; i < 10; i++) ended("/a", undefined, 12_000);
    expect(values(set, "serve_replica_utilization_percent")).toEqual({ "": 10 });
    for (let i = 0; i < 200; i++) ended("/a", undefined, 12_000);
    expect(values(set, "serve_replica_utilization_percent")).toEqual({ "": 100 });
    await clock.advance(600_001);
    expect(values(set, "serve_replica_utilization_percent")).toEqual({ "": 0 });
    load.ongoing = 2;
    expect(values(set, "serve_replica_processing_queries")).toEqual({ "": 2 });
  });

  it("tells routes apart as long as they are few", () => {
    const { set, ended } = setUp();
    for (let i = 0; i < 500; i++) ended(`/${i}`, undefined, 1);
    const counted = values(set, "serve_deployment_request_counter");
    expect(Object.keys(counted)).toHaveLength(129);
    expect(counted["OTHER"]).toBe(500 - 128);
  });

  it.each([
    [new TypeError("x"), "TypeError"],
    [Object.assign(new Error("x"), { name: "Own.Error$2" }), "Own.Error$2"],
    [Object.assign(new Error("x"), { name: 'a"b\n' }), "Error"],
    [Object.assign(new Error("x"), { name: "x".repeat(65) }), "Error"],
    ["thrown text", "Error"],
    [undefined, "Error"],
  ])("names %s %s", (thrown, name) => expect(errorType(thrown)).toBe(name));
});

describe("a sliding window", () => {
  it("forgets what is older, also after a long pause and at its first value", () => {
    const window = slidingWindow(100, 10);
    expect(window.read(5)).toEqual({ sum: 0, max: 0 });
    window.take(7, 1_000_000);
    window.take(3, 1_000_050);
    expect(window.read(1_000_099)).toEqual({ sum: 10, max: 7 });
    expect(window.read(1_000_100)).toEqual({ sum: 3, max: 3 });
    expect(window.read(9_000_000)).toEqual({ sum: 0, max: 0 });
  });
});

describe("an event loop", () => {
  it("is measured each five seconds, and what was found is no news by itself", async () => {
    const set = new MetricSet();
    const clock = new VirtualClock(0);
    watchEventLoop(set, clock, { component: "replica", actorId: "r1", deployment: "D", application: "a" });
    const before = set.stamp();
    await clock.advance(20_000);
    expect(set.stamp()).toBe(before);
    expect(values(set, "serve_event_loop_monitoring_iterations")).toEqual({ "replica main r1 D a": 4 });
    const [latency] = set.families();
    expect(latency).toMatchObject({
      name: "serve_event_loop_scheduling_latency_ms",
      labelNames: ["component", "loop_type", "actor_id", "deployment", "application"],
      series: [{ value: 0, counts: [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }],
    });
  });
});
