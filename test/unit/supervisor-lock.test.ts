import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { identify } from "../../src/supervisor/process-identity.ts";
import { lockStateDir } from "../../src/supervisor/start-lock.ts";
import { tempDir } from "../support/temp-dir.ts";

const self = identify(process.pid)!;
const parent = identify(process.ppid)!;

it("names the other one while it runs, and leaves nothing behind", () => {
  const folder = tempDir();
  const unlock = lockStateDir(folder, self);
  expect(() => lockStateDir(folder, parent)).toThrow(
    `another Windlass (pid ${process.pid}) uses the state dir ${folder}: stop it or choose another with --state-dir`,
  );
  expect(readdirSync(folder)).toEqual(["start.lock"]);
  unlock();
  expect(readdirSync(folder)).toEqual([]);
});

it.each([
  { name: "one whose process is gone", text: JSON.stringify({ ...self, pid: 2 ** 22 + 1 }) },
  { name: "one whose pid belongs to a later process", text: JSON.stringify({ ...self, startTime: "1" }) },
  { name: "one of an earlier boot", text: JSON.stringify({ ...self, bootId: "before" }) },
  { name: "a damaged one", text: '{"pid":' },
  { name: "an empty one", text: "" },
])("takes a lock over that was left behind: $name", ({ text }) => {
  const folder = tempDir();
  writeFileSync(join(folder, "start.lock"), text);
  const unlock = lockStateDir(folder, self);
  expect(() => lockStateDir(folder, parent)).toThrow(`pid ${process.pid}`);
  unlock();
  expect(existsSync(join(folder, "start.lock"))).toBe(false);
});

it("gives only its own lock back", () => {
  const folder = tempDir();
  const unlock = lockStateDir(folder, { ...self, pid: 2 ** 22 + 1 });
  const second = lockStateDir(folder, self);
  unlock();
  expect(existsSync(join(folder, "start.lock"))).toBe(true);
  second();
});
