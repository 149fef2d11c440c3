/** What the controller keeps of reports of load, on virtual time. */
import { describe, expect, it } from "vitest";
import { loadOf, totalsOf } from "../../src/autoscaling/load.ts";
import type { RoutingTableData } from "../../src/controller/controller.ts";
import { LoadIngest } from "../../src/controller/load-ingest.ts";
import { RouteHub } from "../../src/controller/route-hub.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";

const START_S = 1_700_000_000;

/** A routing table with these deployments of "app", reported every so many seconds; null: not scaled by load. */
function table(intervals: Readonly<Record<string, number | null>>): RoutingTableData {
  return {
    routes: [],
    requestTimeoutS: null,
    deployments: Object.entries(intervals).map(([deployment, pushIntervalS]) => ({
      ...{ application: "app", deployment, replicas: [], maxOngoingRequests: 5, maxQueuedRequests: -1 },
      ...{ backpressureStatusCode: 503, backpressureRetryAfterS: null, unavailable: "" },
      ...(pushIntervalS === null ? {} : { loadSampling: { sampleIntervalS: 6, pushIntervalS, lookBackS: 30 } }),
    })),
  };
}

function ingest(intervals: Readonly<Record<string, number | null>> = { d: 10 }) {
  const clock = new VirtualClock(START_S * 1_000);
  const load = new LoadIngest(clock);
  const changes: string[] = [];
  load.onChange((application, deployment) => void changes.push(`${application}/${deployment}`));
  load.follow(table(intervals));
  const report = (
    routerId: string,
    counts: Readonly<Record<string, number>>,
    { deployment = "d", atS = clock.now() / 1_000 } = {},
  ): void => {
    const series = new Map(Object.entries(counts).map(([name, value]) => [name, { timesS: [atS], values: [value] }]));
    load.routerReported({ routerId, timestampS: atS, deployments: [{ application: "app", deployment, series }] });
  };
  const handles = (deployment = "d") => [...load.reports("app", deployment)!.handles.keys()];
  return { clock, load, changes, report, handles };
}

describe("reports of load", () => {
  it("come to the totals that the autoscaling core computes: what waits and what runs, over all routers", () => {
    const { load, report, changes } = ingest();
    report("proxy/0", { "": 3, r1: 2, r2: 1 });
    report("proxy/1", { "": 0, r1: 1, r2: 0 });
    report("replica/x", { r2: 4, gone: 9 });
    const reports = load.reports("app", "d")!;
    const whole = loadOf(reports, ["r1", "r2"], "mean");
    expect(whole.source).toMatchObject({ runningFrom: "handles", series: 7 });
    expect(totalsOf(whole, reports, "mean", START_S + 5)).toEqual({ total: 11, queued: 3, running: 8 });
    expect(reports.handles.get("replica/x")!.report).toMatchObject({
      owner: { kind: "replica", id: "replica/x" },
      queued: { timesS: [], values: [] },
    });
    expect(changes).toEqual(["app/d", "app/d", "app/d"]);
  });

  it("on deployments that are unknown or not scaled by load are passed over", () => {
    const { clock, load, report, changes } = ingest({ d: 10, fixed: null });
    report("proxy/0", { "": 3 }, { deployment: "fixed" });
    report("proxy/0", { "": 3 }, { deployment: "other" });
    load.replicaReported({ application: "app", deployment: "fixed", id: "r", timestampS: 1, metrics: new Map() });
    load.replicaGone("app", "other", "r");
    expect([load.reports("app", "fixed"), load.reports("app", "other"), changes]).toEqual([undefined, undefined, []]);
    expect(clock.pending).toBe(0);
  });

  it("that are not newer change nothing and keep no router alive", async () => {
    const { clock, report, handles, changes } = ingest();
    report("proxy/0", { "": 1 });
    await clock.advance(15_000);
    report("proxy/0", { "": 2 }, { atS: START_S });
    expect(changes).toHaveLength(1);
    await clock.advance(5_000);
    expect(handles()).toEqual([]);
    report("proxy/0", { "": 3 }, { atS: START_S - 60 });
    expect(handles()).toEqual(["proxy/0"]);
  });

  it.each([
    [10, 20],
    [3, 10],
    [0.1, 10],
    [60, 120],
  ])("told every %d s are dropped after %d s of silence, to the millisecond", async (intervalS, timeoutS) => {
    const { clock, report, handles, changes } = ingest({ d: intervalS });
    report("proxy/0", { "": 1 });
    await clock.advance(2_000);
    report("proxy/1", { "": 1 });
    await clock.advance(timeoutS * 1_000 - 2_001);
    expect(handles()).toEqual(["proxy/0", "proxy/1"]);
    await clock.advance(1);
    expect(handles()).toEqual(["proxy/1"]);
    await clock.advance(2_000);
    expect([handles(), changes.length, clock.pending]).toEqual([[], 4, 0]);
  });

  it("are dropped sooner when the interval gets shorter, and outlive tables that change nothing for them", async () => {
    const { clock, load, report, handles } = ingest({ d: 60 });
    report("proxy/0", { "": 1 });
    load.follow(table({ d: 60, more: 10 }));
    await clock.advance(30_000);
    expect(handles()).toEqual(["proxy/0"]);
    load.follow(table({ d: 10 }));
    await clock.advance(0);
    expect(handles()).toEqual([]);
  });

  it("go with their deployment, and a new one of that name begins without any", () => {
    const { load, report, handles } = ingest();
    report("proxy/0", { "": 1 });
    load.follow(table({ d: null }));
    expect(load.reports("app", "d")).toBeUndefined();
    load.follow(table({ d: 10 }));
    expect(handles()).toEqual([]);
  });

  it("of replicas never grow old, and go when the replica stops", async () => {
    const { clock, load, changes } = ingest();
    const tell = (timestampS: number, value: number) =>
      load.replicaReported({
        ...{ application: "app", deployment: "d", id: "r", timestampS },
        metrics: new Map([["gpu", { timesS: [timestampS], values: [value] }]]),
      });
    tell(START_S, 1);
    tell(START_S, 2);
    await clock.advance(86_400_000);
    expect(load.reports("app", "d")!.replicas.get("r")!.metrics.get("gpu")!.values).toEqual([1]);
    load.replicaGone("app", "d", "r");
    load.replicaGone("app", "d", "r");
    expect([load.reports("app", "d")!.replicas.size, changes.length]).toEqual([0, 2]);
  });
});

describe("calls of recordAutoscalingStats", () => {
  it("are counted over replicas, those that are gone among them, and each once however often it is told", () => {
    const { load, changes } = ingest();
    const tell = (id: string, latencyMs: number, failures: Record<string, number>) => {
      const calls = { latencyMs, failures: new Map(Object.entries(failures)) };
      load.replicaReported({ application: "app", deployment: "d", id, timestampS: START_S, metrics: null, calls });
    };
    expect(load.delays("app", "d").calls).toBeUndefined();
    tell("r", 3, { TypeError: 2 });
    tell("r", 4, { TypeError: 3, GpuError: 1 });
    tell("r", 4, { TypeError: 3, GpuError: 1 });
    tell("s", 5, { TypeError: 1 });
    load.replicaGone("app", "d", "r");
    tell("t", 6, {});
    expect(load.delays("app", "d").calls).toMatchObject({
      latencyMs: 6,
      failures: new Map([
        ["TypeError", 4],
        ["GpuError", 1],
      ]),
    });
    expect(load.reports("app", "d")!.replicas.size).toBe(0);
    expect(changes).toEqual([]);
  });
});

describe("a replica that stopped", () => {
  it("takes the counts of its handles with it, also those that an earlier controller had heard of", () => {
    const { load, changes, report, handles } = ingest({ d: 10, back: 10 });
    report("replica/r", { "": 1, b: 2 }, { deployment: "back" });
    report("replica/s", { "": 0, b: 1 }, { deployment: "back" });
    const restored = new LoadIngest(new VirtualClock());
    restored.follow(table({ d: 10, back: 10 }));
    restored.restore("app", "back", load.reports("app", "back")!);
    for (const each of [load, restored]) {
      each.replicaGone("app", "d", "r");
      expect([...each.reports("app", "back")!.handles.keys()]).toEqual(["replica/s"]);
    }
    expect(handles("d")).toEqual([]);
    expect(changes).toEqual(["app/back", "app/back", "app/back"]);
  });
});

describe("a router that goes away", () => {
  const joined = (hub: RouteHub, routerId: string) => {
    const end = new AbortController();
    const stream = hub.watch(routerId, end.signal);
    void (async () => {
      for await (const _ of stream) await settle();
    })();
    return () => end.abort();
  };

  it("is forgotten a moment after its stream ended, on every deployment", async () => {
    const clock = new VirtualClock(START_S * 1_000);
    const hub = new RouteHub(clock);
    hub.publish(1, table({ d: 10, e: 10 }));
    const leave = joined(hub, "proxy/0");
    joined(hub, "proxy/1");
    for (const routerId of ["proxy/0", "proxy/1"]) {
      const deployments = ["d", "e"].map((deployment) => ({
        ...{ application: "app", deployment },
        series: new Map([["", { timesS: [START_S], values: [1] }]]),
      }));
      hub.reportLoad({ routerId, timestampS: START_S, deployments });
    }
    const known = () => ["d", "e"].map((deployment) => [...hub.load.reports("app", deployment)!.handles.keys()]);
    await settle();
    leave();
    await clock.advance(99);
    expect(known()).toEqual([
      ["proxy/0", "proxy/1"],
      ["proxy/0", "proxy/1"],
    ]);
    await clock.advance(1);
    expect(known()).toEqual([["proxy/1"], ["proxy/1"]]);
  });

  it("keeps its counts when it is back at once", async () => {
    const clock = new VirtualClock(START_S * 1_000);
    const hub = new RouteHub(clock);
    hub.publish(1, table({ d: 10 }));
    const leave = joined(hub, "proxy/0");
    const series = new Map([["", { timesS: [START_S], values: [1] }]]);
    hub.reportLoad({
      routerId: "proxy/0",
      timestampS: START_S,
      deployments: [{ application: "app", deployment: "d", series }],
    });
    await settle();
    leave();
    await clock.advance(50);
    joined(hub, "proxy/0");
    await clock.advance(1_000);
    expect([...hub.load.reports("app", "d")!.handles.keys()]).toEqual(["proxy/0"]);
  });
});
