/** Replicas that fail by themselves are left out for a time; and what retries may cost. */
import { describe, expect, it } from "vitest";
import { EJECT_AFTER, EJECT_MS } from "../../src/routing/ejection.ts";
import type { EjectedReplica, RouterEvents } from "../../src/routing/router-events.ts";
import { get, post, scriptedRouter } from "../support/scripted-router.ts";

function scene(ids: readonly string[], given: Record<string, unknown> = {}) {
  const told: string[] = [];
  const replicas: EjectedReplica[] = [];
  const events: RouterEvents = {
    refused() {},
    retried: (_target, granted) => void told.push(granted ? "retried" : "denied"),
    ejected(_target, replica) {
      told.push(`out ${replica.id} ${replica.forMs / 1_000} s`);
      replicas.push(replica);
    },
    readmitted: (_target, id) => void told.push(`in ${id}`),
  };
  const t = scriptedRouter(undefined, undefined, events);
  t.apply(ids, { maxOngoingRequests: 100, ...given });
  /** Answers everything but at `bad`, where it breaks before an answer; returns where requests went. */
  const run = (count: number, bad: readonly string[], how: "broken" | "unreachable" = "broken"): string => {
    const from = t.sent.length;
    for (let i = 0; i < count; i++) t.send(post);
    for (let i = from; i < t.sent.length; i++) {
      const sent = t.sent[i]!;
      if (!bad.includes(sent.to)) t.answer(sent);
      else if (how === "broken") sent.onFailed({ kind: "broken", responseStarted: false, error: "ECONNRESET" });
      else sent.onFailed({ kind: "unreachable", gone: false, error: "EAGAIN" });
    }
    return t.sent
      .slice(from)
      .map(({ to }) => to)
      .join("");
  };
  return { t, told, replicas, run };
}

describe("a replica that breaks request after request", () => {
  it("is left out after five in a row, and comes back by one trial", () => {
    const { t, told, replicas, run } = scene(["a", "b"]);
    for (let i = 0; i < 20 && told.length === 0; i++) run(2, ["a"]);
    expect(told).toEqual(["out a 10 s"]);
    expect(replicas).toEqual([{ id: "a", failures: EJECT_AFTER, forMs: EJECT_MS, error: "ECONNRESET" }]);
    expect(t.target.ejected).toBe(1);
    expect(run(20, [])).toBe("b".repeat(20));
    t.pass(EJECT_MS - 1);
    expect(run(4, [])).toBe("bbbb");
    t.pass(1);
    // One request goes there; the others do not until it has been answered.
    const from = t.sent.length;
    for (let i = 0; i < 10; i++) t.send(get);
    const trial = t.sent.slice(from).filter(({ to }) => to === "a");
    expect(trial.length).toBe(1);
    t.answer(trial[0]!);
    expect(told).toEqual(["out a 10 s", "in a"]);
    expect(t.target.ejected).toBe(0);
  });

  it("is left out twice as long where its trial fails as well", () => {
    const { t, told, run } = scene(["a", "b"]);
    for (let i = 0; i < 20 && told.length === 0; i++) run(2, ["a"]);
    t.pass(EJECT_MS);
    expect(run(5, ["a"])).toContain("a");
    expect(told).toEqual(["out a 10 s", "out a 20 s"]);
    t.pass(2 * EJECT_MS - 1);
    expect(run(3, [])).toBe("bbb");
    t.pass(1);
    run(5, []);
    expect(told.at(-1)).toBe("in a");
  });

  it("counts what could not be reached as well, and begins anew with every answer", () => {
    const { t, told, run } = scene(["a", "b"]);
    for (let i = 0; i < 10; i++) {
      for (let j = 0; j < 3; j++) run(2, ["a"], "unreachable");
      run(6, []);
    }
    expect(told).toEqual([]);
    for (let i = 0; i < 30 && told.length === 0; i++) {
      run(2, ["a"], "unreachable");
      // It is left alone for a while after each.
      t.pass(600);
    }
    expect(told).toEqual(["out a 10 s"]);
  });

  it.each([
    { name: "the only one", ids: ["a"], bad: ["a"], out: 0 },
    { name: "both of two", ids: ["a", "b"], bad: ["a", "b"], out: 1 },
    { name: "all of five", ids: ["a", "b", "c", "d", "e"], bad: ["a", "b", "c", "d", "e"], out: 2 },
  ])("is kept where it is $name: at most half are left out", ({ ids, bad, out }) => {
    const { t, run } = scene(ids);
    for (let i = 0; i < 50; i++) run(5, bad);
    expect(t.target.ejected).toBe(out);
    expect(run(1, []).length).toBe(1);
  });

  it("is let in at once where the table takes the others away", () => {
    const { t, told, run } = scene(["a", "b"]);
    for (let i = 0; i < 20 && told.length === 0; i++) run(2, ["a"]);
    t.apply(["a"], { maxOngoingRequests: 100 });
    expect(told).toEqual(["out a 10 s", "in a"]);
    expect(run(2, [])).toBe("aa");
  });

  it("wakes those that wait when its time is over", () => {
    const { t, told, run } = scene(["a", "b"]);
    for (let i = 0; i < 20 && told.length === 0; i++) run(2, ["a"]);
    t.apply(["a", "b"], { maxOngoingRequests: 1 });
    const from = t.sent.length;
    t.send();
    t.send();
    expect(t.sent.length).toBe(from + 1);
    t.pass(EJECT_MS);
    expect(t.sent.slice(from).map(({ to }) => to)).toEqual(["b", "a"]);
  });
});

describe("what is no fault of a replica's", () => {
  it.each([
    { name: "answers of 500", fail: (t: ReturnType<typeof scriptedRouter>) => t.answer(t.sent.at(-1)!) },
    {
      name: "a break within an answer",
      fail: (t: ReturnType<typeof scriptedRouter>) =>
        t.sent.at(-1)!.onFailed({ kind: "broken", responseStarted: true, error: "the handler failed" }),
    },
    {
      name: "a request that no replica can be sent",
      fail: (t: ReturnType<typeof scriptedRouter>) => t.sent.at(-1)!.onFailed({ kind: "invalid", error: "a path" }),
    },
  ])("leaves none out: $name", ({ fail }) => {
    const { t } = scene(["a", "b"]);
    for (let i = 0; i < 40; i++) {
      t.send(post);
      fail(t);
    }
    expect(t.target.ejected).toBe(0);
  });
});

describe("retries", () => {
  it("have a budget for each deployment, and one that is spent is told", () => {
    const { t, told } = scene(["a"]);
    const targets = {
      ...{ maxOngoingRequests: 100, maxQueuedRequests: -1, backpressureStatusCode: 503 },
      unavailable: "",
    };
    const replicas = ["a"].map((id) => ({ id, address: id, revision: 0n }));
    const deployments = ["d", "e"].map((deployment) => ({ application: "app", deployment, replicas, ...targets }));
    t.router.apply({ deployments } as never);
    const other = t.router.target("app", "e");
    const breakAll = (): void => {
      for (let i = 0; i < t.sent.length; i++) {
        t.sent[i]!.onFailed({ kind: "broken", responseStarted: false, error: "x" });
      }
    };
    const receiver = { onHead() {}, onData: () => true, onEnd() {}, onFailed() {} };
    // Each is tried three times: two retries of the budget of ten and a fifth of the requests.
    for (let i = 0; i < 10; i++) t.send(get);
    breakAll();
    expect([told.filter((one) => one === "retried").length, told.includes("denied")]).toEqual([12, true]);
    told.length = 0;
    t.sent.length = 0;
    t.router.send(other, get, receiver);
    breakAll();
    expect(told).toEqual(["retried", "retried"]);
  });
});
