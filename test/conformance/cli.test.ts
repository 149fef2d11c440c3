import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CLI_FILE, runCliFile } from "../../src/conformance/cli/run.ts";
import { systemClock } from "../../src/core/system-clock.ts";

const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
const recorded = readFileSync(new URL(`vectors/${CLI_FILE}`, import.meta.url), "utf8");
const run = (cases: readonly unknown[]) => runCliFile(JSON.stringify({ cases }), { clock: systemClock, fixtures });

const RUNNING = "application a (fixtures:echo) is RUNNING";
const EMPTY = { shape: "empty" };

describe("recorded command lines with windlass in place of serve", () => {
  it("each one passes, or differs by a rule", { timeout: 120_000 }, async () => {
    const report = await runCliFile(recorded, { clock: systemClock, fixtures });
    expect(report.lines.filter((line) => !/^(passed|differs) /.test(line))).toEqual([
      `${CLI_FILE}: 20 passed, 0 failed, 0 not covered`,
    ]);
  });

  it("several configs, an empty instance and written files are compared too", { timeout: 60_000 }, async () => {
    const config = (name: string) => ({ name, route_prefix: `/${name}`, import_path: "fixtures:echo" });
    const report = await run([
      {
        id: "configs",
        given: "applications a (fixtures:echo) and b (fixtures:echo) are RUNNING",
        argv: ["serve", "config"],
        expect: {
          exit_code: 0,
          stdout: { shape: "yaml documents separated by a line ---", documents: [config("a"), config("b")] },
          stderr: EMPTY,
        },
      },
      {
        id: "none",
        given: "no instance runs",
        argv: ["serve", "config"],
        expect: { exit_code: 0, stdout: { shape: "text", text: "No configuration was found." }, stderr: EMPTY },
      },
      {
        id: "absent",
        given: "no instance runs",
        argv: ["serve", "status"],
        expect: {
          exit_code: 0,
          stdout: { shape: "yaml", yaml: { proxies: {}, applications: {}, target_capacity: null } },
          stderr: EMPTY,
        },
      },
      {
        id: "written",
        given: "no server needed",
        argv: ["serve", "build", "fixtures:echo", "-o", "out.yaml"],
        expect: {
          exit_code: 0,
          stdout: { shape: "log lines", lines: [{ level: "INFO", text: "x" }] },
          stderr: EMPTY,
          files: { "out.yaml": { shape: "yaml", yaml: { applications: [config("app1")] } } },
        },
      },
    ]);
    expect(report.lines.slice(0, 4)).toEqual(["passed  configs", "passed  none", "passed  absent", "failed  written"]);
    // The file is compared: the recorded one above lacks most of it.
    expect(report.lines.slice(4)).toContainEqual(expect.stringMatching(/^ {2}out\.yaml\.proxy_location: /));
  });

  it("fails where windlass does not do what was recorded, and says where", { timeout: 60_000 }, async () => {
    const { lines, failed } = await run([
      {
        id: "wrong",
        given: RUNNING,
        argv: ["serve", "config", "-n", "a"],
        expect: {
          exit_code: 0,
          stdout: { shape: "yaml", yaml: { name: "b" }, key_order: ["route_prefix"], leading_comment_lines: 1 },
          stderr: EMPTY,
        },
      },
    ]);
    expect(failed).toBe(1);
    expect(lines).toEqual([
      "failed  wrong",
      '  stdout.name: expected "b", got "a"',
      '  stdout.route_prefix: expected nothing, got "/a"',
      '  stdout.import_path: expected nothing, got "fixtures:echo"',
      '  stdout key order: expected ["route_prefix"], got ["name","route_prefix","import_path"]',
      "  stdout leading comment lines: expected 1, got 0",
      `${CLI_FILE}: 0 passed, 1 failed, 0 not covered`,
    ]);
  });

  it("counts what it does not know neither as passed nor as failed", async () => {
    const expectation = { exit_code: 0, stdout: EMPTY, stderr: EMPTY };
    const report = await run([
      { id: "given", given: "it rains", argv: ["serve"], expect: expectation },
      { id: "shape", given: "no server needed", argv: ["serve"], expect: { ...expectation, stdout: { shape: "x" } } },
      { id: "key", given: "no server needed", argv: ["serve"], expect: { ...expectation, mood: "good" } },
    ]);
    expect(report.lines).toEqual([
      'not covered given: given "it rains"',
      'not covered shape: shape "x"',
      "not covered key: expect.mood",
      `${CLI_FILE}: 0 passed, 0 failed, 3 not covered`,
    ]);
  });

  it("fails a file that is no list of cases", async () => {
    expect(await runCliFile("{", { clock: systemClock, fixtures })).toMatchObject({ passed: 0, failed: 1 });
    expect(await runCliFile("{}", { clock: systemClock, fixtures })).toMatchObject({ passed: 0, failed: 1 });
  });
});
