import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { RUNNERS, runVectorFile } from "../../src/conformance/run.ts";

const read = (name: string): string => readFileSync(new URL(`vectors/${name}`, import.meta.url), "utf8");

describe("recorded cases of the reference", () => {
  it.each(Object.keys(RUNNERS))("%s: every committed case passes", (name) => {
    const report = runVectorFile(name, read(name));
    expect(report?.lines.filter((line) => !line.startsWith("differs"))).toEqual([`${name}: 60 passed, 0 failed`]);
  });

  it("names a file of unknown shape as not covered", () => {
    expect(runVectorFile("something_else.json", "{}")).toBeUndefined();
  });

  it("fails a file that is no list of cases", () => {
    expect(runVectorFile("deploy_config_validation.json", "[]")?.failed).toBe(1);
    expect(runVectorFile("deploy_config_validation.json", "{")?.failed).toBe(1);
  });

  it("prints id, expected and actual of a case that fails", () => {
    const wrong = { id: "x-1", input: { applications: [] }, expected: { valid: false, fields: ["a"], kinds: ["b"] } };
    const report = runVectorFile("deploy_config_validation.json", JSON.stringify({ cases: [wrong] }));
    expect(report?.failed).toBe(1);
    expect(report?.lines).toEqual([
      "failed deploy_config_validation.json x-1",
      '  expected {"fields":["a"],"kinds":["b"],"valid":false}',
      '  actual   {"normalized":{"applications":[]},"valid":true}',
      "deploy_config_validation.json: 0 passed, 1 failed",
    ]);
  });

  it("does not pass a crash case that was accepted", () => {
    const wrong = { id: "x-2", input: { applications: [] }, expected: { valid: false, crash: "TypeError" } };
    expect(runVectorFile("deploy_config_validation.json", JSON.stringify({ cases: [wrong] }))?.failed).toBe(1);
  });
});
