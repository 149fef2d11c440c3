/** Requests for models: which replicas they go to. */
import { describe, expect, it } from "vitest";
import { Models, modelHeader, modelOf, modelWaitMs } from "../../src/routing/models.ts";
import type { RouterRequest } from "../../src/routing/router.ts";
import { get, scriptedRouter } from "../support/scripted-router.ts";

const asking = (model: string): RouterRequest => ({ ...get, headers: ["serve_multiplexed_model_id", model] });

function setUp(replicas: Record<string, string[]>, given: Record<string, unknown> = {}) {
  const t = scriptedRouter();
  t.apply(Object.keys(replicas), given);
  const tell = (told: Record<string, string[]>, whole = false) =>
    t.router.applyModels(
      Object.entries(told).map(([replicaId, modelIds]) => ({ replicaId, modelIds })),
      whole,
    );
  tell(replicas);
  return { ...t, tell, ask: (model: string) => t.send(asking(model)) };
}

describe("a request for a model", () => {
  it("goes to a replica that has it, however busy that is while it has room", () => {
    const t = setUp({ a: [], b: ["m"], c: [] }, { maxOngoingRequests: 3 });
    for (let i = 0; i < 3; i++) t.ask("m");
    expect(t.to()).toBe("b b b");
  });

  it("goes to the less busy of those that have it", () => {
    const t = setUp({ a: ["m"], b: ["m"], c: [] }, { maxOngoingRequests: 3 });
    for (let i = 0; i < 4; i++) t.ask("m");
    expect(t.sent.map(({ to }) => to).sort()).toEqual(["a", "a", "b", "b"]);
  });

  it("goes to a replica with the fewest models where none has it", () => {
    const t = setUp({ a: ["x", "y"], b: ["x"], c: ["x", "y", "z"] }, { maxOngoingRequests: 3 });
    t.ask("m");
    expect(t.to()).toBe("b");
  });

  it("goes where others for the same model went just before: it is being loaded there", () => {
    const t = setUp({ a: [], b: [], c: [] }, { maxOngoingRequests: 5 });
    for (const model of ["m", "m", "n", "m"]) t.ask(model);
    const [first, second, other, third] = t.sent.map(({ to }) => to);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  it("no longer goes there when the replica has told that it does not have the model", () => {
    const t = setUp({ a: ["x"], b: ["y", "z"] }, { maxOngoingRequests: 5 });
    t.ask("m");
    t.pass(1_000);
    t.tell({ a: ["x", "y", "z"] });
    t.ask("m");
    expect(t.to()).toBe("a b");
  });

  it("is spread as ever where replicas tell of no models: the deployment has none", () => {
    const t = setUp({ a: [], b: [] }, { maxOngoingRequests: 9 });
    for (let i = 0; i < 9; i++) {
      t.ask("m");
      t.pass(1_000);
    }
    expect(t.sent.filter(({ to }) => to === "a")).toHaveLength(5);
  });

  it("goes on going there while there is no controller to tell of models", () => {
    const t = setUp({ a: [], b: [], c: [] }, { maxOngoingRequests: 9 });
    t.router.withoutModels();
    for (let i = 0; i < 9; i++) {
      t.ask("m");
      t.pass(5_000);
    }
    expect(new Set(t.sent.map(({ to }) => to)).size).toBe(1);
  });

  it("does not go back, without a controller, to a replica that had it before and told of others since", () => {
    const t = setUp({ a: [], b: [] }, { maxOngoingRequests: 99 });
    t.ask("m");
    const first = t.to() as "a" | "b";
    const other = first === "a" ? "b" : "a";
    // Within the time in which it may still be loaded where it was asked for first.
    t.pass(500);
    t.tell({ [first]: ["x", "y"], [other]: ["m"] });
    t.pass(1_500);
    t.router.withoutModels();
    for (let i = 0; i < 20; i++) t.ask("m");
    expect(new Set(t.sent.slice(1).map(({ to }) => to))).toEqual(new Set([other]));
  });

  it("waits a second for a replica that has it and is full, then another one loads it", () => {
    const t = setUp({ a: ["m"], b: ["x"], c: [] });
    t.ask("m");
    t.ask("m");
    expect(t.to()).toBe("a");
    t.pass(999);
    expect(t.to()).toBe("a");
    t.pass(1);
    expect(t.to()).toBe("a c");
    t.answer(t.sent[1]!);
    expect(t.timers()).toBe(0);
  });

  it("has the replica that has it as soon as there is room", () => {
    const t = setUp({ a: ["m"], b: [] });
    t.ask("m");
    t.ask("m");
    t.pass(500);
    t.answer(t.sent[0]!);
    expect(t.to()).toBe("a a");
  });

  it("goes where the model has come to meanwhile", () => {
    const t = setUp({ a: ["m"], b: ["x"] });
    t.ask("m");
    t.ask("m");
    t.tell({ b: ["x", "m"] });
    expect(t.to()).toBe("a b");
  });

  it("keeps no request for another model, or for none, waiting", () => {
    const t = setUp({ a: ["m"], b: ["n"], c: [] });
    for (const model of ["m", "m", "n"]) t.ask(model);
    t.send();
    expect(t.to()).toBe("a b c");
    expect(t.target.queued).toBe(1);
  });

  it("goes anywhere at once where its replicas are gone", () => {
    const t = setUp({ a: ["m"], b: ["x"] });
    t.apply(["b"]);
    t.ask("m");
    expect(t.to()).toBe("b");
  });

  it("goes nowhere by what a replica told before it left the table", () => {
    const t = setUp({ a: ["m"], b: [] });
    t.apply(["b"]);
    t.apply(["b", "a"]);
    t.ask("m");
    expect(t.to()).toBe("b");
  });

  it("goes elsewhere when nobody listens at the replica that has it", () => {
    const t = setUp({ a: ["m"], b: ["x"] });
    t.ask("m");
    t.sent[0]!.onFailed({ kind: "unreachable", gone: true, error: "ECONNREFUSED" });
    expect(t.to()).toBe("a b");
  });

  it("waits at the full replica that has it, when others fill that", () => {
    const t = setUp({ a: ["m"], b: [] }, { maxOngoingRequests: 1 });
    t.ask("m");
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 1 });
    const [, parked] = t.sent;
    expect(parked).toMatchObject({ to: "a", request: { wait: { patienceMs: 200 } } });
    parked!.onEntered?.(false, -1);
    t.answer(parked!);
    expect(t.target).toMatchObject({ queued: 0, ongoing: 0 });
  });

  it("stays with its revision", () => {
    const split = { stableRevision: 1n, canaryRevision: 2n, weight: 0, stickyHeader: "" };
    const t = scriptedRouter();
    t.apply(["a@1", "b@2", "c@2"], { split });
    t.router.applyModels([{ replicaId: "a@1", modelIds: ["m"] }], false);
    t.send({ ...asking("m"), revision: 2 });
    expect(t.sent[0]!.to).not.toBe("a@1");
  });
});

describe("what is known of models", () => {
  it("is replaced by what a replica tells, and by what a new stream begins with", () => {
    const models = new Models();
    models.tell("a", ["m", "n"], 0);
    models.tell("b", ["m"], 0);
    models.tell("a", ["n"], 0);
    expect(["m", "n"].map((model) => models.has("a", model, 0))).toEqual([false, true]);
    models.keep(new Set(["a"]));
    expect(models.has("b", "m", 0)).toBe(false);
  });

  it("is bounded, whatever names clients send", () => {
    const models = new Models();
    for (let i = 0; i < 1_000; i++) models.sent("a", `m${i}`, 0);
    expect(models.count("a", 0)).toBe(64);
    expect(models.has("a", "m999", 0)).toBe(true);
  });
});

describe("names", () => {
  it.each([
    [["serve_multiplexed_model_id", "m"], "m"],
    [["host", "x", "serve-multiplexed-model-id", "m"], "m"],
    [["x-serve_multiplexed_model", "m"], ""],
    [["serve_multiplexed_model_id", modelHeader("日本語/ü")], "日本語/ü"],
    [["serve_multiplexed_model_id", "\xfc"], "ü"],
    [[], ""],
  ])("of a model in %j: %j", (headers, model) => {
    expect(modelOf(headers)).toBe(model);
  });

  it.each([
    ["2.5", 2_500],
    ["0", 0],
    ["", 1_000],
    ["soon", 1_000],
    [undefined, 1_000],
  ])("of the time-out %j: %d ms", (text, ms) => {
    expect(modelWaitMs({ RAY_SERVE_MULTIPLEXED_MODEL_ID_MATCHING_TIMEOUT_S: text })).toBe(ms);
  });
});
