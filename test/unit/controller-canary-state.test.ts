import { describe, expect, it } from "vitest";
import {
  type CanaryInput,
  canaryLine,
  canaryReplicas,
  canaryWeight,
  pauseCanary,
  promoteCanary,
  resumeCanary,
  stepCanary,
} from "../../src/controller/canary-state.ts";
import type { CanaryRecord } from "../../src/controller/records.ts";

const START: CanaryRecord = {
  stable: 1,
  revision: 2,
  steps: [
    { weight: 10, pauseS: 60 },
    { weight: 50, pauseS: null },
    { weight: 75, pauseS: 0 },
  ],
  step: 0,
  stickyHeader: "",
  analysis: { minRequests: 100, maxErrorRateIncrease: 0.01, maxLatencyRatio: 2, latencyQuantile: 0.95 },
  phase: { kind: "starting", since: 0 },
};
const RUNNING: CanaryRecord = { ...START, phase: { kind: "running", since: 1_000 } };
const GOOD: CanaryInput = { now: 1_000, ready: true, failure: "", verdict: { kind: "good" }, overtaken: false };
const BREACH = { kind: "breach", reason: "it fails" } as const;

describe("a canary", () => {
  it("gets no requests while its replicas start, whatever the samples say", () => {
    const step = stepCanary(START, { ...GOOD, ready: false, verdict: BREACH });
    expect(step).toMatchObject({ kind: "stay", canary: START, wakeAt: Infinity });
    expect(canaryWeight(START)).toBe(0);
  });

  it("begins its first step, with samples of its own, once it is ready", () => {
    const step = stepCanary(START, GOOD);
    expect(step).toMatchObject({ kind: "stay", newStep: true, canary: RUNNING });
    expect(canaryWeight(RUNNING)).toBe(10);
  });

  it.each([
    ["too few requests", 999_000, { kind: "too-few", seen: 3, wanted: 100 }, "3 of 100 requests seen"],
    ["samples that are unclear", 999_000, { kind: "unclear", reason: "so" }, "looks worse"],
    ["the pause", 60_999, { kind: "good" }, "1 s left of this step"],
  ] as const)("waits for %s", (_, now, verdict, message) => {
    const step = stepCanary(RUNNING, { ...GOOD, now, verdict });
    expect(step).toMatchObject({ kind: "stay", newStep: false, canary: RUNNING });
    expect(step).toMatchObject({ message: expect.stringContaining(message) });
  });

  it("goes on when pause and samples allow, waits at a pause without end, and is promoted after the last step", () => {
    const second = stepCanary(RUNNING, { ...GOOD, now: 61_000 });
    expect(second).toMatchObject({ kind: "stay", newStep: true, canary: { step: 1, phase: { since: 61_000 } } });
    if (second.kind !== "stay") return;
    const waiting = stepCanary(second.canary, { ...GOOD, now: 62_000 });
    expect(waiting).toMatchObject({ canary: { step: 1, phase: { kind: "awaiting-promotion" } } });
    if (waiting.kind !== "stay") return;
    expect(stepCanary(waiting.canary, { ...GOOD, now: 900_000 })).toMatchObject({ canary: waiting.canary });
    const third = promoteCanary(waiting.canary, { full: false, overtaken: false }, 900_000);
    expect(third).toMatchObject({ canary: { step: 2, phase: { kind: "running" } } });
    if (third.kind !== "stay") return;
    expect(stepCanary(third.canary, { ...GOOD, now: 900_000 })).toEqual({ kind: "promote" });
  });

  it.each(["running", "awaiting-promotion", "paused"] as const)("is aborted by a breach while %s", (kind) => {
    const phase = kind === "paused" ? { kind, since: 0, by: "admin" } : { kind, since: 0 };
    expect(stepCanary({ ...START, phase }, { ...GOOD, verdict: BREACH })).toEqual({
      kind: "abort",
      reason: "it fails",
    });
  });

  it("is aborted when its replicas cannot be had", () => {
    expect(stepCanary(START, { ...GOOD, ready: false, failure: "no start" })).toEqual({
      kind: "abort",
      reason: "no start",
    });
  });

  it("stays where it is while held, and begins its step anew when it goes on", () => {
    const held = pauseCanary(RUNNING, "admin", 5_000);
    expect(held.phase).toEqual({ kind: "paused", since: 5_000, by: "admin" });
    expect(pauseCanary(held, "token/x", 6_000)).toBe(held);
    expect(stepCanary(held, { ...GOOD, now: 999_000 })).toMatchObject({ kind: "stay", canary: held });
    expect(resumeCanary(held, 7_000)).toEqual({ ...RUNNING, phase: { kind: "running", since: 7_000 } });
    expect(resumeCanary(RUNNING, 7_000)).toBe(RUNNING);
  });

  it("cannot be held or moved on before it has requests, but promoted whole", () => {
    expect(() => pauseCanary(START, "admin", 0)).toThrow("still start");
    expect(() => promoteCanary(START, { full: false, overtaken: false }, 0)).toThrow("still start");
    expect(promoteCanary(START, { full: true, overtaken: false }, 0)).toEqual({ kind: "promote" });
  });

  it.each([
    [0, 0],
    [1, 1],
    [10, 1],
    [11, 2],
    [100, 10],
  ])("of %d stable replicas has %d beside them at 10 %%", (target, replicas) => {
    expect(canaryReplicas(RUNNING, target)).toBe(replicas);
  });

  it("that a newer revision's failed build overtook stays where it is, and may only be sent back", () => {
    const overtaken = { ...GOOD, now: 999_000, overtaken: true };
    for (const canary of [START, RUNNING]) {
      expect(stepCanary(canary, overtaken)).toMatchObject({
        kind: "stay",
        canary,
        message: "held: a newer revision failed to build; put a config again, or abort it",
      });
    }
    expect(stepCanary(RUNNING, { ...overtaken, verdict: BREACH })).toEqual({ kind: "abort", reason: "it fails" });
    expect(() => promoteCanary(RUNNING, { full: true, overtaken: true }, 0)).toThrow("failed to build");
  });

  it.each([
    { phase: { kind: "starting", since: 0 }, says: "Canary: revision 2 starts beside revision 1." },
    {
      phase: { kind: "running", since: 0 },
      says: "Canary: revision 2 gets 10 % of the requests (step 1 of 3).",
    },
    {
      phase: { kind: "paused", since: 0, by: "token/x" },
      says: "Canary: revision 2 gets 10 % of the requests (step 1 of 3); paused by token/x.",
    },
    {
      phase: { kind: "awaiting-promotion", since: 0 },
      says: "Canary: revision 2 gets 10 % of the requests (step 1 of 3); waits for its promotion.",
    },
  ] as const)("that is $phase.kind says so in one line", ({ phase, says }) => {
    expect(canaryLine({ ...START, phase })).toBe(says);
  });
});
