import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tidy } from "../../src/engine/local/housekeeping.ts";
import { tempDir } from "../support/temp-dir.ts";

const NOW = 1_700_000_000_000;

it("removes bundles nobody names after an hour, and the oldest replica logs; other files stay", () => {
  const dir = tempDir();
  const bundle = (name: string, ageMs: number): string => {
    mkdirSync(join(dir, "bundles", name), { recursive: true });
    utimesSync(join(dir, "bundles", name), (NOW - ageMs) / 1000, (NOW - ageMs) / 1000);
    return join(dir, "bundles", name, "app.mjs");
  };
  const used = bundle("used", 9e9);
  bundle("fresh", 1000);
  bundle("old", 9e9);
  mkdirSync(join(dir, "logs"));
  for (let i = 0; i < 510; i++) {
    const path = join(dir, "logs", `app_Dep_aaaa${String(i).padStart(4, "0")}.log`);
    writeFileSync(path, "");
    utimesSync(path, NOW / 1000 + i, NOW / 1000 + i);
  }
  writeFileSync(join(dir, "logs", "controller.log"), "");

  tidy(dir, new Set([used]), NOW);

  expect(readdirSync(join(dir, "bundles")).sort()).toEqual(["fresh", "used"]);
  const logs = readdirSync(join(dir, "logs"));
  expect(logs).toContain("controller.log");
  expect(logs).toHaveLength(501);
  expect(logs).toContain("app_Dep_aaaa0509.log");
  expect(logs).not.toContain("app_Dep_aaaa0009.log");
});

it("removes unpacked working dirs nobody names after an hour, and what servers said after a month", () => {
  const dir = tempDir();
  const made = (name: string, ageMs: number): string => {
    const path = join(dir, "working-dirs", name);
    mkdirSync(join(dir, "working-dirs"), { recursive: true });
    if (name.endsWith(".etag")) writeFileSync(path, "{}");
    else mkdirSync(path);
    utimesSync(path, (NOW - ageMs) / 1000, (NOW - ageMs) / 1000);
    return path;
  };
  const used = made("used", 9e9);
  made("fresh", 1000);
  made("old", 9e6);
  made(".draft-0", 9e6);
  made("a.etag", 9e6);
  made("b.etag", 9e9);

  tidy(dir, new Set([used]), NOW);

  expect(readdirSync(join(dir, "working-dirs")).sort()).toEqual(["a.etag", "fresh", "used"]);
});

it("has nothing to do in a state dir that is empty", () => {
  expect(() => tidy(tempDir(), new Set(), NOW)).not.toThrow();
});
