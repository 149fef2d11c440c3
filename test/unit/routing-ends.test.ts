/** Whatever happens, in whatever order: every request ends, and nothing of it is left in what routers count. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, expect, it } from "vitest";
import type { RouterRequest } from "../../src/routing/router.ts";
import { get, head, post, scriptedRouter } from "../support/scripted-router.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { tempDir } from "../support/temp-dir.ts";

const STEPS = 400;
const SEEDS = 30;
const ROUTERS = [
  { router: "", kwargs: {} },
  { router: "windlass:round-robin", kwargs: {} },
  { router: "windlass:consistent-hash", kwargs: { num_fallback_replicas: 1 } },
  { router: "windlass:prefix-affinity", kwargs: {} },
  { router: "./r.ts:Router", kwargs: {} },
];
const bundlePath = join(tempDir(afterAll), "router.mjs");
writeFileSync(
  bundlePath,
  `export class Router {
    chooseReplicas(candidates, { path }) {
      const kind = path.length % 3;
      return kind === 0 ? [candidates.slice(0, 1), candidates] : kind === 1 ? Promise.resolve([candidates]) : [candidates.slice(-1)];
    }
  }`,
);
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function scene({ router, kwargs }: (typeof ROUTERS)[number], seed: number) {
  const random = seededRandom(seed + 1_000);
  const below = (count: number): number => Math.floor(random.next() * count);
  const t = scriptedRouter(seededRandom(seed));
  type Sent = (typeof t.sent)[number];
  const outcomes: ReturnType<typeof t.send>[] = [];
  const over = new Set<Sent>();
  const began = new Set<Sent>();
  const entered = new Set<Sent>();
  const requestRouting = {
    ...{ router, kwargsJson: JSON.stringify(kwargs), bundlePath: router.startsWith(".") ? bundlePath : "" },
    ...{ exportName: "Router", initialBackoffS: 0.025, backoffMultiplier: 2, maxBackoffS: 0.5 },
  };
  const apply = (count: number, from: number): void =>
    t.apply(
      Array.from({ length: count }, (_, index) => `r${from + index}`),
      { maxOngoingRequests: 1 + below(3), maxQueuedRequests: below(2) ? -1 : 5, requestRouting },
    );
  const request = (): RouterRequest => {
    const bodies = [
      get,
      { ...post, body: Buffer.from(JSON.stringify({ prompt: "ab".repeat(below(60)) })) },
      { ...post, body: Readable.from([Buffer.from("x")]) },
      { ...post, kind: "grpc" as const },
    ];
    const model = below(4) ? [] : ["serve_multiplexed_model_id", `m${below(2)}`];
    return {
      ...bodies[below(bodies.length)]!,
      path: `/${"x".repeat(below(6))}`,
      headers: ["x-session-id", `s${below(5)}`, "content-type", "application/json", ...model],
      priority: below(19) - 9,
      ...(below(4) ? {} : { deadlineMs: below(2_000) }),
    };
  };
  const end = (sent: Sent): void => {
    over.add(sent);
    sent.onEnd();
  };
  const answer = (sent: Sent): void => {
    began.add(sent);
    const reserves = sent.request.kind === "reserve";
    sent.onAccepted(head({ ongoing: below(4) - 1, ...(reserves ? { status: 204, reservation: "held" } : {}) }));
    if (reserves) end(sent);
  };
  const fail = (sent: Sent, failure: Parameters<Sent["onFailed"]>[0]): void => {
    over.add(sent);
    sent.onFailed(failure);
  };
  const open = (): Sent[] => t.sent.filter((sent) => !over.has(sent) && !sent.cancelled);
  /** Something happens to one that was sent, of what can happen to it. */
  const goOn = (sent: Sent): void => {
    const fresh = !began.has(sent) && !entered.has(sent);
    const what = below(10);
    if (what === 0) fail(sent, { kind: "broken", responseStarted: began.has(sent), error: "broken" });
    else if (fresh && what === 1) fail(sent, { kind: "unreachable", gone: below(2) === 0, error: "away" });
    else if (fresh && what <= 3) fail(sent, { kind: "rejected", ongoing: below(4) });
    else if (fresh && what <= 6 && sent.request.kind !== "reserve") {
      entered.add(sent);
      sent.onEntered!(below(3) === 0, 1 + below(3));
    } else if (began.has(sent)) end(sent);
    else answer(sent);
  };
  const unfinished = () => outcomes.filter(({ state }) => state === "waiting" || state === "head");
  return {
    ...t,
    unfinished,
    apply,
    step(): void {
      const what = below(14);
      const sent = open();
      const waiting = unfinished();
      if (what < 4) outcomes.push(t.send(request()));
      else if (what < 11 && sent.length > 0) goOn(sent[below(sent.length)]!);
      else if (what === 11 && waiting.length > 0) {
        const one = waiting[below(waiting.length)]!;
        one.cancel();
        one.state = "failed";
      } else if (what === 12) t.pass(below(3) ? below(60) : below(12_000));
      else if (what === 13 && below(4) === 0) apply(1 + below(4), below(3));
    },
    async finish(): Promise<void> {
      for (let i = 0; i < 3_000 && unfinished().length > 0; i++) {
        const [sent] = open();
        if (sent === undefined) {
          t.pass(50);
          await nextTurn();
        } else if (began.has(sent)) end(sent);
        else answer(sent);
      }
    },
  };
}

it.each(ROUTERS)("with the router '$router'", async (router) => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const t = scene(router, seed);
    t.apply(3, 0);
    for (let i = 0; i < STEPS; i++) {
      t.step();
      // Its answers come later.
      if (router.router.startsWith(".")) await nextTurn();
    }
    // Of a router whose answers come later fewer have come: how many turns they take is Node's.
    expect(t.sent.length).toBeGreaterThan(router.router.startsWith(".") ? 5 : 20);
    t.apply(3, 20);
    await t.finish();
    expect([seed, t.unfinished()]).toEqual([seed, []]);
    const { queued, ongoing, reserved } = t.target;
    const running = [...t.target.running().values()].filter((count) => count !== 0);
    expect([seed, queued, ongoing, reserved, running]).toEqual([seed, 0, 0, 0, []]);
    t.pass(30_000);
    expect([seed, t.timers()]).toEqual([seed, 0]);
  }
});
