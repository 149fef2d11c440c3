import { describe, expect, it } from "vitest";
import { loadOf, NO_LOAD, replicaMetrics, totalsOf } from "../../src/autoscaling/load.ts";
import {
  acceptHandleReport,
  acceptReplicaReport,
  dropStaleHandles,
  emptyReports,
  forgetReplica,
  type HandleReport,
  nextStaleAtMonoS,
  type Reports,
  RUNNING_REQUESTS,
  restoreReports,
  saveReports,
} from "../../src/autoscaling/reports.ts";
import { EMPTY_SERIES, type Series, seriesOf } from "../../src/autoscaling/series.ts";

const level = (value: number): Series => seriesOf([[100, value]]);

function handle(name: string, timestampS: number, queued: number, running: Record<string, number> = {}): HandleReport {
  return {
    handle: name,
    owner: { kind: "proxy", id: `${name}-owner` },
    timestampS,
    queued: level(queued),
    running: new Map(Object.entries(running).map(([replica, value]) => [replica, level(value)])),
  };
}

function withReports(...handles: HandleReport[]): Reports {
  const reports = emptyReports();
  for (const each of handles) acceptHandleReport(reports, each, 50);
  return reports;
}

describe("which reports are kept", () => {
  it("a handle's report that is not newer changes nothing and does not prolong its life", () => {
    const reports = withReports(handle("h", 10, 1));
    expect(acceptHandleReport(reports, handle("h", 10, 2), 60)).toBe(false);
    expect(acceptHandleReport(reports, handle("h", 9, 2), 60)).toBe(false);
    expect(nextStaleAtMonoS(reports, 20)).toBe(70);
    expect(acceptHandleReport(reports, handle("h", 10.001, 2), 60)).toBe(true);
    expect(nextStaleAtMonoS(reports, 20)).toBe(80);
  });

  it("a replica's report stays until a newer one comes or the replica is forgotten", () => {
    const reports = emptyReports();
    const report = (timestampS: number) => ({ replica: "r", timestampS, metrics: new Map([["x", level(timestampS)]]) });
    expect([5, 5, 4, 6].map((timestampS) => acceptReplicaReport(reports, report(timestampS)))).toEqual([
      true,
      false,
      false,
      true,
    ]);
    dropStaleHandles(reports, new Set(), 10, 1e9);
    expect(reports.replicas.get("r")?.timestampS).toBe(6);
    forgetReplica(reports, "r");
    expect(reports.replicas.size).toBe(0);
  });

  it.each([
    { name: "a silent handle goes", owner: { kind: "other", id: null }, monoS: 70, stays: false },
    { name: "a handle is kept until its time is over", owner: { kind: "other", id: null }, monoS: 69.999, stays: true },
    { name: "a handle whose proxy died goes at once", owner: { kind: "proxy", id: "dead" }, monoS: 51, stays: false },
    {
      name: "a handle whose replica died goes at once",
      owner: { kind: "replica", id: "dead" },
      monoS: 51,
      stays: false,
    },
    { name: "a handle whose proxy lives stays", owner: { kind: "proxy", id: "alive" }, monoS: 51, stays: true },
    { name: "a handle whose owner is unknown stays", owner: { kind: "replica", id: null }, monoS: 51, stays: true },
    { name: "a handle elsewhere is not looked for", owner: { kind: "other", id: "dead" }, monoS: 51, stays: true },
  ] as const)("$name", ({ owner, monoS, stays }) => {
    const reports = withReports({ ...handle("h", 10, 1), owner });
    expect(dropStaleHandles(reports, new Set(["alive"]), 20, monoS)).toBe(!stays);
    expect(reports.handles.has("h")).toBe(stays);
    // Its order went with it.
    expect(acceptHandleReport(reports, handle("h", 3, 1), monoS)).toBe(!stays);
  });

  it("nothing becomes stale when there are no handles", () => {
    expect(nextStaleAtMonoS(emptyReports(), 20)).toBe(Number.POSITIVE_INFINITY);
  });

  it("survive a restart as JSON, with the time away counted as silence", () => {
    const reports = withReports(handle("h", 10, 3, { r: 2 }));
    acceptReplicaReport(reports, { replica: "r", timestampS: 9, metrics: new Map([["gpu", level(0.5)]]) });
    const saved = JSON.parse(JSON.stringify(saveReports(reports, 1_000, 55)));
    const restored = restoreReports(saved, 1_004, 7);
    expect(restored.handles.get("h")?.report).toEqual(reports.handles.get("h")?.report);
    expect(restored.replicas).toEqual(reports.replicas);
    // 5 s of silence before, 4 s away: 11 of 20 s are left.
    expect(nextStaleAtMonoS(restored, 20)).toBe(7 + 11);
    expect(totalsOf(loadOf(restored, [], "mean"), restored, "mean", 101)).toEqual({ total: 3, queued: 3, running: 0 });
  });

  it("a clock that went back during the restart makes nothing younger", () => {
    const saved = saveReports(withReports(handle("h", 10, 3)), 1_000, 55);
    expect(nextStaleAtMonoS(restoreReports(saved, 900, 7), 20)).toBe(7 + 15);
  });
});

describe("what the reports come to", () => {
  const handles = [handle("a", 98, 1, { r1: 2, r2: 3 }), handle("b", 99, 4, { r1: 5, gone: 7 })];

  it("sums queued requests and what the handles have running on replicas that run", () => {
    const reports = withReports(...handles);
    const load = loadOf(reports, ["r1", "r2"], "mean");
    expect(load.source).toEqual({ runningFrom: "handles", series: 5, oldestS: 98, newestS: 99 });
    expect(totalsOf(load, reports, "mean", 101)).toEqual({ total: 15, queued: 5, running: 10 });
  });

  it("one replica that counts itself silences what the handles say of all", () => {
    const reports = withReports(...handles);
    acceptReplicaReport(reports, { replica: "r2", timestampS: 97, metrics: new Map([[RUNNING_REQUESTS, level(6)]]) });
    const load = loadOf(reports, ["r1", "r2"], "mean");
    expect(load.source).toEqual({ runningFrom: "replicas", series: 3, oldestS: 97, newestS: 99 });
    expect(totalsOf(load, reports, "mean", 101)).toEqual({ total: 11, queued: 5, running: 6 });
  });

  it.each([
    { name: "a replica that no longer runs silences nobody", running: ["r1"], counts: level(6) },
    { name: "a replica that has counted nothing yet silences nobody", running: ["r1", "r2"], counts: EMPTY_SERIES },
  ])("$name", ({ running, counts }) => {
    const reports = withReports(handle("a", 98, 0, { r1: 2 }));
    acceptReplicaReport(reports, { replica: "r2", timestampS: 97, metrics: new Map([[RUNNING_REQUESTS, counts]]) });
    const load = loadOf(reports, running, "mean");
    expect(load.source.runningFrom).toBe("handles");
    expect(totalsOf(load, reports, "mean", 101).total).toBe(2);
  });

  it("running requests are never negative", () => {
    const reports = withReports({
      ...handle("a", 98, 0, { r1: 0 }),
      queued: seriesOf([
        [90, 8],
        [99, 0],
      ]),
    });
    const load = loadOf(reports, ["r1"], "max");
    expect(totalsOf(load, reports, "max", 101)).toMatchObject({ running: 0 });
  });

  it("without reports there is no load", () => {
    expect(loadOf(emptyReports(), ["r"], "mean")).toBe(NO_LOAD);
    expect(loadOf(withReports({ ...handle("a", 1, 0), queued: EMPTY_SERIES }), ["r"], "max")).toBe(NO_LOAD);
  });

  it("metrics of users keep any name, per replica that runs", () => {
    const reports = emptyReports();
    for (const [replica, value] of [
      ["r1", 1],
      ["r2", 2],
      ["gone", 3],
    ] as const) {
      acceptReplicaReport(reports, { replica, timestampS: 1, metrics: new Map([["__proto__", level(value)]]) });
    }
    const { aggregated, raw } = replicaMetrics(reports, ["r1", "r2"], "mean", 101);
    expect(JSON.stringify(aggregated)).toBe('{"__proto__":{"r1":1,"r2":2}}');
    expect(Object.entries(raw)[0]?.[1]["r2"]).toEqual(level(2));
  });
});
