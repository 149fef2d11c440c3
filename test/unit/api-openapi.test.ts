import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MERGE_PATCH } from "../../src/api/rest/application.ts";
import { openApiDocument } from "../../src/api/rest/openapi.ts";
import { OPERATIONS } from "../../src/api/rest/openapi-operations.ts";
import { ROUTES } from "../../src/api/rest/routes.ts";
import { type Answer, ask, startTestApi } from "../support/api-harness.ts";

interface Operation {
  operationId: string;
  security?: unknown[];
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, unknown> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}
interface Schema {
  $ref?: string;
  required?: string[];
}
interface Document {
  paths: Record<string, Record<string, Operation> & { parameters?: { name: string; in: string }[] }>;
  components: { schemas: Record<string, Schema> };
}

const METHODS = ["get", "put", "patch", "post", "delete"] as const;
const document = openApiDocument(ROUTES) as unknown as Document;
const described = Object.entries(document.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method] !== undefined).map((method) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    operation: item[method]!,
    item,
  })),
);
const schemaOf = (name: string, status: number): string =>
  described
    .find((entry) => entry.name === name)!
    .operation.responses[status]!.content!["application/json"]!.schema.$ref!.split("/")
    .at(-1)!;

describe("the OpenAPI document", () => {
  it("describes every route, and nothing else", () => {
    const routes = ROUTES.map(({ method, path }) => `${method} ${path}`).sort();
    expect(described.map(({ name }) => name).sort()).toEqual(routes);
    expect(Object.keys(OPERATIONS).sort()).toEqual(routes);
  });

  it("is copied in docs/openapi.json, by scripts/openapi.mjs", () => {
    const copy = readFileSync(join(import.meta.dirname, "../../docs/openapi.json"), "utf8");
    expect(copy).toBe(`${JSON.stringify(document, null, 2)}\n`);
  });

  it.each(described)("$name declares its path's parameters, and each once", ({ path, operation, item }) => {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect((item.parameters ?? []).map(({ name }) => name)).toEqual(names);
    const all = (operation.parameters ?? []).map(({ name, in: where }) => `${where} ${name}`);
    expect(new Set(all).size).toBe(all.length);
  });

  it("names each operation once", () => {
    const ids = described.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("refers only to schemas there are, and to each of them", () => {
    const named = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!);
    const there = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    expect([...new Set(named)].sort()).toEqual(there.sort());
    expect(JSON.stringify(document)).not.toContain("$defs");
  });

  it("asks for a token where the table does", () => {
    const open = described.filter(({ operation }) => operation.security?.length === 0).map(({ name }) => name);
    expect(open.sort()).toEqual(
      ROUTES.filter((route) => route.open)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
  });

  it("has the keys of configs as they are read", () => {
    const properties = (name: string): string[] =>
      Object.keys((document.components.schemas[name] as { properties: object }).properties);
    expect(properties("Config")).toEqual(expect.arrayContaining(["applications", "http_options", "target_capacity"]));
    expect(properties("ApplicationConfig")).toEqual(expect.arrayContaining(["name", "import_path", "deployments"]));
    expect(properties("ApplicationConfig")).not.toContain("port");
    expect(properties("ScaleRequest")).toEqual(
      "target_num_replicas request_id reason owner ttl_s lease_fallback fence dry_run force manual".split(" "),
    );
    const patch = document.paths["/api/v1/applications/{application}"]!["patch"]!;
    expect(Object.keys(patch.requestBody!.content)).toEqual([MERGE_PATCH]);
  });

  const A = "/api/v1/applications/a";
  const ONE = "/api/v1/applications/{application}";
  const WRITE = { import_path: "./app.ts:app" };
  const SCALE = `${ONE}/deployments/{deployment}/scale`;
  it.each([
    { name: "GET /api/serve/applications/", ask: { path: "/api/serve/applications/" } },
    { name: "GET /api/serve/deployments/status", ask: { path: "/api/serve/deployments/status" }, single: true },
    { name: `GET ${ONE}`, ask: { path: A } },
    { name: `PUT ${ONE}`, ask: { method: "PUT", path: A, body: WRITE } },
    { name: `PATCH ${ONE}`, ask: { method: "PATCH", path: A, body: "{}", headers: { "content-type": MERGE_PATCH } } },
    { name: `DELETE ${ONE}`, ask: { method: "DELETE", path: A } },
    { name: `POST ${SCALE}`, ask: { path: `${A}/deployments/Echo/scale`, body: { target_num_replicas: 2 } } },
    { name: "GET /api/version", ask: { path: "/api/version" } },
    { name: "GET /-/readyz", ask: { path: "/-/readyz" } },
  ])("tells the keys that $name answers", async ({ name, ask: request, single }) => {
    await using api = await startTestApi();
    if (single) await api.controller.deleteApplication({ application: "b", allowMissing: false, etag: "", actor: "t" });
    const answer: Answer = await ask(api.port, { token: api.tokens.admin, ...request });
    expect(answer.status).toBe(200);
    const schema = document.components.schemas[schemaOf(name, 200)]!;
    const keys = Object.keys(answer.json);
    expect(keys).toEqual(expect.arrayContaining(schema.required!));
    expect(Object.keys((schema as { properties: object }).properties)).toEqual(expect.arrayContaining(keys));
    for (const app of Object.values((answer.json as { applications?: object }).applications ?? {})) {
      expect(Object.keys(app).sort()).toEqual([...document.components.schemas["ApplicationDetails"]!.required!].sort());
    }
  });
});

describe("GET /openapi.json", () => {
  it("is served to every role, and to nobody without a token", async () => {
    await using api = await startTestApi();
    const path = "/openapi.json";
    for (const token of [api.tokens.admin, api.tokens.deployer, api.tokens.viewer, api.tokens.scaler]) {
      const { status, json } = await ask(api.port, { path, token });
      expect([status, json]).toEqual([200, document]);
    }
    expect((await ask(api.port, { path })).status).toBe(401);
  });
});
