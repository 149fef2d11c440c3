/** What a router tells the autoscaler, on virtual time. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { unpackSeries } from "../../src/core/series-table.ts";
import type { ChannelReceiver, ReplicaChannel } from "../../src/routing/channel.ts";
import { type LoadReport, LoadReporter } from "../../src/routing/load-reporter.ts";
import { Router, type RouterCall } from "../../src/routing/router.ts";
import { get, head, post } from "../support/scripted-router.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";

const DEFAULT = { sampleIntervalS: 6, pushIntervalS: 10, lookBackS: 30 };
const START_S = 1_700_000_000;

interface Given {
  /** By deployment: replicas, and how it is measured. */
  readonly [deployment: string]: { replicas?: string[]; sampling?: typeof DEFAULT | null; maxOngoing?: number };
}

function table(given: Given, routes: readonly string[] = Object.keys(given)): RoutingTable {
  const deployments = Object.entries(given).map(
    ([deployment, { replicas = [], sampling = DEFAULT, maxOngoing = 5 }]) => ({
      ...{ application: "app", deployment, maxOngoingRequests: maxOngoing, maxQueuedRequests: -1, unavailable: "" },
      replicas: replicas.map((id) => ({ id, address: id })),
      ...(sampling === null ? {} : { loadSampling: sampling }),
    }),
  );
  return {
    deployments,
    routes: routes.map((deployment) => ({ prefix: `/${deployment}`, application: "app", deployment })),
  } as unknown as RoutingTable;
}

function measured(fronts = true) {
  const clock = new VirtualClock(START_S * 1_000);
  const sent: { to: string; receiver: ChannelReceiver }[] = [];
  const channel: ReplicaChannel = {
    open(to, _request, receiver) {
      const entry = { to, receiver };
      sent.push(entry);
      return { resume() {}, upload() {}, cancel: () => void sent.splice(sent.indexOf(entry), 1) };
    },
    release() {},
    close: () => Promise.resolve(),
  };
  const reports: { atS: number; report: LoadReport }[] = [];
  const controller = { away: false, answers: undefined as Promise<void> | undefined };
  const load = new LoadReporter({
    load: () => router.load(),
    async send(report) {
      reports.push({ atS: (clock.now() - START_S * 1_000) / 1_000, report });
      await controller.answers;
      if (controller.away) throw new Error("away");
    },
    clock,
    fronts,
  });
  const router = new Router({ channel, clock, random: seededRandom(1), watcher: load });
  const apply = async (next: RoutingTable): Promise<void> => {
    router.apply(next);
    load.apply(next);
    await settle();
  };
  const send = (deployment: string, request = get): RouterCall =>
    router.send(router.target("app", deployment), request, {
      onHead() {},
      onData: () => true,
      onEnd() {},
      onFailed() {},
    });
  /** Each report as the time it was made, and what its deployments' series hold, in times from the start. */
  const said = (): [atS: number, content: Record<string, ReturnType<typeof pointsOf>>][] =>
    reports.map(({ atS, report }) => [
      atS,
      Object.fromEntries(report.deployments.map((each) => [each.deployment, pointsOf(each)])),
    ]);
  return { clock, sent, reports, controller, load, router, apply, send, said };
}

function pointsOf({ series }: LoadReport["deployments"][number]): Record<string, [atS: number, value: number][]> {
  return Object.fromEntries(
    [...unpackSeries(series)].map(([name, { timesS, values }]) => [
      name === "" ? "queued" : name,
      timesS.map((timeS, index) => [Math.round((timeS - START_S) * 1_000) / 1_000, values[index]!]),
    ]),
  );
}

describe("what routers report", () => {
  it("nothing runs while no deployment is scaled by load", async () => {
    const { clock, reports, apply, send } = measured();
    await apply(table({ d: { sampling: null }, e: { sampling: null, replicas: ["r"] } }));
    send("d");
    send("e");
    await clock.advance(60_000);
    expect(reports).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("samples every 6 s and reports every 10 s what is newer than 30 s, at first at once", async () => {
    const { clock, apply, send, said } = measured();
    await apply(table({ d: { replicas: ["r"] } }));
    send("d");
    await clock.advance(20_000);
    expect(said()).toEqual([
      [0, { d: { queued: [[0, 0]], r: [[0, 0]] } }],
      [
        10,
        {
          d: {
            queued: [
              [0, 0],
              [6, 0],
            ],
            r: [
              [0, 0],
              [6, 1],
            ],
          },
        },
      ],
      [
        20,
        {
          d: {
            queued: [
              [0, 0],
              [6, 0],
              [12, 0],
              [18, 0],
            ],
            r: [
              [0, 0],
              [6, 1],
              [12, 1],
              [18, 1],
            ],
          },
        },
      ],
    ]);
    await clock.advance(20_000);
    expect(said().at(-1)).toEqual([
      40,
      {
        d: {
          queued: [
            [12, 0],
            [18, 0],
            [24, 0],
            [30, 0],
            [36, 0],
          ],
          r: [
            [12, 1],
            [18, 1],
            [24, 1],
            [30, 1],
            [36, 1],
          ],
        },
      },
    ]);
  });

  it("counts what waits and what runs in each replica, and those of a replica that left until it has none", async () => {
    const { clock, apply, send, sent, said } = measured();
    await apply(table({ d: { replicas: ["r", "s"], maxOngoing: 2 } }));
    for (let i = 0; i < 7; i++) send("d", post);
    await clock.advance(6_000);
    await apply(table({ d: { replicas: ["s"], maxOngoing: 2 } }));
    await clock.advance(6_000);
    for (const { to, receiver } of sent.filter((entry) => entry.to === "r")) {
      expect(to).toBe("r");
      receiver.onAccepted(head());
      receiver.onEnd();
    }
    await clock.advance(8_000);
    expect(said().at(-1)).toEqual([
      20,
      {
        d: {
          queued: [
            [0, 0],
            [6, 3],
            [12, 3],
            [18, 3],
          ],
          r: [
            [0, 0],
            [6, 2],
            [12, 2],
          ],
          s: [
            [0, 0],
            [6, 2],
            [12, 2],
            [18, 2],
          ],
        },
      },
    ]);
  });

  it("deployments of one interval are in one report, those of another in their own", async () => {
    const { clock, apply, said } = measured();
    const slow = { sampleIntervalS: 6, pushIntervalS: 25, lookBackS: 30 };
    await apply(table({ a: {}, b: {}, c: { sampling: slow } }));
    await clock.advance(30_000);
    expect(said().map(([atS, content]) => [atS, Object.keys(content)])).toEqual([
      [0, ["a", "b", "c"]],
      [10, ["a", "b"]],
      [20, ["a", "b"]],
      [25, ["c"]],
      [30, ["a", "b"]],
    ]);
    expect(clock.pending).toBe(3);
    await apply(table({ a: { sampling: slow }, b: { sampling: null } }));
    expect(clock.pending).toBe(2);
    await apply(table({}));
    expect(clock.pending).toBe(0);
  });

  it("a handle is silent about deployments it never called, a proxy only about those without a route", async () => {
    const handle = measured(false);
    const given = { a: { replicas: ["r"] }, b: { replicas: ["s"] } };
    handle.send("a");
    await handle.apply(table(given));
    await handle.clock.advance(10_000);
    expect(handle.said().map(([, content]) => Object.keys(content))).toEqual([["a"], ["a"]]);
    handle.send("b");
    await settle();
    expect(handle.said().at(-1)).toEqual([10, { b: { queued: [[10, 0]], s: [[10, 0]] } }]);

    const proxy = measured(true);
    await proxy.apply(table(given, ["b"]));
    expect(proxy.said().map(([, content]) => Object.keys(content))).toEqual([["b"]]);
  });

  it("one report is under way at a time, what was due meanwhile follows, and each is later than the one before", async () => {
    const { clock, controller, load, reports, apply } = measured();
    const answer = Promise.withResolvers<void>();
    controller.answers = answer.promise;
    await apply(table({ d: {} }));
    await clock.advance(35_000);
    expect(reports).toHaveLength(1);
    controller.answers = undefined;
    answer.resolve();
    await settle();
    expect(reports.map(({ atS }) => atS)).toEqual([0, 35]);
    load.connected();
    await settle();
    load.connected();
    await settle();
    const stamps = reports.map(({ report }) => report.timestampS);
    expect(stamps).toHaveLength(4);
    expect(stamps).toEqual([...new Set(stamps)].sort((a, b) => a - b));
  });

  it("a report that got lost leaves nothing out of the next", async () => {
    const { clock, controller, apply, said } = measured();
    await apply(table({ d: {} }));
    controller.away = true;
    await clock.advance(10_000);
    controller.away = false;
    await clock.advance(10_000);
    expect(said().at(-1)).toEqual([
      20,
      {
        d: {
          queued: [
            [0, 0],
            [6, 0],
            [12, 0],
            [18, 0],
          ],
        },
      },
    ]);
  });

  it("what is too much for one message comes in several, each deployment once", async () => {
    const { clock, apply, reports } = measured();
    const sampling = { sampleIntervalS: 0.5, pushIntervalS: 30, lookBackS: 60 };
    const names = Array.from({ length: 400 }, (_, i) => `d${i}`);
    await apply(table(Object.fromEntries(names.map((name) => [name, { sampling }]))));
    expect(reports).toHaveLength(1);
    await clock.advance(30_000);
    const later = reports.slice(1).map(({ report }) => report.deployments.map(({ deployment }) => deployment));
    expect(later.map(({ length }) => length)).toEqual([164, 164, 72]);
    expect(later.flat()).toEqual(names);
  });

  it("a short interval with a long look-back keeps the newest 1000 samples", async () => {
    const { clock, apply, reports } = measured();
    await apply(table({ d: { sampling: { sampleIntervalS: 0.5, pushIntervalS: 600, lookBackS: 3_600 } } }));
    await clock.advance(600_000);
    const { timesS } = reports.at(-1)!.report.deployments[0]!.series;
    expect([timesS.length, timesS.at(-1)! - START_S]).toEqual([1_000, 599.5]);
  });
});

describe("requests that wait where no replica is", () => {
  it("are reported at once, one point and no idle time before it, and not again with each request", async () => {
    const { clock, apply, send, said, reports } = measured();
    await apply(table({ d: {} }));
    await clock.advance(7_500);
    expect(reports).toHaveLength(1);
    for (let i = 0; i < 100; i++) send("d");
    await settle();
    for (let i = 0; i < 100; i++) send("d");
    await settle();
    expect(said().slice(1)).toEqual([[7.5, { d: { queued: [[7.5, 1]] } }]]);
    await clock.advance(2_500);
    expect(said().slice(2)).toEqual([[10, { d: { queued: [[7.5, 1]] } }]]);
    await clock.advance(10_000);
    expect(said().slice(3)).toEqual([
      [
        20,
        {
          d: {
            queued: [
              [7.5, 1],
              [12, 200],
              [18, 200],
            ],
          },
        },
      ],
    ]);
  });

  it("are reported at once by a handle's first call, and by a router whose table came after them", async () => {
    const handle = measured(false);
    await handle.apply(table({ d: {} }));
    handle.send("d");
    await settle();
    expect(handle.said()).toEqual([[0, { d: { queued: [[0, 1]] } }]]);

    const early = measured(false);
    early.send("d");
    await early.apply(table({ d: {} }));
    expect(early.said()).toEqual([[0, { d: { queued: [[0, 1]] } }]]);
  });

  it("are told before what else is due", async () => {
    const { clock, controller, apply, send, reports } = measured();
    const sampling = { sampleIntervalS: 0.5, pushIntervalS: 30, lookBackS: 60 };
    const names = Array.from({ length: 400 }, (_, i) => `d${i}`);
    await apply(table(Object.fromEntries(names.map((name) => [name, { sampling }]))));
    const answer = Promise.withResolvers<void>();
    controller.answers = answer.promise;
    await clock.advance(30_000);
    send("d399");
    controller.answers = undefined;
    answer.resolve();
    await settle();
    expect(reports[2]!.report.deployments[0]!.deployment).toBe("d399");
    const later = reports.slice(1).flatMap(({ report }) => report.deployments.map(({ deployment }) => deployment));
    expect(later.sort()).toEqual(names.sort());
  });

  it("are reported again when the last replica goes, and after it came and went", async () => {
    const { apply, send, said, clock } = measured();
    await apply(table({ d: { replicas: ["r"], maxOngoing: 1 } }));
    send("d");
    send("d");
    await clock.advance(1_000);
    await apply(table({ d: {} }));
    expect(said().at(-1)).toEqual([
      1,
      {
        d: {
          queued: [[1, 1]],
          r: [
            [0, 0],
            [1, 1],
          ],
        },
      },
    ]);
    await apply(table({ d: { replicas: ["s"], maxOngoing: 1 } }));
    await clock.advance(1_000);
    await apply(table({ d: {} }));
    send("d");
    await settle();
    expect(said().at(-1)).toMatchObject([
      2,
      {
        d: {
          queued: [
            [1, 1],
            [2, 1],
          ],
        },
      },
    ]);
  });

  it("are reported again to a controller that was away, within half a second or when it is back", async () => {
    const { clock, controller, load, apply, send, said } = measured();
    await apply(table({ d: {} }));
    controller.away = true;
    send("d");
    for (let i = 0; i < 50; i++) send("d");
    await settle();
    for (let i = 0; i < 50; i++) send("d");
    await clock.advance(400);
    expect(said()).toHaveLength(2);
    await clock.advance(100);
    expect(said().map(([atS]) => atS)).toEqual([0, 0, 0.5]);
    controller.away = false;
    await clock.advance(300);
    load.connected();
    await settle();
    expect(said().at(-1)).toMatchObject([
      0.8,
      {
        d: {
          queued: [
            [0, 1],
            [0.5, 101],
            [0.8, 101],
          ],
        },
      },
    ]);
    const count = said().length;
    await clock.advance(5_000);
    expect(said()).toHaveLength(count);
  });

  it("are reported anew once the controller was told that none wait any more", async () => {
    const { clock, apply, send, said } = measured();
    await apply(table({ d: {} }));
    send("d").cancel();
    await clock.advance(11_000);
    expect(said().at(-1)).toEqual([
      10,
      {
        d: {
          queued: [
            [0, 1],
            [6, 0],
          ],
        },
      },
    ]);
    send("d");
    await settle();
    // The smallest value of a window says it, too.
    expect(said().at(-1)).toEqual([11, { d: { queued: [[11, 1]] } }]);
  });
});

describe("the counts", () => {
  it("are exactly what is under way, and exactly 0 at the end, whatever happens to requests", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = seededRandom(seed);
        const { router, sent, apply, send } = measured();
        const calls: RouterCall[] = [];
        let replicas = ["r0"];
        await apply(table({ d: { replicas, maxOngoing: 2 } }));
        const finish = (): void => {
          const { receiver } = sent.splice(Math.floor(random.next() * sent.length), 1)[0]!;
          const dice = random.next();
          if (dice < 0.2) receiver.onFailed({ kind: "rejected", ongoing: 2 });
          else if (dice < 0.3) receiver.onFailed({ kind: "unreachable", gone: random.next() < 0.5, error: "gone" });
          else if (dice < 0.4) receiver.onFailed({ kind: "broken", responseStarted: false, error: "cut" });
          else {
            receiver.onAccepted(head());
            receiver.onEnd();
          }
        };
        for (let step = 0; step < 60; step++) {
          const dice = random.next();
          if (dice < 0.4) calls.push(send("d", random.next() < 0.5 ? get : post));
          else if (dice < 0.5 && calls.length > 0) calls[Math.floor(random.next() * calls.length)]!.cancel();
          else if (dice < 0.65) {
            replicas = ["r0", "r1", "r2"].filter(() => random.next() < 0.6);
            router.apply(table({ d: { replicas, maxOngoing: 2 } }));
          } else if (sent.length > 0) finish();
          const [target] = [...router.load()];
          const running = [...target!.running().values()];
          expect(running.reduce((sum, own) => sum + own, 0)).toBe(target!.ongoing);
          expect(Math.min(0, target!.queued, ...running)).toBe(0);
        }
        for (const call of calls) call.cancel();
        const [target] = [...router.load()];
        expect([target!.queued, target!.ongoing, Math.max(0, ...target!.running().values())]).toEqual([0, 0, 0]);
        expect([...target!.running().keys()].sort()).toEqual([...replicas].sort());
      }),
      { numRuns: 60 },
    );
  });
});
