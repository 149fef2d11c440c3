import { describe, expect, it } from "vitest";
import { applyMask, masksFields } from "../../src/api/field-mask.ts";
import { mergePatch } from "../../src/api/merge-patch.ts";
import { readJson } from "../../src/config/json.ts";
import { WindlassError } from "../../src/core/errors.ts";
import { ADMIN_TOKEN, type Answer, type Ask, ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, put } from "../support/fake-controller.ts";

const A = "/api/v1/applications/a";
const CONFIG = { route_prefix: "/a", import_path: "./new.ts:app" };
const MERGE = { "content-type": "application/merge-patch+json" };

const asAdmin = (api: TestApi, request: Ask): Promise<Answer> => ask(api.port, { token: ADMIN_TOKEN, ...request });
const patch = (api: TestApi, body: unknown, more: Partial<Ask> = {}): Promise<Answer> =>
  asAdmin(api, { method: "PATCH", path: A, body: JSON.stringify(body), headers: MERGE, ...more });
const putA = (api: TestApi, body: unknown, more: Partial<Ask> = {}): Promise<Answer> =>
  asAdmin(api, { method: "PUT", path: A, body, ...more });
/** What the controller was asked to write, newest last. */
const written = (api: TestApi): Record<string, unknown>[] =>
  api.controller.calls
    .filter(({ method }) => method === "putOneApplication")
    .map(({ request }) => request as Record<string, unknown>);

describe("GET /api/v1/applications/{application}", () => {
  it("answers the application with its deployments and its etag, which is a header too", async () => {
    await using api = await startTestApi();
    const { status, headers, json } = await asAdmin(api, { path: A });
    expect([status, headers.etag]).toEqual([200, '"uid-of-a-1"']);
    expect(json).toEqual({
      name: "a",
      status: "RUNNING",
      message: "",
      route_prefix: "/a",
      source: "declarative",
      generation: 1,
      observed_generation: 1,
      revision: 0,
      etag: "uid-of-a-1",
      managed_by: null,
      last_deployed_time_s: 1_700_000_000,
      config: applicationRecord("a").config,
      deployments: [
        {
          name: "Echo",
          status: "HEALTHY",
          status_trigger: "CONFIG_UPDATE_COMPLETED",
          message: "",
          ingress: true,
          target_num_replicas: 1,
          replica_counts: { RUNNING: 1 },
          generation: 1,
          etag: "uid-of-a-Echo-1",
        },
      ],
    });
  });

  it("hides values of environment variables from a viewer", async () => {
    await using api = await startTestApi();
    const { json } = await asAdmin(api, { path: A, token: api.tokens.viewer });
    expect(json.config.runtime_env.env_vars).toEqual({ SECRET: "<redacted>" });
  });

  it.each([
    { name: "is being deleted", over: { deleting: true } },
    { name: "the SDK runs", over: { source: "imperative" as const } },
  ])("has no config for an application that $name", async ({ over }) => {
    await using api = await startTestApi();
    await api.write(put.application(applicationRecord("a", over)));
    expect((await asAdmin(api, { path: A })).json.config).toBeNull();
    const answer = await patch(api, {});
    expect(answer.status).toBe("deleting" in over ? 404 : 400);
    expect(written(api)).toEqual([]);
  });

  it.each([
    { name: "an unknown application is 404", path: "/api/v1/applications/nope", status: 404, token: ADMIN_TOKEN },
    { name: "a trailing slash is 404", path: `${A}/`, status: 404, token: ADMIN_TOKEN },
    { name: "no token is 401", path: A, status: 401, token: undefined },
  ])("$name", async ({ path, status, token }) => {
    await using api = await startTestApi();
    expect((await ask(api.port, { path, token })).status).toBe(status);
  });

  it("answers other methods 405 with those there are", async () => {
    await using api = await startTestApi();
    const { status, headers } = await asAdmin(api, { method: "POST", path: A });
    expect([status, headers.allow]).toEqual([405, "DELETE,GET,HEAD,PATCH,PUT"]);
  });
});

describe("roles", () => {
  it.each([
    { role: "viewer" as const, expected: { GET: 200, PUT: 403, PATCH: 403, DELETE: 403 } },
    { role: "scaler" as const, expected: { GET: 200, PUT: 403, PATCH: 403, DELETE: 403 } },
    { role: "deployer" as const, expected: { GET: 200, PUT: 200, PATCH: 200, DELETE: 200 } },
  ])("a $role may do what its role allows", async ({ role, expected }) => {
    await using api = await startTestApi();
    const token = api.tokens[role];
    const statuses = {
      GET: (await asAdmin(api, { path: A, token })).status,
      PUT: (await putA(api, CONFIG, { token })).status,
      PATCH: (await patch(api, {}, { token })).status,
      DELETE: (await asAdmin(api, { method: "DELETE", path: A, token })).status,
    };
    expect(statuses).toEqual(expected);
  });

  it("a scaler may not read another application", async () => {
    await using api = await startTestApi();
    expect((await asAdmin(api, { path: "/api/v1/applications/b", token: api.tokens.scaler })).status).toBe(403);
  });
});

describe("PUT /api/v1/applications/{application}", () => {
  it("replaces the whole config, with the path's name in it", async () => {
    await using api = await startTestApi();
    const { status, headers, json } = await putA(api, CONFIG, { headers: { "x-windlass-base-dir": "/srv/here" } });
    expect([status, headers.etag]).toEqual([200, '"uid-of-a-2"']);
    expect(json).toEqual({ name: "a", generation: 2, etag: "uid-of-a-2", revision: api.store.revision, warnings: [] });
    expect(written(api)).toEqual([
      {
        name: "a",
        config: { ...CONFIG, name: "a" },
        baseDir: "/srv/here",
        allowMissing: true,
        onlyNew: false,
        etag: "",
        validateOnly: false,
        requestId: "",
        actor: "admin",
      },
    ]);
  });

  it("makes one whose name is percent-escaped, in the folder that the server names", async () => {
    await using api = await startTestApi();
    const { status, json } = await putA(api, CONFIG, { path: "/api/v1/applications/my%20app" });
    expect([status, json.name, json.generation]).toEqual([200, "my app", 1]);
    expect(written(api)[0]).toMatchObject({ config: { name: "my app" }, baseDir: "/srv/apps" });
  });

  it("tells warnings in the body and in the header", async () => {
    await using api = await startTestApi();
    const { json, headers } = await putA(api, { ...CONFIG, zzzzzz: 1 });
    expect(json.warnings).toEqual(["zzzzzz: is not a known key and was left out"]);
    expect(headers["x-windlass-warnings"]).toBe(json.warnings[0]);
  });

  it("warns of settings that work badly", async () => {
    await using api = await startTestApi();
    const { json } = await putA(api, { ...CONFIG, deployments: [{ name: "Echo", graceful_shutdown_timeout_s: 0 }] });
    expect(json.warnings).toEqual([
      expect.stringMatching(/^deployments\[0\]\.graceful_shutdown_timeout_s: 0 kills replicas/),
    ]);
  });

  it("keeps the values that were hidden from the reader who sends the config back", async () => {
    await using api = await startTestApi();
    await putA(api, { ...CONFIG, runtime_env: { env_vars: { SECRET: "<redacted>", MORE: "1" } } });
    expect(written(api)[0]).toMatchObject({
      config: { runtime_env: { env_vars: { SECRET: "s3cret", MORE: "1" } } },
    });
  });

  it.each([
    { name: "text that is not JSON", body: "{", error: /^the body is not JSON: / },
    { name: "a list", body: [], error: /must be/ },
    { name: "another name", body: { ...CONFIG, name: "b" }, error: /^name: must be "a", .* got "b"; leave it out$/ },
    { name: "a name that is no text", body: { ...CONFIG, name: null }, error: /^name: / },
    { name: "no import path", body: {}, error: /^import_path: / },
    { name: "a wrong prefix", body: { ...CONFIG, route_prefix: "a" }, error: /^route_prefix: must begin with "\/"/ },
    {
      name: "a wrong option of a deployment",
      body: { ...CONFIG, deployments: [{ name: "D", max_ongoing_requests: 0 }] },
      error: /^deployments\[0\]\.max_ongoing_requests: must be a whole number > 0, got 0$/,
    },
    { name: "a port", body: { ...CONFIG, port: 8000 }, error: /^port is not allowed here; set http_options.port$/ },
    { name: "a typo", body: { ...CONFIG, route_prefx: "/a" }, error: /^route_prefx: .* did you mean route_prefix\?$/ },
  ])("refuses $name", async ({ body, error }) => {
    await using api = await startTestApi();
    const answer = await putA(api, body);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatch(error);
    expect(written(api)).toEqual([]);
  });

  it("refuses a base folder that is not absolute", async () => {
    await using api = await startTestApi();
    const { status, json } = await putA(api, CONFIG, { headers: { "x-windlass-base-dir": "here" } });
    expect([status, json.error]).toEqual([400, 'base_dir "here" must be an absolute path']);
  });

  it.each([
    { header: '"uid-of-a-1"', status: 200 },
    { header: "uid-of-a-1", status: 200 },
    { header: 'W/"uid-of-a-1"', status: 200 },
    { header: "*", status: 200 },
    { header: '"old"', status: 409 },
    { header: "", status: 400 },
    { header: '""', status: 400 },
    { header: '"uid-of-a-1", "old"', status: 400 },
  ])("answers $status to If-Match: $header", async ({ header, status }) => {
    await using api = await startTestApi();
    expect((await putA(api, CONFIG, { headers: { "if-match": header } })).status).toBe(status);
  });

  it("answers 404 to If-Match: * where there is no such application", async () => {
    await using api = await startTestApi();
    const path = "/api/v1/applications/new";
    expect((await putA(api, CONFIG, { path, headers: { "if-match": "*" } })).status).toBe(404);
  });

  it.each([
    { header: "*", name: "a", status: 409 },
    { header: "*", name: "new", status: 200 },
    { header: '"uid-of-a-1"', name: "new", status: 400 },
  ])("answers $status to If-None-Match: $header for $name", async ({ header, name, status }) => {
    await using api = await startTestApi();
    const path = `/api/v1/applications/${name}`;
    expect((await putA(api, CONFIG, { path, headers: { "if-none-match": header } })).status).toBe(status);
  });

  it("only validates where it is asked to", async () => {
    await using api = await startTestApi();
    const path = `${A}?validate_only=true`;
    const { status, json } = await putA(api, CONFIG, { path });
    expect([status, json]).toEqual([200, expect.objectContaining({ generation: 1, etag: "uid-of-a-1" })]);
    const absent = await putA(api, CONFIG, { path: "/api/v1/applications/new?validate_only=true" });
    expect(absent.json).toMatchObject({ name: "new", generation: 0, etag: "" });
    expect(absent.headers.etag).toBeUndefined();
    expect((await putA(api, CONFIG, { path: `${A}?validate_only=yes` })).status).toBe(400);
    expect(api.controller.application("a")?.generation).toBe(1);
  });

  it("answers what only the controller can know as JSON", async () => {
    await using api = await startTestApi();
    const problem = { path: "route_prefix", message: '"/b" is taken by application "b"; choose another prefix' };
    api.controller.failNext = new WindlassError("INVALID_CONFIG", "taken", { problems: [problem] });
    const { status, json } = await putA(api, CONFIG);
    expect([status, json]).toEqual([400, { error: `route_prefix: ${problem.message}` }]);
  });
});

describe("PATCH /api/v1/applications/{application}", () => {
  it("merges into the stored config, whose secrets and folder stay", async () => {
    await using api = await startTestApi();
    const { status, json } = await patch(api, { external_scaler_enabled: null, runtime_env: { env_vars: { B: "2" } } });
    expect([status, json.generation]).toEqual([200, 2]);
    expect(written(api)[0]).toMatchObject({ etag: "uid-of-a-1", baseDir: "/srv", allowMissing: false });
    expect(written(api)[0]?.["config"]).toEqual({
      name: "a",
      route_prefix: "/a",
      import_path: "./app.ts:app",
      runtime_env: { env_vars: { SECRET: "s3cret", B: "2" } },
    });
  });

  it("is made anew on what a faster writer left, and neither is lost", async () => {
    await using api = await startTestApi();
    const original = api.controller.putOneApplication;
    let overtaken = 0;
    api.controller.putOneApplication = async (request) => {
      if (overtaken++ === 0) {
        const config = { ...applicationRecord("a").config, args: { faster: true } };
        await api.write(put.application(applicationRecord("a", { config, generation: 5 })));
      }
      return original(request);
    };
    const { status, json } = await patch(api, { external_scaler_enabled: false });
    expect([status, json.generation]).toEqual([200, 6]);
    expect(api.controller.application("a")?.config).toMatchObject({
      args: { faster: true },
      external_scaler_enabled: false,
    });
  });

  it("is refused when its own etag is stale, and not made anew", async () => {
    await using api = await startTestApi();
    const answer = await patch(api, {}, { headers: { ...MERGE, "if-match": '"old"' } });
    expect([answer.status, written(api).length]).toEqual([409, 1]);
  });

  it.each([
    { name: "a result that breaks a rule", body: { import_path: null }, error: /^import_path: / },
    { name: "another name", body: { name: "b" }, error: /^name: must be "a"/ },
    { name: "a patch that is no object, which replaces everything", body: [], error: /must be/ },
  ])("refuses $name", async ({ body, error }) => {
    await using api = await startTestApi();
    const answer = await patch(api, body);
    expect([answer.status, written(api)]).toEqual([400, []]);
    expect(answer.json.error).toMatch(error);
  });

  it.each(["application/json", "", "application/merge-patch+jsonx"])("answers 415 to the type %j", async (type) => {
    await using api = await startTestApi();
    const { status, headers, json } = await patch(api, {}, { headers: { "content-type": type } });
    expect([status, headers["accept-patch"]]).toEqual([415, "application/merge-patch+json"]);
    expect(json.error).toContain("must be application/merge-patch+json");
  });

  it("warns that null brings the default prefix back", async () => {
    await using api = await startTestApi();
    const { json } = await patch(
      api,
      { route_prefix: null },
      { headers: { "content-type": `${MERGE["content-type"]}; charset=utf-8` } },
    );
    expect(json.warnings).toEqual([expect.stringContaining('it is "/"')]);
    expect(written(api)[0]?.["config"]).not.toHaveProperty("route_prefix");
  });

  it("is 404 for an unknown application", async () => {
    await using api = await startTestApi();
    expect((await patch(api, CONFIG, { path: "/api/v1/applications/nope" })).status).toBe(404);
  });
});

describe("DELETE /api/v1/applications/{application}", () => {
  it("deletes one application", async () => {
    await using api = await startTestApi();
    const headers = { "if-match": '"uid-of-a-1"' };
    const { status, json } = await asAdmin(api, { method: "DELETE", path: A, headers });
    expect([status, json]).toEqual([200, { name: "a", revision: api.store.revision }]);
    expect(api.controller.application("a")).toBeUndefined();
    expect(api.controller.application("b")).toBeDefined();
  });

  it.each([
    { name: "a stale etag", ask: { path: A, headers: { "if-match": '"old"' } }, status: 409 },
    { name: "an unknown application", ask: { path: "/api/v1/applications/nope" }, status: 404 },
    { name: "validate_only, which it does not have", ask: { path: `${A}?validate_only=true` }, status: 400 },
  ])("refuses $name", async ({ ask: request, status }) => {
    await using api = await startTestApi();
    const answer = await asAdmin(api, { method: "DELETE", ...request });
    expect([answer.status, Object.keys(answer.json)]).toEqual([status, ["error"]]);
    expect(api.controller.snapshot().applications).toHaveLength(2);
  });
});

describe("ApplicationService.UpdateApplication", () => {
  const update = (api: TestApi, body: object): Promise<Answer> =>
    asAdmin(api, {
      path: "/windlass.v1.ApplicationService/UpdateApplication",
      body: { name: "applications/a", ...body },
    });
  const config = { routePrefix: "/a", importPath: "./new.ts:app" };

  it("replaces the whole config without a mask", async () => {
    await using api = await startTestApi();
    const { status, json } = await update(api, { config, etag: "uid-of-a-1", requestId: "r", baseDir: "/else" });
    expect([status, json.application.etag, json.revision]).toEqual([200, "uid-of-a-2", String(api.store.revision)]);
    expect(written(api)).toEqual([
      {
        name: "a",
        config: { ...CONFIG, name: "a" },
        baseDir: "/else",
        allowMissing: false,
        etag: "uid-of-a-1",
        validateOnly: false,
        requestId: "r",
        actor: "admin",
      },
    ]);
  });

  it("passes on that a program writes it, not a config", async () => {
    await using api = await startTestApi();
    const { status } = await update(api, { config, source: "SOURCE_IMPERATIVE" });
    expect([status, written(api)]).toEqual([200, [expect.objectContaining({ source: "imperative" })]]);
  });

  it("takes the fields of a mask, and removes those that the config lacks", async () => {
    await using api = await startTestApi();
    const { status } = await update(api, { config, updateMask: "importPath,externalScalerEnabled" });
    expect(status).toBe(200);
    const { external_scaler_enabled: _, ...rest } = applicationRecord("a").config;
    expect(written(api)[0]).toMatchObject({ baseDir: "/srv", etag: "uid-of-a-1" });
    expect(written(api)[0]?.["config"]).toEqual({ ...rest, import_path: "./new.ts:app" });
  });

  it("takes an explicit null", async () => {
    await using api = await startTestApi();
    await update(api, { config: { explicitNulls: ["route_prefix"] }, updateMask: "routePrefix" });
    expect(written(api)[0]).toMatchObject({ config: { route_prefix: null, import_path: "./app.ts:app" } });
  });

  it.each([
    { name: "an unknown application", body: { name: "applications/nope", config }, code: "not_found" },
    {
      name: "an unknown application, in part",
      body: { name: "applications/nope", updateMask: "args" },
      code: "not_found",
    },
    { name: "a stale etag", body: { config, etag: "old" }, code: "aborted" },
    { name: "a stale etag, in part", body: { config, etag: "old", updateMask: "importPath" }, code: "aborted" },
    { name: "no config", body: {}, code: "invalid_argument" },
    { name: "another name", body: { config: { ...config, name: "b" } }, code: "invalid_argument" },
    { name: "a mask of no field", body: { config, updateMask: "nope" }, code: "invalid_argument" },
  ])("refuses $name", async ({ body, code }) => {
    await using api = await startTestApi();
    expect((await update(api, body)).json).toMatchObject({ code });
    expect(api.controller.application("a")?.generation).toBe(1);
  });

  it("makes one with allow_missing, and only validates where it is asked to", async () => {
    await using api = await startTestApi();
    const body = { name: "applications/new", config, allowMissing: true };
    expect((await update(api, { ...body, validateOnly: true })).json).toEqual({ revision: String(api.store.revision) });
    expect((await update(api, body)).json.application.name).toBe("applications/new");
    expect((await update(api, { ...body, updateMask: "args" })).json.application.generation).toBe("2");
  });

  it("changes a part of one that somebody else made meanwhile, and does not replace it", async () => {
    await using api = await startTestApi();
    const original = api.controller.putOneApplication;
    let overtaken = 0;
    api.controller.putOneApplication = async (request) => {
      if (overtaken++ === 0) await api.write(put.application(applicationRecord("new")));
      return original(request);
    };
    const body = { name: "applications/new", config, allowMissing: true, updateMask: "importPath" };
    expect((await update(api, body)).json.application.etag).toBe("uid-of-new-2");
    expect(api.controller.application("new")?.config).toMatchObject({
      import_path: "./new.ts:app",
      external_scaler_enabled: true,
    });
  });

  it("is for deployers", async () => {
    await using api = await startTestApi();
    const path = "/windlass.v1.ApplicationService/UpdateApplication";
    const body = { name: "applications/a", config };
    expect((await asAdmin(api, { path, body, token: api.tokens.viewer })).status).toBe(403);
  });
});

describe("mergePatch", () => {
  // The table of RFC 7386, appendix A.
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("makes of %j and %j %j", (target, change, expected) => {
    const before = structuredClone(target);
    expect(mergePatch(target, change, { has: () => false }).value).toEqual(expected);
    expect(target).toEqual(before);
  });

  it("keeps __proto__ a key, and knows which numbers were written as floats", () => {
    const read = readJson('{"__proto__": {"x": 1}, "a": {"b": 2.0, "c": 2}, "d": [1.0]}');
    if (!read.ok) throw new Error(read.message);
    const { value, floats } = mergePatch({ a: { e: 3 } }, read.value, read.floats);
    const made = value as { a: object; d: object };
    expect(Object.hasOwn(made, "__proto__")).toBe(true);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
    const marks = [
      floats!.has(made.a, "b"),
      floats!.has(made.a, "c"),
      floats!.has(made.a, "e"),
      floats!.has(made.d, 0),
    ];
    expect(marks).toEqual([true, false, false, true]);
  });
});

describe("applyMask", () => {
  const stored = { import_path: "m:a", logging_config: { log_level: "INFO", encoding: "JSON" }, args: { x: 1 } };

  it.each([
    { paths: ["args"], wanted: { args: { y: 2 } }, expected: { ...stored, args: { y: 2 } } },
    { paths: ["args"], wanted: {}, expected: { import_path: "m:a", logging_config: stored.logging_config } },
    {
      paths: ["logging_config.log_level"],
      wanted: { logging_config: { log_level: "DEBUG", encoding: "TEXT" } },
      expected: { ...stored, logging_config: { log_level: "DEBUG", encoding: "JSON" } },
    },
    {
      paths: ["logging_config.log_level"],
      wanted: {},
      expected: { ...stored, logging_config: { encoding: "JSON" } },
    },
  ])("takes $paths from $wanted", ({ paths, wanted, expected }) => {
    expect(applyMask(stored, wanted, paths)).toEqual(expected);
  });

  it.each(["nope", "explicit_nulls", "args.x", "deployments.name", "", "import_path.x"])(
    "refuses the path %j",
    (path) => {
      expect(() => applyMask(stored, {}, [path])).toThrow(/^update_mask path /);
    },
  );

  it("leaves * to stand alone, for the whole", () => {
    expect([masksFields([]), masksFields(["*"]), masksFields(["args"])]).toEqual([false, false, true]);
    expect(() => masksFields(["*", "args"])).toThrow(/stands alone/);
  });
});
