/** docs/three-paths.md has the tables that test/e2e/three-paths*.test.ts hold true. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PAGE, pageOf, SECTIONS } from "../support/three-paths/page.ts";

it("docs/three-paths.md holds the tables of its test, `node test/support/three-paths/page.ts` writes them", () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toBe(pageOf(page));
});

it("every difference has its reason", () => {
  const rows = SECTIONS.flatMap(({ rows }) => rows);
  expect(rows.length).toBeGreaterThan(40);
  for (const { gives } of rows) if (typeof gives !== "string") expect(gives.why).toMatch(/^\S.*\.$/);
  expect(new Set(rows.map(({ title }) => title)).size).toBe(rows.length);
});
