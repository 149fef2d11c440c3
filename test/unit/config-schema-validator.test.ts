/** The JSON Schema in the hands of a validator that others wrote, as editors and pipelines have one. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { VERSION } from "../../src/cli/version.ts";
import { runCli } from "../support/run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const schema = JSON.parse(readFileSync(join(root, "docs/config.schema.json"), "utf8")) as Record<string, unknown>;

/** Strict: what the validator does not know in the schema is an error. */
function validator(): ValidateFunction {
  return new Ajv2020({ strict: true, allowUnionTypes: true, allErrors: true }).compile(schema);
}

const validate = validator();

/** Every document of a text, as plain data. */
function documents(text: string): unknown[] {
  return parseAllDocuments(text, { merge: true }).map((document) => document.toJS() as unknown);
}

const examples = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".yaml") && !path.includes("node_modules"))
  .filter((path) => /^applications:/m.test(readFileSync(join(root, "examples", path), "utf8")))
  .sort();

describe("docs/config.schema.json", () => {
  it("is a schema of the draft that it names, and says whose it is", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "urn:windlass:config",
      $comment: `Windlass ${VERSION}`,
      title: "Windlass config",
    });
    expect(new Ajv2020().validateSchema(schema)).toBe(true);
  });

  it("is found among the examples by many", () => {
    expect(examples).toContain("quickstart.yaml");
    expect(examples).toContain(join("gitops", "hello.yaml"));
    expect(examples.length).toBeGreaterThan(9);
  });

  it.each(examples)("accepts examples/%s", (path) => {
    for (const document of documents(readFileSync(join(root, "examples", path), "utf8"))) {
      expect([validate(document), validate.errors]).toEqual([true, null]);
    }
  });

  const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  const blocks = ["README.md", ...pages.map((name) => join("docs", name))].flatMap((page) =>
    [...readFileSync(join(root, page), "utf8").matchAll(/^```ya?ml\n(.*?)^```/gms)]
      .map((match) => match[1]!)
      .filter((text) => /^applications:/m.test(text) && !text.includes("…") && !/(^|\s)\.\.\.($|\s)/.test(text))
      .map((text, index) => ({ name: `${page}, config ${index + 1}`, text })),
  );
  it.each(blocks)("accepts $name", ({ text }) => {
    for (const document of documents(text)) expect([validate(document), validate.errors]).toEqual([true, null]);
  });

  it.each([
    { name: "a missing list", config: {}, at: "", keyword: "required" },
    {
      name: "a port that is a word",
      config: { applications: [], http_options: { port: "x" } },
      at: "/http_options/port",
    },
    {
      name: "no replicas",
      config: { applications: [{ import_path: "a:b", deployments: [{ name: "D", num_replicas: 0 }] }] },
      at: "/applications/0/deployments/0/num_replicas",
    },
  ])("refuses $name, and says where", ({ config, at }) => {
    expect(validate(config)).toBe(false);
    expect(validate.errors?.map(({ instancePath }) => instancePath)).toContain(at);
  });

  it("is what windlass schema prints", async () => {
    expect(JSON.parse((await runCli(["schema"])).out)).toEqual(schema);
  });
});
