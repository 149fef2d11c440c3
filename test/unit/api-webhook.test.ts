import { describe, expect, it } from "vitest";
import { createDualServer } from "../../src/api/dual-server.ts";
import { createApi } from "../../src/api/server.ts";
import { WindlassError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { ADMIN_TOKEN, type Ask, ask, INSTANCE_KEY, SEED, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put } from "../support/fake-controller.ts";

const path = (application: string, deployment: string) =>
  `/api/v1/applications/${application}/deployments/${deployment}/scale`;
const scale = (api: Pick<TestApi, "port">, more: Partial<Ask> = {}) =>
  ask(api.port, { path: path("a", "Echo"), token: ADMIN_TOKEN, body: { target_num_replicas: 3 }, ...more });

describe("the scale webhook", () => {
  it.each([false, true])("sets a target and tells what changed (http2: %s)", async (http2) => {
    await using api = await startTestApi();
    const { status, headers, json } = await scale(api, { http2 });
    expect({ status, type: headers["content-type"] }).toEqual({ status: 200, type: "application/json; charset=utf-8" });
    expect(json).toEqual({
      message: "Scaling request received. Deployment will get scaled asynchronously.",
      application: "a",
      deployment: "Echo",
      previous_target_num_replicas: 1,
      target_num_replicas: 3,
      effective_target_num_replicas: 3,
      generation: 2,
      revision: api.store.revision,
    });
    expect(api.controller.deployment("a", "Echo")?.target.replicas).toBe(3);
  });

  it.each([
    { name: "a scaler of the application", who: "scaler", actor: /^token\// },
    { name: "the application's own token", who: "derived", actor: /^application\/a$/ },
    { name: "a deployer", who: "deployer", actor: /^token\// },
    { name: "the admin", who: "admin", actor: /^admin$/ },
  ] as const)("may be used by $name", async ({ who, actor }) => {
    await using api = await startTestApi();
    expect((await scale(api, { token: api.tokens[who] })).status).toBe(200);
    expect(api.controller.calls[0]?.request).toMatchObject({ actor: expect.stringMatching(actor), target: 3 });
  });

  // Each row breaks one rule and every later one, so the table is the order of the checks.
  it.each([
    { status: 401, name: "no token", token: undefined, path: path("nope", "Nope"), type: "text/plain", body: "{" },
    { status: 401, name: "an unknown token", token: "x", path: path("nope", "Nope"), type: "text/plain", body: "{" },
    {
      status: 403,
      name: "another application's scaler",
      token: "derived",
      path: path("b", "Nope"),
      type: "text/plain",
      body: "{",
    },
    {
      status: 403,
      name: "a scaler and an unknown application",
      token: "derived",
      path: path("nope", "Nope"),
      type: "text/plain",
      body: "{",
    },
    { status: 403, name: "a viewer", token: "viewer", path: path("nope", "Nope"), type: "text/plain", body: "{" },
    {
      status: 415,
      name: "another content type",
      token: "admin",
      path: path("nope", "Nope"),
      type: "text/plain",
      body: "{",
    },
    { status: 415, name: "no content type", token: "admin", path: path("nope", "Nope"), type: "", body: "{" },
    {
      status: 400,
      name: "a broken body",
      token: "admin",
      path: path("nope", "Nope"),
      type: "application/json",
      body: "{",
    },
    {
      status: 403,
      name: "more than the token may set",
      token: "boundedScaler",
      path: path("a", "Nope"),
      type: "application/json",
      body: '{"target_num_replicas": 4}',
    },
    {
      status: 503,
      name: "no instance",
      token: "admin",
      path: path("nope", "Nope"),
      type: "application/json",
      body: '{"target_num_replicas": 1}',
    },
  ])("answers $status to $name", async ({ status, token, path, type, body }) => {
    await using api = await startTestApi({
      seed: SEED.map((op) => (op.key === "instance" ? put.instance(instanceRecord({ state: "ending" })) : op)),
    });
    const secret = token === undefined || token === "x" ? token : api.tokens[token as keyof typeof api.tokens];
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    const answer = await ask(api.port, { method: "POST", path, token: secret, headers, body });
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(Object.keys(answer.json)).toEqual(["error"]);
    expect(answer.json.error).toMatch(/^.+$/);
    if (status === 503) expect(answer.json.error).toBe("Serve controller is not available");
    if (status === 401) expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });

  it.each([
    {
      name: "an unknown application",
      path: path("nope", "Echo"),
      status: 404,
      error: "Application or Deployment not found",
    },
    {
      name: "an unknown deployment",
      path: path("a", "Nope"),
      status: 404,
      error: "Application or Deployment not found",
    },
    { name: "another case", path: path("A", "Echo"), status: 404, error: "Application or Deployment not found" },
    {
      name: "the flag off",
      path: path("b", "Echo"),
      status: 412,
      error: "external_scaler_enabled of b is off for Echo",
    },
    {
      name: "the flag off and an unknown deployment",
      path: path("b", "Nope"),
      status: 412,
      error: "external_scaler_enabled of b is off for Nope",
    },
    { name: "a deployment that is deleted", path: path("a", "Gone"), status: 412, error: "Deployment is deleted" },
  ])("answers $status to $name", async ({ path, status, error }) => {
    const gone = put.deployment(deploymentRecord("a", "Gone", { deleting: true }));
    await using api = await startTestApi({ seed: [...SEED, gone] });
    const answer = await scale(api, { path });
    expect({ status: answer.status, json: answer.json }).toEqual({ status, json: { error } });
  });

  it.each([
    { reason: "STORE_UNAVAILABLE", status: 503, error: "the change was not stored" },
    { reason: "STALE_ETAG", status: 409, error: "the change was not stored" },
  ] as const)("answers $status where the controller fails with $reason", async ({ reason, status, error }) => {
    await using api = await startTestApi();
    api.controller.failNext = new WindlassError(reason, error);
    const answer = await scale(api);
    expect({ status: answer.status, json: answer.json }).toEqual({ status, json: { error } });
  });

  it("answers a bug with 500 and no detail", async () => {
    await using api = await startTestApi();
    api.controller.failNext = new RangeError("secret detail");
    const answer = await scale(api);
    expect({ status: answer.status, json: answer.json }).toEqual({ status: 500, json: { error: "internal error" } });
  });

  it.each([
    { body: '{"target_num_replicas": "1"}', target: 1 },
    { body: '{"target_num_replicas": " 1 "}', target: 1 },
    { body: '{"target_num_replicas": "1.0"}', target: 1 },
    { body: '{"target_num_replicas": true}', target: 1 },
    { body: '{"target_num_replicas": 1e0}', target: 1 },
    { body: '{"target_num_replicas": -0}', target: 0 },
    { body: '{"target_num_replicas": 1, "extra": "x"}', target: 1 },
    { body: '{"target_num_replicas": 0, "request_id": "r1", "reason": "quiet"}', target: 0 },
  ])("takes the body $body", async ({ body, target }) => {
    await using api = await startTestApi();
    const answer = await scale(api, { body, headers: { "content-type": "Application/JSON; charset=utf-8" } });
    expect(answer.status).toBe(200);
    expect(answer.json.target_num_replicas).toBe(target);
    const { request_id: requestId = "", reason = "" } = JSON.parse(body);
    expect(api.controller.calls[0]?.request).toMatchObject({ requestId, reason });
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    "[1]",
    "1",
    '"x"',
    "{}",
    '{"num_replicas": 1}',
    "target_num_replicas=1",
    '{"target_num_replicas": -1}',
    '{"target_num_replicas": 1.5}',
    '{"target_num_replicas": "1.5"}',
    '{"target_num_replicas": null}',
    '{"target_num_replicas": "abc"}',
    '{"target_num_replicas": ""}',
    '{"target_num_replicas": [1]}',
    '{"target_num_replicas": {}}',
    '{"target_num_replicas": NaN}',
    '{"target_num_replicas": 4294967296}',
    `{"target_num_replicas": 1, "request_id": "${"r".repeat(129)}"}`,
    `{"target_num_replicas": 1, "reason": "${"r".repeat(1025)}"}`,
  ])("refuses the body %j", async (body) => {
    await using api = await startTestApi();
    const answer = await scale(api, { method: "POST", body, headers: { "content-type": "application/json" } });
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatch(/^Invalid request body: .+$/);
    expect(api.controller.calls).toEqual([]);
  });

  it.each([false, true])("answers 413 as JSON to a body over 1 MiB (http2: %s)", async (http2) => {
    await using api = await startTestApi();
    const body = Buffer.alloc(1024 * 1024 + 1, 32);
    const answer = await scale(api, { body, chunked: true, http2, headers: { "content-type": "application/json" } });
    expect(answer.status).toBe(413);
    expect(answer.json).toEqual({ error: expect.stringContaining("over 1048576 bytes") });
  });

  it("decodes names", async () => {
    const name = "my app: one%";
    const config = { name, import_path: "./app.ts:app", external_scaler_enabled: true };
    const seed = [
      ...SEED,
      put.application(applicationRecord(name, { config })),
      put.deployment(deploymentRecord(name, "Écho")),
    ];
    await using api = await startTestApi({ seed });
    const answer = await scale(api, { path: path("my%20app%3A%20one%25", encodeURIComponent("Écho")) });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ application: name, deployment: "Écho" });
  });

  it("ends the old token of an application when it is rotated", async () => {
    await using api = await startTestApi();
    expect((await scale(api, { token: api.tokens.derived })).status).toBe(200);
    await api.controller.rotateToken("a", "admin");
    expect((await scale(api, { token: api.tokens.derived })).status).toBe(401);
  });

  it("alone is mounted for proxies, with the same checks", async () => {
    await using api = await startTestApi();
    const auth = { kind: "on", adminToken: ADMIN_TOKEN, instanceKey: INSTANCE_KEY } as const;
    const parts = { controller: api.controller, store: api.store, clock: systemClock };
    const { webhook } = createApi({ ...parts, auth, appDir: "/", host: "127.0.0.1" });
    const server = createDualServer({ handler: webhook, clock: systemClock });
    const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
    try {
      expect((await scale({ port })).status).toBe(200);
      expect((await scale({ port }, { token: undefined })).status).toBe(401);
      expect((await scale({ port }, { headers: { host: "evil.test" } })).status).toBe(403);
      expect((await ask(port, { path: "/api/serve/applications/", token: ADMIN_TOKEN })).status).toBe(404);
    } finally {
      await server.close(0);
    }
  });
});
