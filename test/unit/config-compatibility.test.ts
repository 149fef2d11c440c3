import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CHECK_RULES } from "../../src/config/check.ts";
import { TRANSCRIPT_RULES } from "../../src/conformance/cli/rules.ts";
import { ANSWER_RULES, BROWSER_RULE } from "../../src/conformance/rest/answer-rules.ts";
import { COMPARISON_RULES, WAIT_RULES } from "../../src/conformance/rest/standing-rules.ts";

const page = readFileSync(new URL("../../docs/compatibility.md", import.meta.url), "utf8");

/** The rows below a heading, as cells. */
function rowsOf(heading: string): string[][] {
  const section = page.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const CHECKS = rowsOf("Rules of the check");
const TRAPS = rowsOf("Traps of the reference");
const OTHERS = rowsOf("Beyond the config");

describe("docs/compatibility.md", () => {
  it("has a row for each rule of the check, and none besides", () => {
    expect(CHECKS.map(([id]) => id).sort()).toEqual(
      Object.keys(CHECK_RULES)
        .map((id) => `\`${id}\``)
        .sort(),
    );
  });

  it("has a row for each trap, in order", () => {
    expect(TRAPS.map(([id]) => id)).toEqual(Array.from({ length: 20 }, (_, index) => `T${index + 1}`));
  });

  it("says in each row what, how the reference does it, how we do, and why", () => {
    for (const row of [...CHECKS, ...TRAPS, ...OTHERS]) {
      expect(row, row[0]).toHaveLength(5);
      expect(
        row.filter((cell) => cell === ""),
        row[0],
      ).toEqual([]);
    }
  });

  it("lists each rule by which the conformance runner lets a live case differ, with where it is explained", () => {
    const rows = new Map(rowsOf("What the conformance runner lets differ").map(([rule, see]) => [rule, see]));
    const explained = new Set([...CHECKS, ...TRAPS, ...OTHERS].map(([id]) => id));
    for (const { name } of [...ANSWER_RULES, BROWSER_RULE, ...WAIT_RULES, ...COMPARISON_RULES, ...TRANSCRIPT_RULES]) {
      expect([...rows.keys()]).toContain(`\`${name}\``);
    }
    for (const see of rows.values()) for (const id of see!.split(", ")) expect([...explained]).toContain(id);
  });
});
