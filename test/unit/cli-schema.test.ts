import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { keyOf, START_FLAGS } from "../../src/cli/start-flags.ts";
import { validateDeployConfig } from "../../src/config/check.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { runCli } from "../support/run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const schema = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
const app = (more: object = {}): object => ({ applications: [{ import_path: "./a.ts:app", ...more }] });
const deployment = (more: object): object => app({ deployments: [{ name: "D", ...more }] });

describe("windlass schema", () => {
  it("prints the schema of the config with its start: section", async () => {
    const { code, out, err } = await runCli(["schema"]);
    expect([code, err]).toEqual([0, ""]);
    const printed = JSON.parse(out) as { $schema: string; properties: Record<string, { properties: object }> };
    expect(printed.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    const { start, ...properties } = printed.properties;
    expect(properties).toEqual(configJsonSchema().properties);
    expect(Object.keys(start!.properties)).toEqual(START_FLAGS.map(({ name }) => keyOf(name)));
  });

  it.each(readdirSync(join(root, "examples")).filter((name) => name.endsWith(".yaml")))("accepts %s", (name) => {
    expect(schema.safeParse(parse(readFileSync(join(root, "examples", name), "utf8"))).error).toBeUndefined();
  });

  it("accepts every config that is accepted, once text is turned into numbers", () => {
    const path = join(root, "test/conformance/vectors/deploy_config_validation.json");
    const { cases } = JSON.parse(readFileSync(path, "utf8")) as { cases: { id: string; input: unknown }[] };
    const accepted = cases.flatMap(({ id, input }) => {
      const result = validateDeployConfig(input);
      // What JSON cannot hold, such as infinity, is no matter of its schema.
      return result.ok ? [{ id, config: JSON.parse(JSON.stringify(result.config)) as unknown }] : [];
    });
    expect(accepted.length).toBeGreaterThan(10);
    expect(accepted.filter(({ config }) => !schema.safeParse(config).success).map(({ id }) => id)).toEqual([]);
  });

  const refused: { name: string; config: object; path: string }[] = [
    { name: "no applications", config: {}, path: "applications" },
    { name: "an application without code", config: { applications: [{ name: "a" }] }, path: "applications.0" },
    { name: "a word for a port", config: { ...app(), http_options: { port: "http" } }, path: "http_options.port" },
    { name: "an unknown place", config: { ...app(), proxy_location: "Moon" }, path: "proxy_location" },
    { name: "no replicas", config: deployment({ num_replicas: 0 }), path: "applications.0.deployments.0.num_replicas" },
    { name: "too much capacity", config: { ...app(), target_capacity: 101 }, path: "target_capacity" },
    {
      name: "a limit inside autoscaling",
      config: deployment({ autoscaling_config: { max_replicas: 0 } }),
      path: "applications.0.deployments.0.autoscaling_config.max_replicas",
    },
    {
      name: "an unknown key where all are refused",
      config: deployment({ backpressure_config: { nope: 1 } }),
      path: "applications.0.deployments.0.backpressure_config",
    },
  ];
  it.each(refused)("refuses $name", ({ config, path }) => {
    const { error } = schema.safeParse(config);
    expect(error?.issues.map((issue) => issue.path.join("."))).toContain(path);
  });

  it("describes every field, and gives each a type or says in words what it takes", () => {
    const fields: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [name, field] of Object.entries((node as { properties?: object }).properties ?? {})) {
        fields.push(`${path}.${name}`);
        expect(Object.keys(field as object), `${path}.${name}`).toContain("description");
      }
      for (const [key, value] of Object.entries(node)) {
        // What an application must have: fields that are described beside it.
        const oneOf = path === ".properties.applications.items" && key === "anyOf";
        if (key !== "default" && !oneOf) walk(value, `${path}.${key}`);
      }
    };
    walk(configJsonSchema(), "");
    expect(fields.length).toBeGreaterThan(100);
  });
});
