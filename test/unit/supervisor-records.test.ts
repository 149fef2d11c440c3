import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { RunRecords } from "../../src/supervisor/run-records.ts";
import { tempDir } from "../support/temp-dir.ts";

const supervisor = (pid: number) =>
  ({ id: "supervisor", role: "supervisor", process: { pid, startTime: "1", bootId: "b" } }) as const;

it("reads what an earlier supervisor left", () => {
  const path = join(tempDir(), "run.json");
  const records = new RunRecords(path);
  records.create(supervisor(1));
  records.set({ id: "proxy/0", role: "proxy", process: null });
  records.delete("proxy/0");
  expect(new RunRecords(path).readPrevious()).toEqual([supervisor(1)]);
});

it.each(["", "{", "{}", "null", '"text"'])("reads a file that holds %j as empty", (text) => {
  const path = join(tempDir(), "run.json");
  writeFileSync(path, text);
  expect(new RunRecords(path).readPrevious()).toEqual([]);
});

it("clears its own file, and leaves that of a supervisor that came since", () => {
  const path = join(tempDir(), "run.json");
  const first = new RunRecords(path);
  first.create(supervisor(1));
  new RunRecords(path).create(supervisor(2));
  first.clear();
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual([supervisor(2)]);
  const second = new RunRecords(path);
  second.create(supervisor(2));
  second.clear();
  expect(existsSync(path)).toBe(false);
});
