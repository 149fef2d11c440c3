import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runVectorFile } from "../../src/conformance/run.ts";

const FILES = ["desired_replicas.json", "policy_trajectories.json", "timeseries_aggregation.json"] as const;
const read = (name: string): { cases: unknown[] } =>
  JSON.parse(readFileSync(new URL(`vectors/${name}`, import.meta.url), "utf8"));

/** The same document with its first number raised; undefined when there is none. */
function spoiled(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "boolean") return !value;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [name, item] of Object.entries(value)) {
    const other = spoiled(item);
    if (other === undefined) continue;
    return Array.isArray(value) ? value.with(Number(name), other) : { ...value, [name]: other };
  }
  return undefined;
}

describe("the runner of autoscaling cases", () => {
  it.each(FILES)("%s: a case with another expectation fails", (name) => {
    const cases = read(name).cases as { expected: unknown }[];
    const wrong = cases.flatMap((each) => {
      const expected = spoiled(each.expected);
      return expected === undefined ? [] : [{ ...each, expected }];
    });
    expect(wrong.length).toBeGreaterThan(cases.length / 2);
    const report = runVectorFile(name, JSON.stringify({ cases: wrong }));
    expect([report?.passed, report?.failed]).toEqual([0, wrong.length]);
  });

  it.each(FILES)("%s: a case of an unknown function fails", (name) => {
    const strange = { id: "x", fn: "toString", input: { policy: "default", config: {}, ticks: null }, expected: null };
    expect(runVectorFile(name, JSON.stringify({ cases: [strange] }))?.failed).toBe(1);
  });

  it("numbers of series may differ in their last bits only", () => {
    const of = (expected: number) => ({
      id: "x",
      fn: "merge_and_aggregate",
      input: {
        series: [
          [
            [0, 1],
            [3, 2],
          ],
        ],
        now: 6,
        function: "mean",
      },
      expected,
    });
    const run = (expected: number) => runVectorFile(FILES[2], JSON.stringify({ cases: [of(expected)] }))?.failed;
    expect([run(1.5), run(1.5 + 1e-12), run(1.5 + 1e-6)]).toEqual([0, 0, 1]);
  });
});
