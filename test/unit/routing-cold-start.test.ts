/** How long requests wait where no replica serves, on a clock of their own. */
import { describe, expect, it } from "vitest";
import type { RouterFailure } from "../../src/routing/router.ts";
import { get, scriptedRouter } from "../support/scripted-router.ts";

const STARTING = { timeoutS: 10, reason: "its replicas are starting", retryAfterS: 4 };
const REFUSED: RouterFailure = {
  kind: "no-replica",
  message:
    "Deployment(name='d', app='app') had no replica that serves for 10 s (cold_start_timeout_s): its replicas are starting. Try again in 4 s.",
  retryAfterS: 4,
};

describe("a request for a deployment without replicas", () => {
  it("waits as long as it may, each from its own arrival, and is then refused with the reason", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    const first = t.send();
    t.pass(4_000);
    const second = t.send();
    t.pass(5_999);
    expect(first.state).toBe("waiting");
    t.pass(1);
    expect(first.failure).toEqual(REFUSED);
    t.pass(3_999);
    expect(second.state).toBe("waiting");
    t.pass(1);
    expect(second.failure).toEqual(REFUSED);
    expect(t.target.queued).toBe(0);
    expect(t.timers()).toBe(0);
  });

  it("is served by the replica that comes in time, and no timer is left", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    const outcome = t.send();
    t.pass(9_999);
    t.apply(["a"], { coldStart: { ...STARTING, reason: "" } });
    expect(t.timers()).toBe(0);
    t.answer(t.sent[0]!);
    expect(outcome.state).toBe("ended");
  });

  it("counts against max_queued_requests meanwhile", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING, maxQueuedRequests: 1 });
    t.send();
    expect(t.send().failure).toMatchObject({ kind: "backpressure" });
    t.pass(10_000);
    expect(t.send().state).toBe("waiting");
  });

  it("waits without end where the limit is null", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: { reason: "its replicas are starting", retryAfterS: 4 } });
    const outcome = t.send();
    expect(t.timers()).toBe(0);
    t.pass(1e9);
    expect(outcome.state).toBe("waiting");
  });

  it.each([
    { name: "a shorter one", timeoutS: 7, failsAtMs: 7_000 },
    { name: "a longer one", timeoutS: 30, failsAtMs: 30_000 },
    { name: "one that has passed already", timeoutS: 1, failsAtMs: 5_000 },
  ])("takes $name from a new table", ({ timeoutS, failsAtMs }) => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    const outcome = t.send();
    t.pass(5_000);
    t.apply([], { coldStart: { ...STARTING, timeoutS, reason: "its replicas wait for room on the node" } });
    t.pass(failsAtMs - 5_001);
    if (failsAtMs > 5_000) expect(outcome.state).toBe("waiting");
    t.pass(1);
    expect(outcome.failure).toMatchObject({ message: expect.stringMatching(/: its replicas wait for room/) });
  });

  it("hears what is known before the first table: nothing", () => {
    const t = scriptedRouter();
    const outcome = t.send();
    t.pass(299_999);
    expect(outcome.state).toBe("waiting");
    t.pass(1);
    expect(outcome.failure).toMatchObject({ message: expect.stringMatching(/no routing table has come/) });
  });

  it("is refused in time with a thousand others that came a millisecond apart, by few timers", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    const outcomes = Array.from({ length: 1_000 }, () => {
      const outcome = t.send();
      t.pass(1);
      return outcome;
    });
    t.pass(9_500);
    const late = outcomes.slice(0, 475).filter(({ state }) => state !== "failed");
    expect(late).toEqual([]);
    expect(outcomes.slice(501).filter(({ state }) => state !== "waiting")).toEqual([]);
    expect(t.timers()).toBe(1);
    t.pass(525);
    expect(outcomes.filter(({ state }) => state !== "failed")).toEqual([]);
    expect(t.timers()).toBe(0);
  });

  it("may send another one while it is refused, which waits as long", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    let again: ReturnType<typeof t.send> | undefined;
    t.router.send(t.target, get, {
      onHead() {},
      onData: () => true,
      onEnd() {},
      onFailed() {
        again = t.send();
      },
    });
    t.pass(10_000);
    expect(again?.state).toBe("waiting");
    t.pass(10_000);
    expect(again?.failure).toEqual(REFUSED);
  });

  it("lets go of it when its client does", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    t.send().cancel();
    expect(t.target.queued).toBe(0);
    expect(t.timers()).toBe(0);
  });
});

describe("what counts as waiting without a replica", () => {
  it("not the time that replicas are busy", () => {
    const t = scriptedRouter();
    t.apply(["a"], { coldStart: STARTING });
    t.send();
    const waits = t.send();
    t.pass(1e6);
    expect(waits.state).toBe("waiting");
  });

  it("the time before and after replicas were busy, together", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    t.send();
    const waits = t.send();
    t.pass(6_000);
    t.apply(["a"], { coldStart: STARTING });
    t.pass(100_000);
    t.apply([], { coldStart: STARTING });
    t.pass(3_999);
    expect(waits.state).toBe("waiting");
    t.pass(1);
    expect(waits.failure).toEqual(REFUSED);
  });

  it("not the time in a replica: a request that comes back goes on with what it had", () => {
    const t = scriptedRouter();
    t.apply([], { coldStart: STARTING });
    const outcome = t.send();
    t.pass(8_000);
    t.apply(["a"], { coldStart: STARTING });
    t.apply([], { coldStart: STARTING });
    const other = t.send();
    t.pass(5_000);
    t.sent[0]!.onFailed({ kind: "broken", responseStarted: false, error: "died" });
    t.pass(1_999);
    expect(outcome.state).toBe("waiting");
    t.pass(1);
    expect(outcome.failure).toEqual(REFUSED);
    expect(other.state).toBe("waiting");
  });

  it("replicas that the table still has but nobody finds", () => {
    const t = scriptedRouter();
    t.apply(["a"], { coldStart: STARTING });
    const outcome = t.send();
    t.sent[0]!.onFailed({ kind: "unreachable", gone: true, error: "ENOENT" });
    t.pass(10_000);
    expect(outcome.failure).toEqual(REFUSED);
  });
});

it("a request that comes back from the last replica says that it waits", () => {
  const starved: number[] = [];
  const t = scriptedRouter(undefined, {
    used() {},
    starved: ({ queued }) => void starved.push(queued),
  });
  t.apply(["a"], { coldStart: STARTING });
  t.send();
  t.apply([], { coldStart: STARTING });
  expect(starved).toEqual([]);
  t.sent[0]!.onFailed({ kind: "rejected", ongoing: 0 });
  expect(starved).toEqual([1]);
});
