/** Order of waiting requests by priority, with ageing, at routers and at replicas. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InLine, Lines } from "../../src/routing/lines.ts";
import { grantedPriority, PRIORITY_STEP_MS, parsePriority, rankOf } from "../../src/routing/priority.ts";
import type { RefusalReason, RouterEvents } from "../../src/routing/router-events.ts";
import { get, scriptedRouter } from "../support/scripted-router.ts";

describe("a priority", () => {
  it.each([
    ["low", -1],
    [" High ", 1],
    ["NORMAL", 0],
    ["0", 0],
    ["-0", 0],
    ["+3", 3],
    ["-9", -9],
    ["9", 9],
    ["10", undefined],
    ["1.5", undefined],
    ["urgent", undefined],
    ["", undefined],
    ["high, low", undefined],
    ["constructor", undefined],
  ])("written %j is %s", (written, priority) => {
    expect(parsePriority(written)).toBe(priority);
  });

  it("may be lowered by everybody, and raised by those who are allowed to", () => {
    expect([grantedPriority(-3, false), grantedPriority(5, false), grantedPriority(5, true)]).toEqual([-3, 0, 5]);
  });
});

/** Sends one at the time, which waits behind those that hold all slots, and tells how the line is served. */
function full(events?: RouterEvents, given: Record<string, unknown> = {}) {
  const t = scriptedRouter(undefined, undefined, events);
  t.apply(["a"], given);
  const first = t.send();
  const send = (path: string, priority?: number) => t.send({ ...get, path, priority });
  /** Ends what runs, one after the other, and returns the paths of those that came after the first. */
  const serve = (): string[] => {
    for (let i = 0; i < t.sent.length; i++) t.answer(t.sent[i]!);
    return t.sent.slice(1).map(({ request }) => request.path);
  };
  return { t, first, send, serve };
}

describe("waiting requests", () => {
  it("are served by priority, and those of one priority as they came", () => {
    const { send, serve } = full();
    for (const [path, priority] of [
      ["/low", -1],
      ["/a", 0],
      ["/b", undefined],
      ["/high", 1],
      ["/low2", -1],
      ["/top", 9],
      ["/high2", 1],
    ] as const) {
      send(path, priority);
    }
    expect(serve()).toEqual(["/top", "/high", "/high2", "/a", "/b", "/low", "/low2"]);
  });

  it("of low priority go before whatever came a step of ageing later, so that none starves", () => {
    const { t, send, serve } = full();
    send("/low", -1);
    t.pass(PRIORITY_STEP_MS - 1);
    send("/before");
    t.pass(2);
    send("/after");
    send("/high", 1);
    expect(serve()).toEqual(["/high", "/before", "/low", "/after"]);
  });

  it("leave in the exact order of arrival less ten seconds a step, whatever comes, goes and comes back", () => {
    const step = fc.record({
      priority: fc.integer({ min: -9, max: 9 }),
      afterMs: fc.nat(30_000),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const lines = new Lines<InLine>();
        const inside: InLine[] = [];
        let nowMs = 0;
        steps.forEach(({ priority, afterMs, leaves }, sequence) => {
          nowMs += afterMs;
          const links = { previous: undefined, next: undefined };
          const one: InLine = { ...links, sequence, priority, rank: rankOf(nowMs, priority), revision: 0, model: "" };
          lines.append(one);
          inside.push(one);
          if (leaves) {
            const [back] = inside.slice(-2);
            lines.remove(back!);
            lines.insertInOrder(back!);
          }
        });
        const order: number[] = [];
        for (;;) {
          const next = lines.oldest(() => true);
          if (next === undefined) break;
          lines.remove(next.waiter);
          order.push(next.waiter.sequence);
        }
        inside.sort((a, b) => a.rank - b.rank || a.sequence - b.sequence);
        expect(order).toEqual(inside.map(({ sequence }) => sequence));
        expect(lines.size).toBe(0);
      }),
    );
  });

  it("take their priority along to a full replica, as time that they have waited", () => {
    const { t, send } = full(undefined, { maxOngoingRequests: 2 });
    const rejected = () => t.sent.at(-1)!.onFailed({ kind: "rejected", ongoing: 2 });
    send("/high", 1);
    rejected();
    const { wait } = t.sent.at(-1)!.request;
    expect(wait?.waitedMs).toBe(PRIORITY_STEP_MS);
  });
});

describe("a full queue", () => {
  const refusals: RefusalReason[] = [];
  const events: RouterEvents = {
    refused: (_target, reason) => void refusals.push(reason),
    retried() {},
    ejected() {},
    readmitted() {},
  };

  it("lets one of higher priority in for the youngest of the lowest, who is refused as by a full queue", () => {
    refusals.length = 0;
    const { send, serve } = full(events, { maxQueuedRequests: 3 });
    const oldLow = send("/old-low", -1);
    const youngLow = send("/young-low", -1);
    send("/normal");
    expect(send("/other").state).toBe("waiting");
    expect(youngLow.failure).toEqual({
      kind: "backpressure",
      reason: "displaced",
      statusCode: 503,
      retryAfterS: 1,
      message:
        "Request dropped due to backpressure: one of higher priority took its place (num_queued_requests=3, max_queued_requests=3).",
    });
    expect([oldLow.state, send("/no-room", -1).state]).toEqual(["waiting", "failed"]);
    expect(refusals).toEqual(["displaced", "full"]);
    expect(serve()).toEqual(["/normal", "/other", "/old-low"]);
  });

  it("keeps one of lower priority that has waited for so long that it goes first", () => {
    const { t, send, serve } = full(events, { maxQueuedRequests: 1 });
    send("/aged", -1);
    t.pass(PRIORITY_STEP_MS + 1);
    expect(send("/new").failure).toMatchObject({ kind: "backpressure", reason: "full", retryAfterS: 1 });
    expect(serve()).toEqual(["/aged"]);
  });

  it("places one that comes because another was displaced, whoever sends it", () => {
    const { t, send, serve } = full(events, { maxQueuedRequests: 1 });
    const again: string[] = [];
    t.router.send(
      t.target,
      { ...get, path: "/low", priority: -1 },
      {
        onHead() {},
        onData: () => true,
        onEnd() {},
        onFailed() {
          again.push(send("/again", 2).state);
        },
      },
    );
    send("/high", 1);
    expect(again).toEqual(["waiting"]);
    expect(serve()).toEqual(["/again"]);
  });
});
