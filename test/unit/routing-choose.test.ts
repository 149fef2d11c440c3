import { array, assert, double, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import type { Random } from "../../src/core/random.ts";
import { chooseReplica } from "../../src/routing/choose.ts";

const fixed = (...values: number[]): Random => ({ next: () => values.shift() ?? 0 });
const candidates = (counts: readonly number[]) => counts.map((ongoing, index) => ({ id: `r${index}`, ongoing }));
const chance = double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

describe("chooseReplica", () => {
  it("never takes a full replica, and takes one whenever one is open", () => {
    assert(
      property(array(integer({ min: 0, max: 8 })), integer({ min: 1, max: 8 }), chance, chance, (counts, max, a, b) => {
        const chosen = chooseReplica(candidates(counts), max, fixed(a, b));
        if (counts.every((count) => count >= max)) expect(chosen).toBeUndefined();
        else expect(chosen!.ongoing).toBeLessThan(max);
      }),
    );
  });

  it("never takes the busiest of several open replicas", () => {
    assert(
      property(array(integer({ min: 0, max: 9 }), { minLength: 2 }), chance, chance, (counts, a, b) => {
        const most = Math.max(...counts);
        if (counts.filter((count) => count === most).length > 1) return;
        expect(chooseReplica(candidates(counts), 10, fixed(a, b))!.ongoing).toBeLessThan(most);
      }),
    );
  });

  it("takes the idle one of two, always", () => {
    for (let i = 0; i < 200; i++) {
      expect(chooseReplica(candidates([4, 0]), 5, fixed((i % 20) / 20, (i % 7) / 7))?.id).toBe("r1");
    }
  });

  it("draws each pair with the same chance", () => {
    let seed = 1;
    const random: Random = {
      next: () => {
        seed = (seed * 48271) % 2147483647;
        return seed / 2147483647;
      },
    };
    const taken = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const { id } = chooseReplica(candidates([0, 0, 0, 0]), 5, random)!;
      taken.set(id, (taken.get(id) ?? 0) + 1);
    }
    for (const count of taken.values()) expect(Math.abs(count - 3_000)).toBeLessThan(250);
    expect(taken.size).toBe(4);
  });

  it("keeps out what counts as infinite", () => {
    expect(chooseReplica(candidates([Number.POSITIVE_INFINITY]), 5, fixed())).toBeUndefined();
  });
});
