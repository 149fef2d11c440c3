import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PAGE = readFileSync(join(ROOT, "docs/clients.md"), "utf8");

const rows = [
  ...PAGE.matchAll(/^\| (\w+) \| ([^|]+) \| ([^|]+) \| \[clients\/(\w+)\]\(\.\.\/([^)#]+)(#[^)]*)?\) \|$/gm),
].map(([, language, runsOn, speaks, folder, readme]) => ({
  language,
  runsOn: runsOn!,
  speaks,
  folder: folder!,
  readme: readme!,
}));

it("every client has a row", () => {
  expect([...new Set(rows.map(({ folder }) => folder))].sort()).toEqual(readdirSync(join(ROOT, "clients")).sort());
});

it.each(rows)("the row of $language on $runsOn says what its README says", ({ folder, runsOn, readme }) => {
  expect(readme).toBe(`clients/${folder}/README.md`);
  const text = readFileSync(join(ROOT, readme), "utf8").replace(/\s+/g, " ");
  const [version] = /^[^,]+/.exec(runsOn)!;
  expect(text).toContain(version);
});

it("the files that the page links to are there", () => {
  const links = [...PAGE.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link]) => link!);
  expect(links.length).toBeGreaterThan(8);
  expect(links.filter((link) => !existsSync(join(ROOT, "docs", link)))).toEqual([]);
});

it("the headers that pages may read are those that are exposed", () => {
  const exposed = [...readFileSync(join(ROOT, "src/api/cors.ts"), "utf8").matchAll(/^ {2}"([\w-]+)",$/gm)].map(
    ([, name]) => name!,
  );
  expect(exposed.length).toBeGreaterThan(5);
  const told = [
    ...PAGE.split("pages may read")[1]!
      .split("beside")[0]!
      .matchAll(/`([\w-]+)`/g),
  ].map(([, name]) => name!.toLowerCase());
  expect(told.filter((name) => !exposed.includes(name))).toEqual([]);
});
