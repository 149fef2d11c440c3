import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { tempDir } from "../support/temp-dir.ts";

const SUITE = `
import { beforeAll, describe, expect, it } from "vitest";
describe("a", () => {
  beforeAll(() => { throw new Error("no server"); });
  it("never runs", () => {});
});
describe("b", () => {
  it("differs", () => { expect(1).toBe(2); });
  it("passes", async () => {
    setTimeout(() => { throw new Error("late\\nas ever"); });
    await new Promise((resolve) => setTimeout(resolve, 1));
  });
});
`;

it("tells each failure in a line and counts those of hooks and those that nobody handled", () => {
  const root = tempDir();
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  writeFileSync(join(root, "made-up.test.ts"), SUITE);
  writeFileSync(join(root, "vitest.config.mjs"), "export default {};");
  const vitest = resolve("node_modules/vitest/vitest.mjs");
  const reporter = resolve("test/support/closing-line-reporter.ts");
  const args = [vitest, "run", "--root", root, "--reporter", reporter];
  const run = spawnSync(process.execPath, args, { encoding: "utf8" });
  expect(run.status).toBe(1);
  expect(run.stdout.trimEnd().split("\n").slice(-4)).toEqual([
    expect.stringMatching(/^FAILED an error nobody handled: late as ever/),
    expect.stringMatching(/^FAILED made-up\.test\.ts > a: no server \(.*made-up\.test\.ts:4\)$/),
    expect.stringMatching(/^FAILED made-up\.test\.ts > b > differs: expected 1 to be 2 .* \(.*made-up\.test\.ts:8\)$/),
    "1 passed, 3 failed, 1 skipped",
  ]);
});
