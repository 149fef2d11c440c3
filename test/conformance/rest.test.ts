import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { REST_FILE, runRestFile } from "../../src/conformance/rest/run.ts";
import { systemClock } from "../../src/core/system-clock.ts";

const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));
const recorded = readFileSync(new URL(`vectors/${REST_FILE}`, import.meta.url), "utf8");

/** Every fifth scenario; all of them take minutes and run with `npm run conformance`. */
const STRIDE = 5;

describe("recorded scenarios against a running Windlass", () => {
  it("each one passes, or differs by a rule", { timeout: 180_000 }, async () => {
    const report = await runRestFile(recorded, {
      clock: systemClock,
      fixtures,
      select: (index) => index % STRIDE === 0,
    });
    expect(report.lines.filter((line) => /^(failed| )/.test(line))).toEqual([]);
    expect(report.failed).toBe(0);
    expect(report.passed).toBeGreaterThan(8);
  });

  it("fails where Windlass does not do what was recorded, and says where", { timeout: 60_000 }, async () => {
    const get = { request: { method: "GET", path: "/api/serve/applications/" } };
    const wrong = {
      id: "wrong",
      start: "none",
      steps: [
        { ...get, expect: { status: 418 } },
        { ...get, expect: { status: 200, match: "subset", json: { target_capacity: 50 } } },
        { compare_replicas: { label: "r", application: "a", deployment: "D", relation: "same", now: 2 } },
        { wait_until: { condition: { instance: true }, timeout_s: 0.1 } },
      ],
    };
    const report = await runRestFile(JSON.stringify({ cases: [wrong] }), { clock: systemClock, fixtures });
    expect(report).toMatchObject({ passed: 0, failed: 1 });
    expect(report.lines.filter((line) => line.startsWith("    "))).toEqual([
      "    status: expected 418, got 200",
      expect.stringMatching(/^ {4}answer: /),
      "    target_capacity: expected 50, got null",
      expect.stringMatching(/^ {4}answer: /),
      '    same: expected {"before":[],"now":2}, got []',
      '    whole: expected {"condition":{"instance":true},"timeout_s":0.1}, got {"applications":{},"instance":false}',
    ]);
  });

  it("counts a scenario that needs what is not there yet neither as passed nor as failed", async () => {
    const cases = [{ id: "later", start: "empty", steps: [{ imperative_deploy: { application: "a" } }] }];
    const report = await runRestFile(JSON.stringify({ cases }), { clock: systemClock, fixtures });
    expect(report).toMatchObject({ passed: 0, failed: 0 });
    expect(report.lines[0]).toBe("not covered later: imperative");
  });

  it("fails a file that is no list of scenarios", async () => {
    expect((await runRestFile("[]", { clock: systemClock, fixtures })).failed).toBe(1);
    expect((await runRestFile("{", { clock: systemClock, fixtures })).failed).toBe(1);
  });
});
