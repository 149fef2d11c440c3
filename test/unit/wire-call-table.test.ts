import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallTable } from "../../src/wire/call-table.ts";

/** Ids that collide in tables of every size, and some that do not. */
const ID = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 0, max: 40 }).map((n) => 1 + n * 64),
  fc.integer({ min: 1, max: 0xffff_ffff }),
);
const STEP = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("set" as const), id: ID }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), id: ID }) },
);

describe("a table of calls", () => {
  it("does what a Map does", () => {
    fc.assert(
      fc.property(fc.array(STEP, { maxLength: 400 }), (steps) => {
        const table = new CallTable<{ step: number }>();
        const map = new Map<number, { step: number }>();
        steps.forEach(({ kind, id }, step) => {
          if (kind === "set") {
            table.set(id, { step });
            map.set(id, { step });
          } else expect(table.delete(id)).toBe(map.delete(id));
          expect(table.size).toBe(map.size);
        });
        for (const { id } of steps) expect(table.get(id)).toEqual(map.get(id));
        const byStep = (a: { step: number }, b: { step: number }): number => a.step - b.step;
        expect(table.all().sort(byStep)).toEqual([...map.values()].sort(byStep));
      }),
      { numRuns: 300 },
    );
  });

  it("keeps a call that stays while a hundred thousand come and go, in the place it began with", () => {
    const table = new CallTable<number>();
    table.set(7, -1);
    for (let id = 8; id < 100_008; id++) {
      table.set(id, id);
      if (id >= 40 && !table.delete(id - 32)) throw new Error(`the call ${id - 32} is lost`);
    }
    expect([table.get(7), table.get(100_007), table.get(9), table.size]).toEqual([-1, 100_007, undefined, 33]);
  });

  it("is empty once it was cleared, and can be filled again", () => {
    const table = new CallTable<string>();
    for (let id = 1; id <= 1_000; id++) table.set(id, String(id));
    table.clear();
    expect([table.size, table.get(500), table.all()]).toEqual([0, undefined, []]);
    table.set(500, "again");
    expect([table.size, table.get(500)]).toEqual([1, "again"]);
  });
});
