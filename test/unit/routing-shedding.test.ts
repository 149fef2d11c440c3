/** Requests that cannot be answered by their deadline are refused, and nobody else. */
import { describe, expect, it } from "vitest";
import { failureError } from "../../src/replica/call-failure.ts";
import { convertError } from "../../src/replica/send-response.ts";
import { DrainRate } from "../../src/routing/drain-rate.ts";
import { Shedding } from "../../src/routing/shedding.ts";
import { BackPressureError, fromWireError, RequestShedError, toWireError } from "../../src/sdk/errors.ts";
import type { HandleCall } from "../../src/sdk/runtime.ts";
import { get, scriptedRouter } from "../support/scripted-router.ts";

/** One slot whose requests take 100 ms each, with nine that wait, until the router knows how fast it goes. */
function measured() {
  const t = scriptedRouter();
  t.apply(["a"]);
  let served = 0;
  const serve = (count: number): void => {
    for (let i = 0; i < count; i++) {
      t.pass(100);
      t.answer(t.sent[served++]!);
    }
  };
  for (let i = 0; i < 30; i++) t.send();
  serve(20);
  return { t, serve, due: (ms: number) => t.send({ ...get, path: "/due", dueMs: 2_000 + ms }) };
}

describe("a request with a deadline", () => {
  it("is refused at once where those before it take longer, and told when to come again", () => {
    const { due } = measured();
    // Nine wait, each takes 0.1 s.
    const late = due(800);
    expect(late.failure).toEqual({
      kind: "backpressure",
      reason: "late",
      statusCode: 503,
      retryAfterS: 1,
      message:
        "Request dropped due to backpressure: it has 0.8 s left and would wait about 0.9 s (num_queued_requests=9). Try again in 1 s.",
    });
    expect(due(1_000).state).toBe("waiting");
  });

  it("is judged by what goes before it: one of higher priority may stay", () => {
    const { t, due } = measured();
    expect(due(500).state).toBe("failed");
    expect(t.send({ ...get, dueMs: 2_500, priority: 1 }).state).toBe("waiting");
  });

  it("is never refused without data, with a free slot, or while no replica serves", () => {
    const fresh = scriptedRouter();
    fresh.apply(["a"]);
    for (let i = 0; i < 50; i++) fresh.send();
    expect(fresh.send({ ...get, dueMs: 1 }).state).toBe("waiting");

    const { t, serve } = measured();
    serve(10);
    expect(t.sent.length).toBe(30);
    const atFree = t.send({ ...get, dueMs: 3_001 });
    expect([atFree.state, t.sent.length]).toEqual(["waiting", 31]);

    const { t: cold, due } = measured();
    cold.apply([]);
    expect(due(1).state).toBe("waiting");
  });

  it("is not refused by what was measured long ago", () => {
    const { t, serve } = measured();
    serve(10);
    t.pass(11_000);
    for (let i = 0; i < 20; i++) t.send();
    expect(t.send({ ...get, dueMs: 14_001 }).state).toBe("waiting");
  });

  it("that never got a slot in time reaches no replica", () => {
    const { t } = measured();
    const sent = t.sent.length;
    const one = t.send({ ...get, path: "/timed", deadlineMs: 3_000 });
    t.pass(1_100);
    expect(one.failure).toEqual({ kind: "timed-out", responseStarted: false });
    expect(t.sent.length).toBe(sent);
  });
});

describe("overload by requests with a deadline", () => {
  it("keeps the slots at work that is answered in time, once some answers were late", () => {
    const t = scriptedRouter();
    t.apply(["a"]);
    const outcomes: { request: ReturnType<typeof t.send>; dueMs: number }[] = [];
    let inTime = 0;
    let late = 0;
    let served = 0;
    // Three come while one is worked on, each wants its answer within 450 ms.
    for (let nowMs = 0; nowMs < 30_000; nowMs += 100) {
      for (let i = 0; i < 3; i++)
        outcomes.push({ request: t.send({ ...get, dueMs: nowMs + 450 }), dueMs: nowMs + 450 });
      t.pass(50);
      for (const { request, dueMs } of outcomes) {
        if (request.state === "waiting" && dueMs <= nowMs + 50) {
          request.cancel();
          request.state = "failed";
          late += 1;
        }
      }
      t.pass(50);
      while (served < t.sent.length && t.sent[served]!.cancelled) served += 1;
      if (served < t.sent.length) {
        t.answer(t.sent[served++]!);
        inTime += 1;
      }
    }
    const done = outcomes.filter(({ request }) => request.state === "ended").length;
    expect(done).toBe(inTime);
    // Of 300 that there is time for.
    expect(done).toBeGreaterThan(270);
    expect(late).toBeLessThan(150);
  });
});

describe("the time that is kept for the work", () => {
  it("is at most twice the mean of now, whatever it was, and none where nothing is known", () => {
    const shedding = new Shedding();
    let nowMs = 0;
    const serve = (count: number, everyMs: number): void => {
      for (let i = 0; i < count; i++) {
        nowMs += everyMs;
        shedding.drain.ended(nowMs);
      }
    };
    const refused = (leftMs: number): boolean[] => [
      shedding.tooLate({ nowMs, dueMs: nowMs + leftMs, ahead: 0, running: 1 }) !== undefined,
      shedding.hopeless(nowMs, nowMs + leftMs, 1),
    ];
    shedding.drain.busy(nowMs);
    serve(40, 500);
    for (let i = 0; i < 4; i++) shedding.learn(true, 1, nowMs);
    expect([refused(900), refused(1_100)]).toEqual([
      [true, true],
      [false, false],
    ]);
    shedding.drain.idle(nowMs);
    nowMs += 10_001;
    expect(refused(1)).toEqual([false, false]);
    expect(shedding.waitMs(1, nowMs)).toBeUndefined();
    shedding.drain.busy(nowMs);
    serve(400, 10);
    expect([refused(10), refused(30)]).toEqual([
      [true, true],
      [false, false],
    ]);
  });
});

describe("the rate at which a line drains", () => {
  it("is that of the time in which somebody waits, and follows a change within two windows", () => {
    const rate = new DrainRate();
    let nowMs = 0;
    const run = (everyMs: number, forMs: number): void => {
      for (const endMs = nowMs + forMs; nowMs < endMs; ) {
        nowMs += everyMs;
        rate.ended(nowMs);
      }
    };
    rate.busy(0);
    run(10, 200);
    expect(rate.perMs(nowMs)).toBeUndefined();
    run(10, 2_000);
    expect(rate.perMs(nowMs)).toBeCloseTo(0.1, 2);
    // Ends of a time in which nobody waits say nothing of what there is room for.
    rate.idle(nowMs);
    nowMs += 5_000;
    rate.ended(nowMs);
    expect(rate.perMs(nowMs)).toBeCloseTo(0.1, 2);
    rate.busy(nowMs);
    run(50, 4_000);
    expect(rate.perMs(nowMs)).toBeCloseTo(0.02, 3);
  });
});

describe("a call of a handle that would come too late", () => {
  it("throws an error of its own, which travels between replicas and is a kind of a full queue's", () => {
    const failure = { kind: "backpressure", reason: "late", statusCode: 503, retryAfterS: 4, message: "late" } as const;
    const call = { deployment: "Back", method: "go" } as HandleCall;
    for (const error of [failureError(failure, call), fromWireError(toWireError(failureError(failure, call)))]) {
      expect(error).toBeInstanceOf(RequestShedError);
      expect(error).toBeInstanceOf(BackPressureError);
      expect(error).toMatchObject({ name: "RequestShedError", message: "late", statusCode: 503, retryAfterS: 4 });
      expect(convertError(error)).toMatchObject({ status: 503, body: "late", headers: expect.arrayContaining(["4"]) });
    }
    expect(failureError({ ...failure, reason: "full" }, call)).not.toBeInstanceOf(RequestShedError);
  });
});
