import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseRevision, namedRevision, type SplitRule } from "../../src/routing/split.ts";
import { get, head, scriptedRouter } from "../support/scripted-router.ts";
import { seededRandom } from "../support/seeded-random.ts";

const rule = (weight: number): SplitRule => ({ stableRevision: 1, canaryRevision: 2, weight, stickyHeader: "x-user" });
const split = (weight: number) => ({ stableRevision: 1n, canaryRevision: 2n, weight, stickyHeader: "X-User" });

describe("the choice of a revision", () => {
  it("gives each revision its share when it is drawn", () => {
    const random = seededRandom(7);
    const canary = Array.from({ length: 20_000 }, () => chooseRevision(rule(10), undefined, random)).filter(
      (revision) => revision === 2,
    ).length;
    expect(canary / 20_000).toBeCloseTo(0.1, 1);
    expect(Math.abs(canary - 2_000)).toBeLessThan(200);
  });

  it("gives each revision its share of values to stick to, however alike they are", () => {
    const never = { next: () => Number.NaN };
    const canary = Array.from({ length: 20_000 }, (_, user) => chooseRevision(rule(25), `user-${user}`, never)).filter(
      (revision) => revision === 2,
    ).length;
    expect(Math.abs(canary - 5_000)).toBeLessThan(300);
  });

  it("moves values to the canary as its weight grows, and none back", () => {
    const never = { next: () => Number.NaN };
    fc.assert(
      fc.property(fc.string(), fc.nat(100), fc.nat(100), (value, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        const before = chooseRevision(rule(less), value, never);
        expect(chooseRevision(rule(less), value, never)).toBe(before);
        if (before === 2) expect(chooseRevision(rule(more), value, never)).toBe(2);
      }),
    );
  });

  it.each([
    [0, 1],
    [100, 2],
  ])("at a weight of %d is always revision %d", (weight, revision) => {
    for (const next of [0, 0.5, 0.999_999]) {
      expect(chooseRevision(rule(weight), undefined, { next: () => next })).toBe(revision);
    }
  });

  it.each([
    ["1", 1],
    ["2", 2],
    ["3", undefined],
    ["02", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("a caller that names %j gets %j", (name, revision) => {
    expect(namedRevision(rule(50), name)).toBe(revision);
  });
});

describe("a router between two revisions", () => {
  it("sends a request to a replica of its revision, and tells how requests are shared", () => {
    const { apply, send, sent, target } = scriptedRouter();
    apply(["a@1", "b@2"], { split: split(50) });
    expect(target.split).toEqual(rule(50));
    send({ ...get, revision: 2 });
    send({ ...get, revision: 1 });
    expect(sent.map(({ to }) => to)).toEqual(["b@2", "a@1"]);
  });

  it("draws a revision for a request that names none", () => {
    const draws = [0.4, 0.6];
    const { apply, send, sent } = scriptedRouter({ next: () => draws.shift() ?? 0 });
    apply(["a@1", "b@2"], { split: split(50) });
    send();
    send();
    expect(sent.map(({ to }) => to)).toEqual(["b@2", "a@1"]);
  });

  it("uses replicas that serve every revision for both", () => {
    const { apply, send, sent } = scriptedRouter();
    apply(["a@0"], { split: split(50), maxOngoingRequests: 2 });
    send({ ...get, revision: 1 });
    send({ ...get, revision: 2 });
    expect(sent.map(({ to }) => to)).toEqual(["a@0", "a@0"]);
  });

  it("keeps a revision without room from holding up the other, and each in its order", () => {
    const { apply, send, sent, target } = scriptedRouter();
    apply(["a@1", "b@2"], { split: split(50) });
    send({ ...get, revision: 2 });
    const second = send({ ...get, revision: 2 });
    const third = send({ ...get, revision: 2 });
    send({ ...get, revision: 1 });
    expect(sent.map(({ to }) => to)).toEqual(["b@2", "a@1"]);
    expect(target.queued).toBe(2);
    sent[0]!.onAccepted(head());
    sent[0]!.onEnd();
    expect(sent.map(({ to }) => to)).toEqual(["b@2", "a@1", "b@2"]);
    sent[2]!.onAccepted(head());
    expect([second.state, third.state]).toEqual(["head", "waiting"]);
  });

  it("counts both revisions' waiters against the limit of the queue", () => {
    const { apply, send } = scriptedRouter();
    apply(["a@1", "b@2"], { split: split(50), maxQueuedRequests: 1 });
    send({ ...get, revision: 1 });
    send({ ...get, revision: 2 });
    expect(send({ ...get, revision: 1 }).state).toBe("waiting");
    expect(send({ ...get, revision: 2 }).failure?.kind).toBe("backpressure");
  });

  it("gives what waits for a revision to the other one when it is gone, in order of arrival", () => {
    const { apply, send, sent } = scriptedRouter();
    apply(["a@1", "b@2"], { split: split(50) });
    for (const revision of [1, 2, 2, 1]) send({ ...get, revision });
    expect(sent.map(({ to }) => to)).toEqual(["a@1", "b@2"]);
    apply(["a@1"], { maxOngoingRequests: 5 });
    expect(sent.map(({ to }) => to)).toEqual(["a@1", "b@2", "a@1", "a@1"]);
    sent[1]!.onAccepted(head());
    sent[1]!.onEnd();
    expect(sent).toHaveLength(4);
  });

  it("fails everybody who waits, of whichever revision, when the deployment is gone", () => {
    const { apply, router, send } = scriptedRouter();
    apply(["a@1", "b@2"], { split: split(50) });
    const outcomes = [1, 2, 1, 2].map((revision) => send({ ...get, revision }));
    router.apply({ deployments: [] });
    expect(outcomes.map(({ failure }) => failure?.kind)).toEqual([undefined, undefined, "absent", "absent"]);
  });

  it("loses and repeats none of many requests under any order of tables, ends and cancellations", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("send" as const), revision: fc.nat(2) }),
      fc.record({ kind: fc.constant("end" as const), at: fc.nat() }),
      fc.record({ kind: fc.constant("cancel" as const), at: fc.nat() }),
      fc.record({
        kind: fc.constant("table" as const),
        ids: fc.uniqueArray(fc.constantFrom("a@1", "b@1", "c@2", "d@2", "e@0"), { minLength: 1 }),
        split: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { apply, send, sent, target } = scriptedRouter(seededRandom(1));
        apply(["a@1", "c@2"], { split: split(50) });
        const outcomes: ReturnType<typeof send>[] = [];
        const cancelled = new Set<number>();
        const ended = new Set<number>();
        const end = (index: number): void => {
          if (ended.has(index) || sent[index]!.cancelled) return;
          ended.add(index);
          sent[index]!.onAccepted(head());
          sent[index]!.onEnd();
        };
        for (const each of steps) {
          if (each.kind === "send") outcomes.push(send({ ...get, revision: each.revision }));
          else if (each.kind === "table") apply(each.ids, each.split ? { split: split(50) } : {});
          else if (each.kind === "end" && sent.length > 0) end(each.at % sent.length);
          else if (each.kind === "cancel" && outcomes.length > 0) {
            cancelled.add(each.at % outcomes.length);
            outcomes[each.at % outcomes.length]!.cancel();
          }
        }
        for (let index = 0; index < sent.length; index++) end(index);
        expect(target.queued).toBe(0);
        expect(target.ongoing).toBe(0);
        outcomes.forEach(({ state }, index) => {
          if (!cancelled.has(index)) expect(state).toBe("ended");
        });
        expect(sent.length).toBeLessThanOrEqual(outcomes.length);
      }),
    );
  });
});
