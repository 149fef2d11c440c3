import { describe, expect, it } from "vitest";
import { Deadlines } from "../../src/core/deadlines.ts";
import { randomInt } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";

describe("deadlines", () => {
  it("have none at first", () => {
    const deadlines = new Deadlines();
    expect(deadlines.earliest()).toBe(Number.POSITIVE_INFINITY);
    expect(deadlines.due(Number.POSITIVE_INFINITY)).toEqual([]);
    expect(deadlines.get("a")).toBe(Number.POSITIVE_INFINITY);
  });

  it("are due at their time, and until they are set anew, in the order in which they were set first", () => {
    const deadlines = new Deadlines();
    deadlines.set("b", 20);
    deadlines.set("a", 10);
    deadlines.set("c", Number.NEGATIVE_INFINITY);
    expect(deadlines.due(9)).toEqual(["c"]);
    expect(deadlines.due(20)).toEqual(["b", "a", "c"]);
    expect(deadlines.due(20)).toEqual(["b", "a", "c"]);
    deadlines.set("b", 21);
    deadlines.delete("c");
    expect(deadlines.due(20)).toEqual(["a"]);
    expect(deadlines.earliest()).toBe(10);
  });

  it("that are never due keep their place in the order", () => {
    const deadlines = new Deadlines();
    deadlines.set("first", Number.POSITIVE_INFINITY);
    deadlines.set("second", 5);
    expect(deadlines.earliest()).toBe(5);
    deadlines.set("first", 5);
    expect(deadlines.due(5)).toEqual(["first", "second"]);
    deadlines.set("second", Number.POSITIVE_INFINITY);
    expect(deadlines.due(5)).toEqual(["first"]);
  });

  it.each([1, 2, 3, 4, 5])("are what a look at all of them finds, whatever was set and deleted (seed %i)", (seed) => {
    const random = seededRandom(seed);
    const deadlines = new Deadlines();
    const plain = new Map<string, number>();
    for (let step = 0; step < 2_000; step++) {
      const key = `k${randomInt(random, 40)}`;
      const roll = random.next();
      if (roll < 0.15) {
        deadlines.delete(key);
        plain.delete(key);
      } else {
        const at = roll < 0.3 ? Number.POSITIVE_INFINITY : randomInt(random, 100);
        deadlines.set(key, at);
        plain.set(key, at);
      }
      const now = randomInt(random, 100);
      expect(deadlines.earliest()).toBe(Math.min(...plain.values(), Number.POSITIVE_INFINITY));
      expect(deadlines.due(now)).toEqual([...plain].filter(([, at]) => at <= now).map(([name]) => name));
      expect(deadlines.get(key)).toBe(plain.get(key) ?? Number.POSITIVE_INFINITY);
    }
  });
});
