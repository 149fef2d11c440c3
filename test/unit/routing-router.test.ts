/** The router over a scripted channel on a clock of its own: every order of events can be played. */
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { get, head, post, scriptedRouter as setUp } from "../support/scripted-router.ts";

describe("admission", () => {
  it("refuses nothing while replicas are free, however small the queue", () => {
    const t = setUp();
    t.apply(["a", "b", "c"], { maxQueuedRequests: 1 });
    const outcomes = [t.send(), t.send(), t.send(), t.send()];
    expect(outcomes.map(({ state }) => state)).toEqual(["waiting", "waiting", "waiting", "waiting"]);
    expect(t.sent).toHaveLength(3);
    expect(t.target).toMatchObject({ queued: 1, ongoing: 3 });
  });

  it("refuses with count, limit, status and retry-after when the queue is full", () => {
    const t = setUp();
    t.apply(["a"], { maxQueuedRequests: 1, backpressureStatusCode: 429, backpressureRetryAfterS: 1.5 });
    t.send();
    t.send();
    expect(t.send().failure).toEqual({
      kind: "backpressure",
      reason: "full",
      statusCode: 429,
      retryAfterS: 1.5,
      message: "Request dropped due to backpressure (num_queued_requests=1, max_queued_requests=1).",
    });
  });

  it("waits for a first table, then for replicas, and is woken by each", () => {
    const t = setUp();
    const outcome = t.send();
    t.apply([]);
    expect(t.sent).toHaveLength(0);
    t.apply(["a"]);
    expect(t.to()).toBe("a");
    t.answer(t.sent[0]!);
    expect(outcome.state).toBe("ended");
    expect(t.timers()).toBe(0);
  });

  it("fails at once, and fails what waits, when the deployment is unavailable", () => {
    const t = setUp();
    t.apply([]);
    const waiting = t.send();
    t.apply([], { unavailable: "it failed" });
    expect(waiting.failure).toEqual({ kind: "unavailable", message: "it failed" });
    expect(t.send().failure).toEqual({ kind: "unavailable", message: "it failed" });
  });

  it("fails what waits for a deployment that is deleted, and serves it again when it is back", () => {
    const t = setUp();
    t.apply([]);
    const waiting = t.send();
    t.router.apply({ deployments: [] });
    expect(waiting.failure).toEqual({ kind: "absent" });
    t.apply(["a"]);
    t.send();
    expect(t.to()).toBe("a");
  });
});

describe("the queue", () => {
  it("is first in, first out, woken by each end", () => {
    const t = setUp();
    t.apply(["a"]);
    const outcomes = [t.send(), t.send({ ...get, path: "/2" }), t.send({ ...get, path: "/3" })];
    t.answer(t.sent[0]!);
    expect(t.sent.map(({ request }) => request.path)).toEqual(["/", "/2"]);
    outcomes[1]!.cancel();
    expect(t.sent[1]!.cancelled).toBe(true);
    expect(t.sent.map(({ request }) => request.path)).toEqual(["/", "/2", "/3"]);
  });

  it("forgets a request that is cancelled while it waits", () => {
    const t = setUp();
    t.apply(["a"]);
    t.send();
    const second = t.send();
    second.cancel();
    expect(t.target.queued).toBe(0);
    t.answer(t.sent[0]!);
    expect(t.sent).toHaveLength(1);
    expect(second.state).toBe("waiting");
  });

  it("keeps the place of a rejected request before later ones", () => {
    const t = setUp();
    t.apply(["a"]);
    t.send({ ...get, path: "/1" });
    t.send({ ...get, path: "/2" });
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 1 });
    expect(t.sent.map(({ request }) => request.path)).toEqual(["/1", "/1"]);
  });
});

describe("a rejection", () => {
  it("sends the request elsewhere at once", () => {
    const t = setUp();
    t.apply(["a", "b"]);
    t.send();
    const [first] = t.sent;
    first!.onFailed({ kind: "rejected", ongoing: 1 });
    expect(t.sent).toHaveLength(2);
    expect(t.sent[1]!.to).not.toBe(first!.to);
  });

  it("is retried after 0, 25, 50, … 500 ms where all are full because of others", () => {
    const t = setUp();
    t.apply(["a"]);
    t.send();
    const atMs: number[] = [];
    let passedMs = 0;
    for (let seen = 0; passedMs < 3_000; ) {
      if (t.sent.length > seen) {
        seen = t.sent.length;
        atMs.push(passedMs);
        t.sent.at(-1)!.onFailed({ kind: "rejected", ongoing: 1 });
      } else {
        t.pass(1);
        passedMs += 1;
      }
    }
    expect(atMs).toEqual([0, 0, 25, 75, 175, 375, 775, 1275, 1775, 2275, 2775]);
  });

  it("asks for all that wait with one request at a time", () => {
    const t = setUp();
    t.apply(["a"], { maxOngoingRequests: 1 });
    for (let i = 0; i < 50; i++) t.send();
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 1 });
    t.sent[1]!.onFailed({ kind: "rejected", ongoing: 1 });
    t.pass(24);
    expect(t.sent).toHaveLength(2);
    t.pass(1);
    expect(t.sent).toHaveLength(3);
  });
});

describe("a full replica", () => {
  /** One of ours was refused, and is asked to wait. */
  const full = (given: Record<string, unknown> = {}) => {
    const t = setUp();
    t.apply(["a"], { maxOngoingRequests: 10, ...given });
    const outcome = t.send(post);
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 10 });
    return { ...t, outcome };
  };
  const waits = (t: ReturnType<typeof setUp>) => t.sent.map(({ request }) => request.wait?.patienceMs ?? 0);

  it("is asked to let the request wait, which counts as waiting until it is in", () => {
    const t = full();
    expect(t.sent[1]!.request.wait).toEqual({ waitedMs: 0, patienceMs: 200 });
    expect([t.target.queued, t.target.ongoing, [...t.target.running().values()]]).toEqual([1, 0, [0]]);
    t.sent[1]!.onEntered!(true, -1);
    expect([t.target.queued, t.target.ongoing, [...t.target.running().values()]]).toEqual([0, 1, [1]]);
    t.answer(t.sent[1]!);
    expect([t.outcome.state, t.target.ongoing]).toEqual(["ended", 0]);
  });

  it("has four of them wait, the next when one is in, and all go there at once when there is room", () => {
    const t = full();
    for (let each = 0; each < 9; each++) t.send();
    expect(waits(t)).toEqual([0, 200, 200, 200, 200]);
    expect(t.target.queued).toBe(10);
    t.sent[1]!.onEntered!(true, -1);
    expect(waits(t).slice(5)).toEqual([200]);
    t.sent[2]!.onEntered!(false, -1);
    expect(waits(t).slice(6)).toEqual([0, 0, 0, 0, 0]);
  });

  it("hears how long the request has waited, and lets it wait longer each time", () => {
    const t = full();
    for (const patience of [200, 400, 800, 1_600, 1_600]) {
      expect(t.sent.at(-1)!.request.wait!.patienceMs).toBe(patience);
      t.pass(patience);
      t.sent.at(-1)!.onFailed({ kind: "rejected", ongoing: 10 });
    }
    expect(t.sent.at(-1)!.request.wait!.waitedMs).toBe(4_600);
  });

  it("that breaks loses nothing of what waits: not even a POST has begun", () => {
    const t = full();
    t.apply(["a", "b"], { maxOngoingRequests: 10 });
    t.sent[1]!.onFailed({ kind: "broken", responseStarted: false, error: "reset" });
    expect(t.sent[2]!.to).toBe("b");
    t.answer(t.sent[2]!);
    expect(t.outcome.state).toBe("ended");
    expect(t.target.queued).toBe(0);
  });

  it("may fail a POST that is in", () => {
    const t = full();
    t.sent[1]!.onEntered!(false, -1);
    t.sent[1]!.onFailed({ kind: "broken", responseStarted: false, error: "reset" });
    expect(t.outcome.failure?.kind).toBe("broken");
  });

  it("keeps no place for a request that is cancelled or times out while it waits there", () => {
    const t = full();
    const late = t.send({ ...get, deadlineMs: 100 });
    t.outcome.cancel();
    t.pass(100);
    expect([late.failure?.kind, t.sent[1]!.cancelled, t.sent[2]!.cancelled]).toEqual(["timed-out", true, true]);
    expect([t.target.queued, t.target.ongoing]).toEqual([0, 0]);
  });

  it("counts those that wait there against the limit of the queue", () => {
    const t = full({ maxQueuedRequests: 2 });
    t.send();
    expect(t.send().failure).toMatchObject({ kind: "backpressure", message: expect.stringContaining("requests=2,") });
  });

  it("is not asked to let anything wait after it refused that, until it takes a request again", () => {
    const t = full();
    t.sent[1]!.onFailed({ kind: "rejected", ongoing: 10 });
    expect(t.sent).toHaveLength(2);
    t.pass(25);
    t.sent[2]!.onFailed({ kind: "rejected", ongoing: 10 });
    t.pass(50);
    t.answer(t.sent[3]!);
    t.send();
    t.sent[4]!.onFailed({ kind: "rejected", ongoing: 10 });
    expect(waits(t)).toEqual([0, 200, 0, 0, 0, 200]);
  });

  it("is passed over while another has room", () => {
    const t = setUp();
    t.apply(["a", "b"], { maxOngoingRequests: 2 });
    t.send();
    const first = t.sent[0]!.to;
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 2 });
    t.send();
    expect(t.sent.slice(1).map(({ to }) => to === first)).toEqual([false, false]);
    expect(waits(t)).toEqual([0, 0, 0]);
  });

  it("reserves a slot for a stream after the same wait", () => {
    const t = full();
    const body = new Readable({ read() {} });
    t.send({ ...post, body });
    expect(t.sent[2]!.request).toMatchObject({ kind: "reserve", wait: { patienceMs: 200 } });
    t.sent[2]!.onAccepted(head({ status: 204, reservation: "r7", contended: true }));
    t.sent[2]!.onEnd();
    expect(t.sent[3]!.request).toMatchObject({ kind: "http", reservation: "r7" });
    expect(t.sent[3]!.request.wait).toBeUndefined();
    expect([t.target.queued, t.target.ongoing]).toEqual([1, 1]);
  });
});

describe("a replica's death", () => {
  it("drops it until the next table, and any request goes elsewhere", () => {
    const t = setUp();
    t.apply(["a", "b"]);
    t.send(post);
    const dead = t.sent[0]!.to;
    t.sent[0]!.onFailed({ kind: "unreachable", gone: true, error: "ECONNREFUSED" });
    expect(t.sent[1]!.to).not.toBe(dead);
    t.answer(t.sent[1]!);
    t.send();
    t.send();
    expect(t.sent.filter(({ to }) => to === dead)).toHaveLength(1);
    t.apply(["a", "b"]);
    expect(t.sent.at(-1)!.to).toBe(dead);
  });

  it("leaves one that could not be reached for other reasons alone for a while only", () => {
    const t = setUp();
    t.apply(["a"]);
    t.send();
    t.sent[0]!.onFailed({ kind: "unreachable", gone: false, error: "EAGAIN" });
    t.sent[1]!.onFailed({ kind: "unreachable", gone: false, error: "EAGAIN" });
    t.pass(25);
    expect(t.sent).toHaveLength(3);
  });

  it.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])("before the answer repeats %s elsewhere", (method) => {
    const t = setUp();
    t.apply(["a", "b"]);
    const outcome = t.send({ ...get, method, body: Buffer.from("x") });
    t.sent[0]!.onFailed({ kind: "broken", responseStarted: false, error: "reset" });
    expect(t.sent[1]!.to).not.toBe(t.sent[0]!.to);
    t.answer(t.sent[1]!);
    expect(outcome.state).toBe("ended");
  });

  it.each([
    { name: "a POST", request: post, responseStarted: false },
    { name: "a PATCH", request: { ...get, method: "PATCH" }, responseStarted: false },
    { name: "a call", request: { ...get, kind: "call" } as const, responseStarted: false },
    { name: "a GET whose answer has begun", request: get, responseStarted: true },
  ])("is not repeated for $name", ({ request, responseStarted }) => {
    const t = setUp();
    t.apply(["a", "b"]);
    const outcome = t.send(request);
    if (responseStarted) t.sent[0]!.onAccepted(head());
    t.sent[0]!.onFailed({ kind: "broken", responseStarted, error: "reset" });
    expect(outcome.failure).toEqual({ kind: "broken", responseStarted, error: "reset" });
    expect(t.sent).toHaveLength(1);
  });

  it("is repeated at most twice for one request: it may be what kills replicas", () => {
    const t = setUp();
    t.apply(["a", "b"]);
    const outcome = t.send();
    for (let i = 0; i < 3; i++) t.sent[i]!.onFailed({ kind: "broken", responseStarted: false, error: "reset" });
    expect(outcome.failure?.kind).toBe("broken");
    expect(t.sent).toHaveLength(3);
  });

  it("is repeated within a budget of 10 and a fifth of recent requests", () => {
    const t = setUp();
    t.apply(["a"], { maxOngoingRequests: 1_000 });
    for (let i = 0; i < 100; i++) t.send();
    const before = t.sent.length;
    for (const entry of t.sent.slice(0, 100)) entry.onFailed({ kind: "broken", responseStarted: false, error: "x" });
    expect(t.sent.length - before).toBe(30);
    t.pass(20_000);
    t.send();
    t.sent.at(-1)!.onFailed({ kind: "broken", responseStarted: false, error: "x" });
    expect(t.sent.length - before).toBe(32);
  });
});

describe("a body that cannot be sent twice", () => {
  const stream = (): Readable => new Readable({ read() {} });

  it("flows only once a slot is reserved, with the reservation", () => {
    const t = setUp();
    t.apply(["a"]);
    const body = stream();
    t.send({ ...post, body });
    expect(t.sent[0]!.request).toMatchObject({ kind: "reserve", body: null });
    t.sent[0]!.onAccepted(head({ status: 204, reservation: "r7" }));
    t.sent[0]!.onEnd();
    expect(t.sent[1]!.request).toMatchObject({ kind: "http", reservation: "r7" });
    expect(t.sent[1]!.request.body).toBe(body);
    expect(t.target.ongoing).toBe(1);
    t.answer(t.sent[1]!);
    expect(t.target.ongoing).toBe(0);
  });

  it("goes elsewhere when the reservation is refused or breaks", () => {
    const t = setUp();
    t.apply(["a", "b"]);
    t.send({ ...post, body: stream() });
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 1 });
    t.sent[1]!.onFailed({ kind: "broken", responseStarted: false, error: "reset" });
    expect(t.sent.map(({ request }) => request.kind)).toEqual(["reserve", "reserve", "reserve"]);
  });

  it("is not repeated, even for a PUT", () => {
    const t = setUp();
    t.apply(["a"]);
    const outcome = t.send({ ...get, method: "PUT", body: stream() });
    t.sent[0]!.onAccepted(head({ reservation: "r" }));
    t.sent[0]!.onEnd();
    t.sent[1]!.onFailed({ kind: "broken", responseStarted: false, error: "reset" });
    expect(outcome.failure?.kind).toBe("broken");
  });
});

describe("an end from outside", () => {
  it("times out in the queue and in the replica, and frees the place", () => {
    const t = setUp();
    t.apply(["a"]);
    const running = t.send({ ...get, deadlineMs: 100 });
    const waiting = t.send({ ...get, deadlineMs: 50 });
    t.pass(50);
    expect(waiting.failure).toEqual({ kind: "timed-out", responseStarted: false });
    t.sent[0]!.onAccepted(head());
    t.pass(50);
    expect(running.failure).toEqual({ kind: "timed-out", responseStarted: true });
    expect(t.sent[0]!.cancelled).toBe(true);
    expect(t.target).toMatchObject({ queued: 0, ongoing: 0 });
  });

  it("cancels by a signal, aborted already or later", () => {
    const t = setUp();
    t.apply(["a"]);
    expect(t.send({ ...get, signal: AbortSignal.abort() }).failure?.kind).toBe("cancelled");
    const abort = new AbortController();
    const outcome = t.send({ ...get, signal: abort.signal });
    abort.abort();
    expect(outcome.failure).toEqual({ kind: "cancelled", responseStarted: false });
    expect(t.sent[0]!.cancelled).toBe(true);
  });
});

describe("a new table", () => {
  it("keeps counts of replicas that stay, and releases those that go", () => {
    const t = setUp();
    t.apply(["a"]);
    const running = t.send();
    t.send();
    t.apply(["a", "b"]);
    expect(t.to()).toBe("a b");
    t.apply(["b"]);
    expect(t.released).toEqual(["a"]);
    t.answer(t.sent[0]!);
    expect(running.state).toBe("ended");
    t.send();
    expect(t.sent).toHaveLength(2);
  });

  it("takes a higher limit at once", () => {
    const t = setUp();
    t.apply(["a"]);
    t.send();
    t.send();
    t.apply(["a"], { maxOngoingRequests: 2 });
    expect(t.sent).toHaveLength(2);
  });
});

describe("load that replicas report", () => {
  it("sends requests where others have less, for 10 s", () => {
    const t = setUp();
    t.apply(["a", "b"], { maxOngoingRequests: 10 });
    t.send();
    t.sent[0]!.onAccepted(head({ ongoing: 6 }));
    t.sent[0]!.onEnd();
    const busy = t.sent[0]!.to;
    for (let i = 0; i < 4; i++) t.send();
    expect(t.sent.slice(1).every(({ to }) => to !== busy)).toBe(true);
    t.pass(10_001);
    t.send();
    expect(t.sent.at(-1)!.to).toBe(busy);
  });
});
