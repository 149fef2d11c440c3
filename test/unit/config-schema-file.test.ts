import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { validateDeployConfig } from "../../src/config/check.ts";
import { readConfigDocument } from "../../src/config/document.ts";
import { runCli } from "../support/run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const SCHEMA_FILE = join(root, "docs/config.schema.json");
const examples = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".yaml"));

it("docs/config.schema.json is what windlass schema prints; run node scripts/config-schema.mjs", async () => {
  const { out } = await runCli(["schema"]);
  expect(readFileSync(SCHEMA_FILE, "utf8")).toBe(out);
});

describe("editors find the schema", () => {
  it.each(examples)("in %s", (name) => {
    const [first] = readFileSync(join(root, "examples", name), "utf8").split("\n");
    const path = /^# yaml-language-server: \$schema=(\S+)$/.exec(first!)?.[1] ?? "";
    expect(resolve(root, "examples", path)).toBe(SCHEMA_FILE);
  });

  it.each([
    { name: "YAML", text: '$schema: "../docs/config.schema.json"\napplications: []\n' },
    { name: "JSON", text: '{"$schema": "../docs/config.schema.json", "applications": []}' },
  ])("by a key in $name, which is neither stored nor warned of", ({ name, text }) => {
    const read = readConfigDocument(text, `config.${name.toLowerCase()}`);
    if (!read.ok) throw new Error(read.problems.join("\n"));
    expect(validateDeployConfig(read.data, { floats: read.floats })).toEqual({
      ok: true,
      config: { applications: [] },
      warnings: [],
    });
  });

  it("the key anywhere else is a stranger", () => {
    const app = { import_path: "m:a", $schema: "x" };
    expect(validateDeployConfig({ applications: [app] })).toMatchObject({
      warnings: ["applications[0].$schema: is not a known key and was left out"],
    });
  });
});
