/** A user's own metrics: called, checked and told at intervals. */
import { describe, expect, it } from "vitest";
import { unpackSeries } from "../../src/core/series-table.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { LoadReport, type Sampling } from "../../src/replica/load-report.ts";
import { startReady, until } from "../support/replica-process.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const DEFAULT: Sampling = { sampleIntervalS: 6, pushIntervalS: 10, lookBackS: 30 };
const START_S = 1_700_000_000;

function reporting(record: () => unknown) {
  const clock = new VirtualClock(START_S * 1_000);
  const logged: string[] = [];
  const reports: [atS: number, content: unknown][] = [];
  const logger = createLogger({ clock, write: (line) => void logged.push(line) });
  /** When it was told how calls went, how long the last took, and how many failed by the name of the error. */
  const calls: [atS: number, latencyMs: number, failures: object][] = [];
  const onReport = (): void => {
    const { timestampS, series, calls: told } = load.latest!;
    if (series !== undefined) reports.push(read());
    const failures = Object.fromEntries(told.failures.map(({ exceptionName, count }) => [exceptionName, count]));
    calls.push([timestampS - START_S, told.latencyMs, failures]);
  };
  const load = new LoadReport({ clock, logger, record, baseDir: "/", onReport });
  const read = (): [number, unknown] => [
    load.latest!.timestampS - START_S,
    Object.fromEntries(
      [...unpackSeries(load.latest!.series!)].map(([name, { timesS, values }]) => [
        name,
        timesS.map((timeS, index) => [timeS - START_S, values[index]]),
      ]),
    ),
  ];
  return { clock, load, logged, reports, calls };
}

describe("recordAutoscalingStats", () => {
  it("is called every 6 s and told every 10 s, at first at once", async () => {
    let calls = 0;
    const { clock, load, reports, logged } = reporting(() => ({ depth: calls++, temperature: 36.6 }));
    load.configure(DEFAULT);
    await clock.advance(10_000);
    expect(reports).toEqual([
      [0, { depth: [[0, 0]], temperature: [[0, 36.6]] }],
      [
        10,
        {
          depth: [
            [0, 0],
            [6, 1],
          ],
          temperature: [
            [0, 36.6],
            [6, 36.6],
          ],
        },
      ],
    ]);
    await clock.advance(30_000);
    expect(reports.at(-1)).toEqual([
      40,
      expect.objectContaining({
        depth: [
          [12, 2],
          [18, 3],
          [24, 4],
          [30, 5],
          [36, 6],
        ],
      }),
    ]);
    expect(logged).toEqual([]);
  });

  it("follows other intervals, and rests while nothing scales by load or once the replica drains", async () => {
    let calls = 0;
    const { clock, load, reports } = reporting(() => ({ n: calls++ }));
    load.configure(undefined);
    await clock.advance(60_000);
    expect([calls, clock.pending]).toEqual([0, 0]);
    load.configure({ ...DEFAULT, sampleIntervalS: 1, pushIntervalS: 2 });
    await clock.advance(4_500);
    expect([calls, reports.map(([atS]) => atS - 60)]).toEqual([5, [0, 2, 4]]);
    load.configure({ ...DEFAULT, sampleIntervalS: 1, pushIntervalS: 2 });
    await clock.advance(500);
    expect(calls).toBe(6);
    load.configure(undefined);
    expect([clock.pending, load.latest]).toEqual([0, undefined]);
    load.configure(DEFAULT);
    await clock.advance(0);
    expect(calls).toBe(7);
    load.stop();
    load.configure(DEFAULT);
    await clock.advance(60_000);
    expect([calls, clock.pending]).toEqual([7, 0]);
  });

  it("that fails or takes longer than 10 s leaves samples out, which is logged once until it works again", async () => {
    const results: (() => unknown)[] = [
      () => ({ n: 1 }),
      () => {
        throw new Error("no gpu");
      },
      () => Promise.reject(new Error("still no gpu")),
      () => new Promise(() => {}),
      () => ({ n: 2 }),
      () => {
        throw new Error("gone again");
      },
    ];
    const { clock, load, reports, logged, calls } = reporting(() => results.shift()!());
    load.configure({ ...DEFAULT, lookBackS: 100 });
    await clock.advance(45_000);
    expect(calls.slice(0, 5)).toEqual([
      [0, 0, {}],
      [10, 0, { Error: 1 }],
      [20, 0, { Error: 2 }],
      [30, 10_000, { Error: 2, TimeoutError: 1 }],
      [40, 0, { Error: 2, TimeoutError: 1 }],
    ]);
    // The third one that failed took 10 s before the next 6 s began.
    expect(reports.at(-1)).toEqual([
      40,
      {
        n: [
          [0, 1],
          [34, 2],
        ],
      },
    ]);
    expect(logged).toHaveLength(2);
    expect(logged[0]).toMatch(/warn recordAutoscalingStats failed; this sample is left out .*no gpu/);
    expect(logged[1]).toContain("gone again");
  });

  it("that never works tells so, and of no metrics", async () => {
    class GpuError extends Error {
      override readonly name = "GpuError";
    }
    const thrown: unknown[] = [new GpuError("none"), "text", Object.assign(new Error("x"), { name: "not a name" })];
    const { clock, load, reports, calls } = reporting(async () => {
      await clock.sleep(250);
      throw thrown.shift();
    });
    load.configure(DEFAULT);
    await clock.advance(20_500);
    expect(reports).toEqual([]);
    expect(load.latest!.series).toBeUndefined();
    expect(calls).toEqual([
      [10, 250, { GpuError: 1, Error: 1 }],
      [20, 250, { GpuError: 1, Error: 3 }],
    ]);
    load.stop();
  });

  it("tells a bounded number of errors apart", async () => {
    let n = 0;
    const { clock, load, calls } = reporting(() => {
      throw Object.assign(new Error("x"), { name: `E${n++}` });
    });
    load.configure({ ...DEFAULT, sampleIntervalS: 0.1 });
    await clock.advance(10_000);
    const failures = calls.at(-1)![2] as Record<string, number>;
    expect(Object.keys(failures)).toHaveLength(17);
    expect(Object.values(failures).reduce((sum, count) => sum + count)).toBe(n - 1);
    load.stop();
  });

  it.each([
    ["nothing", undefined, "it returned undefined"],
    ["null", null, "it returned null"],
    ["an array", [1], "it returned an array"],
    ["a string for a number", { n: 1, s: "2" }, '\\"s\\" is string'],
    ["what is no finite number", { n: Number.NaN }, '\\"n\\" is NaN'],
  ])("whose first result is %s is not called again", async (_, result, reason) => {
    let called = 0;
    const { clock, load, reports, logged, calls } = reporting(() => {
      called += 1;
      return result;
    });
    load.configure(DEFAULT);
    await clock.advance(60_000);
    load.configure({ ...DEFAULT, sampleIntervalS: 1 });
    await clock.advance(60_000);
    expect([called, reports, clock.pending, logged.length]).toEqual([1, [], 0, 1]);
    expect(calls).toEqual([[0, 0, { TypeError: 1 }]]);
    expect(logged[0]).toContain(reason);
  });

  it("may return a wrong value later: that one is left out, the others count", async () => {
    const results = [
      { a: 1, b: 1 },
      { a: "x", b: 2 },
      { a: 3, b: 3 },
    ];
    const { clock, load, reports, logged } = reporting(() => results.shift() ?? {});
    load.configure(DEFAULT);
    await clock.advance(20_000);
    expect(reports.at(-1)).toEqual([
      20,
      {
        a: [
          [0, 1],
          [12, 3],
        ],
        b: [
          [0, 1],
          [6, 2],
          [12, 3],
        ],
      },
    ]);
    expect(logged).toHaveLength(1);
  });
});

describe("a replica process", () => {
  it("tells whoever is attached what recordAutoscalingStats returns, each report once", async () => {
    const source = `import { deployment } from "windlass";
      class App {
        #calls = 0;
        async recordAutoscalingStats() { return { calls: ++this.#calls, fixed: 2.5 }; }
        fetch() { return new Response("ok"); }
      }
      export const app = deployment(App).bind();`;
    const running = await startReady({
      source,
      loadSampling: { sampleIntervalS: 0.1, pushIntervalS: 0.2, lookBackS: 60 },
    });
    const loads = await until(() => {
      const all = running.statuses.flatMap(({ load }) => load ?? []);
      return all.length >= 3 && all;
    });
    const stamps = loads.map(({ timestampS }) => timestampS);
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
    const series = unpackSeries(loads.at(-1)!.series!);
    expect([...series.keys()]).toEqual(["calls", "fixed"]);
    expect(series.get("calls")!.values.slice(0, 3)).toEqual([1, 2, 3]);
    expect(Math.abs(series.get("calls")!.timesS[0]! - Date.now() / 1_000)).toBeLessThan(60);
    await running.client.reconfigure({ settings: { version: "2", maxOngoingRequests: 5 } });
    const status = await running.status(({ settingsVersion }) => settingsVersion === "2");
    expect(status.load).toBeUndefined();
  });
});
