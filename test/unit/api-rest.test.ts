import * as http from "node:http";
import * as http2 from "node:http2";
import { describe, expect, it, vi } from "vitest";
import { WindlassError } from "../../src/core/errors.ts";
import { ADMIN_TOKEN, type Ask, ask, SEED, startTestApi } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put, replicaRecord } from "../support/fake-controller.ts";

const APPLICATIONS = "/api/serve/applications/";
const EMPTY = { controller_info: {}, proxies: {}, applications: {}, target_capacity: null };

describe("GET /api/serve/applications/", () => {
  it.each([false, true])("answers the whole document (http2: %s)", async (http2) => {
    await using api = await startTestApi();
    const { status, headers, json } = await ask(api.port, { path: APPLICATIONS, token: ADMIN_TOKEN, http2 });
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(Object.keys(json).sort()).toEqual([
      "applications",
      "controller_health_metrics",
      "controller_info",
      "grpc_options",
      "http_options",
      "proxies",
      "proxy_location",
      "restores_unset_config_options",
      "target_capacity",
      "target_groups",
    ]);
    const node: string = json.controller_info.node_id;
    expect(json.controller_info).toEqual({
      node_id: node,
      node_ip: "127.0.0.1",
      node_instance_id: expect.any(String),
      actor_id: expect.any(String),
      actor_name: "SERVE_CONTROLLER_ACTOR",
      worker_id: expect.any(String),
      log_file_path: "/serve/controller.log",
    });
    expect(json.http_options).toEqual({
      host: "127.0.0.1",
      port: 18000,
      root_path: "",
      request_timeout_s: null,
      keep_alive_timeout_s: 90,
      ssl_keyfile: null,
      ssl_certfile: null,
      ssl_keyfile_password: null,
      ssl_ca_certs: null,
    });
    expect(Object.keys(json.proxies)).toEqual([node]);
    expect(json.proxies[node]).toMatchObject({ actor_name: `SERVE_PROXY_ACTOR-${node}`, status: "HEALTHY" });
    expect(json.target_groups).toEqual([
      {
        targets: [
          {
            ip: "127.0.0.1",
            port: 18000,
            instance_id: json.controller_info.node_instance_id,
            name: `SERVE_PROXY_ACTOR-${node}`,
          },
        ],
        route_prefix: "/",
        protocol: "HTTP",
        app_name: "",
        ingress_request_router_targets: [],
        ingress_deployment_name: "",
      },
    ]);
    const a = json.applications.a;
    expect(a).toMatchObject({
      name: "a",
      route_prefix: "/a",
      docs_path: null,
      status: "RUNNING",
      message: "",
      last_deployed_time_s: 1_700_000_000,
      source: "declarative",
      external_scaler_enabled: true,
      deployment_topology: {
        app_name: "a",
        nodes: { Echo: { name: "Echo", app_name: "a", outbound_deployments: [], is_ingress: true } },
        ingress_deployment: "Echo",
      },
    });
    expect(Object.keys(a.deployments.Echo)).toEqual([
      "name",
      "status",
      "status_trigger",
      "message",
      "deployment_config",
      "target_num_replicas",
      "required_resources",
      "replicas",
      "recent_dead_replicas",
    ]);
    expect(a.deployments.Echo.deployment_config).not.toHaveProperty("max_constructor_retry_count");
    expect(a.deployments.Echo.required_resources).toEqual({ CPU: 0.1 });
    expect(a.deployments.Echo.replicas).toEqual([
      {
        node_id: node,
        node_ip: "127.0.0.1",
        node_instance_id: json.controller_info.node_instance_id,
        actor_id: expect.any(String),
        actor_name: "SERVE_REPLICA::a#Echo#abcd1234",
        worker_id: expect.any(String),
        log_file_path: "/serve/replica_a_Echo_abcd1234.log",
        replica_id: "abcd1234",
        state: "RUNNING",
        pid: 4242,
        start_time_s: 1_700_000_000,
      },
    ]);
  });

  it("answers four empty keys without an instance, filtered or not", async () => {
    await using api = await startTestApi({ seed: [] });
    for (const query of ["", "?api_type=declarative"]) {
      const { status, json } = await ask(api.port, { path: APPLICATIONS + query, token: ADMIN_TOKEN });
      expect({ status, json }).toEqual({ status: 200, json: EMPTY });
    }
  });

  it.each([
    { name: "all applications without a filter", query: "", expected: ["a", "b", "imp"] },
    { name: "all applications for an empty filter", query: "?api_type=", expected: ["a", "b", "imp"] },
    { name: "declarative applications", query: "?api_type=declarative", expected: ["a", "b"] },
    { name: "imperative applications in any case", query: "?api_type=IMPERATIVE", expected: ["imp"] },
    { name: "all applications for other parameters", query: "?other=1", expected: ["a", "b", "imp"] },
  ])("shows $name", async ({ query, expected }) => {
    const imperative = put.application(applicationRecord("imp", { source: "imperative" }));
    await using api = await startTestApi({ seed: [...SEED, imperative] });
    const { json } = await ask(api.port, { path: APPLICATIONS + query, token: ADMIN_TOKEN });
    expect(Object.keys(json.applications)).toEqual(expected);
    if (expected.includes("imp")) expect(json.applications.imp.deployed_app_config).toBeNull();
  });

  it.each(["bogus", "unknown", "declarative,imperative", "x y"])("refuses the filter %j", async (value) => {
    await using api = await startTestApi();
    const path = `${APPLICATIONS}?api_type=${encodeURIComponent(value)}`;
    const { status, text } = await ask(api.port, { path, token: ADMIN_TOKEN });
    expect(status).toBe(400);
    expect(text).toBe(`Invalid 'api_type' value: '${value}'. Must be one of: imperative, declarative`);
  });

  it.each([
    {
      name: "while it builds",
      over: { build: { kind: "building", buildId: "b", check: false, since: 1 } },
      shown: false,
    },
    {
      name: "while a check builds",
      over: { build: { kind: "building", buildId: "b", check: true, since: 1 } },
      shown: true,
    },
    { name: "after a failed build", over: { build: { kind: "failed", message: "no" } }, shown: false },
    { name: "while it is deleted", over: { deleting: true, status: "DELETING" }, shown: false },
    { name: "before its first build", over: { built: null }, shown: false },
    { name: "once it is built", over: {}, shown: true },
  ] as const)("shows deployments $name: $shown", async ({ over, shown }) => {
    await using api = await startTestApi({
      seed: [
        put.instance(instanceRecord()),
        put.application(applicationRecord("a", over)),
        put.deployment(deploymentRecord("a", "Echo")),
      ],
    });
    const { json } = await ask(api.port, { path: APPLICATIONS, token: ADMIN_TOKEN });
    expect(Object.keys(json.applications.a.deployments)).toEqual(shown ? ["Echo"] : []);
    expect(json.applications.a.deployment_topology === null).toBe(!shown);
  });

  it("has only four keys of a replica whose process was not seen yet", async () => {
    const replica = replicaRecord("a", "Echo", "abcd1234", { state: { kind: "starting", since: 1 }, process: null });
    await using api = await startTestApi({
      seed: [...SEED.filter(({ key }) => !key.startsWith("replica/")), put.replica(replica)],
    });
    const { json } = await ask(api.port, { path: APPLICATIONS, token: ADMIN_TOKEN });
    expect(json.applications.a.deployments.Echo.replicas).toEqual([
      {
        actor_name: "SERVE_REPLICA::a#Echo#abcd1234",
        replica_id: "abcd1234",
        state: "STARTING",
        start_time_s: 1_700_000_000,
      },
    ]);
  });

  it("lists replicas that ended", async () => {
    const recentDead = [{ id: "dead0001", pid: 77, startedAt: 1_700_000_001_000 }];
    await using api = await startTestApi({
      seed: [...SEED.slice(0, 4), put.deployment(deploymentRecord("a", "Echo", { recentDead }))],
    });
    const { json } = await ask(api.port, { path: APPLICATIONS, token: ADMIN_TOKEN });
    expect(json.applications.a.deployments.Echo.recent_dead_replicas).toEqual([
      {
        node_id: json.controller_info.node_id,
        node_ip: "127.0.0.1",
        node_instance_id: json.controller_info.node_instance_id,
        actor_id: expect.any(String),
        actor_name: "SERVE_REPLICA::a#Echo#dead0001",
        worker_id: expect.any(String),
        log_file_path: "/serve/replica_a_Echo_dead0001.log",
        replica_id: "dead0001",
        state: "STOPPED",
        pid: 77,
        start_time_s: 1_700_000_001,
      },
    ]);
  });

  it.each([
    { name: "shows environment values to an admin", who: "admin", headers: {}, shown: true },
    { name: "shows environment values to a deployer", who: "deployer", headers: {}, shown: true },
    { name: "hides environment values from a viewer", who: "viewer", headers: {}, shown: false },
    {
      name: "hides environment values in a browser",
      who: "admin",
      headers: { "user-agent": "Mozilla/5.0" },
      shown: false,
    },
    { name: "hides environment values from fetch", who: "admin", headers: { "sec-fetch-mode": "cors" }, shown: false },
  ] as const)("$name", async ({ who, headers, shown }) => {
    await using api = await startTestApi();
    const { json, text } = await ask(api.port, { path: APPLICATIONS, token: api.tokens[who], headers });
    const { deployed_app_config, deployments } = json.applications.a;
    expect(deployed_app_config.runtime_env.env_vars).toEqual({ SECRET: shown ? "s3cret" : "<redacted>" });
    const env = deployments.Echo.deployment_config.ray_actor_options.runtime_env.env_vars;
    expect(env).toEqual({ TOKEN: shown ? "t0ken" : "<redacted>" });
    expect(text).not.toContain("hunter2");
  });
});

describe("PUT /api/serve/applications/", () => {
  const CONFIG = { applications: [{ name: "c", route_prefix: "/c", import_path: "./c.ts:app" }] };
  const putConfig = (port: number, more: Partial<Ask> = {}) =>
    ask(port, { method: "PUT", path: APPLICATIONS, token: ADMIN_TOKEN, body: CONFIG, ...more });

  it("applies a config, whatever its content type, and answers nothing but warnings", async () => {
    await using api = await startTestApi();
    const answer = await putConfig(api.port, {
      body: JSON.stringify(CONFIG),
      headers: { "content-type": "text/plain" },
    });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 200, text: "" });
    expect(answer.headers["content-type"]).toBeUndefined();
    expect(answer.headers["x-windlass-warnings"]).toBe("from the controller: na%C3%AFve line");
    const [call] = api.controller.calls;
    expect(call).toMatchObject({ method: "applyConfig", request: { baseDir: "/srv/apps", actor: "admin" } });
    expect(call?.request).toMatchObject({ config: CONFIG });
  });

  it("warns of settings that work badly, looking at the code that is deployed", async () => {
    await using api = await startTestApi();
    const applications = (name: string) => ({
      applications: [{ name, import_path: "./a.ts:app", deployments: [{ name: "Echo", request_timeout_s: 60 }] }],
    });
    const warning = "applications[0].deployments[0].graceful_shutdown_timeout_s: 20 is below request_timeout_s 60";
    const fresh = await putConfig(api.port, { body: applications("c") });
    expect([fresh.status, fresh.headers["x-windlass-warnings"]]).toEqual([200, expect.stringContaining(warning)]);
    const record = api.controller.application("a")!;
    const deployments = [{ name: "Echo", options: { graceful_shutdown_timeout_s: 60 }, outbound: [] }];
    await api.write(put.application({ ...record, built: { ...record.built!, deployments } }));
    const known = await putConfig(api.port, { body: applications("a") });
    expect(known.status).toBe(200);
    expect(known.headers["x-windlass-warnings"]).not.toContain("graceful_shutdown_timeout_s");
  });

  it("takes the base folder from its header, UTF-8 included", async () => {
    await using api = await startTestApi();
    const headers = { "x-windlass-base-dir": Buffer.from("/home/zoë").toString("latin1") };
    expect((await putConfig(api.port, { headers })).status).toBe(200);
    expect(api.controller.calls[0]?.request).toMatchObject({ baseDir: "/home/zoë" });
  });

  it("refuses a base folder that is not absolute", async () => {
    await using api = await startTestApi();
    const { status, text } = await putConfig(api.port, { headers: { "x-windlass-base-dir": "apps" } });
    expect({ status, text }).toEqual({ status: 400, text: 'base_dir "apps" must be an absolute path' });
    expect(api.controller.calls).toEqual([]);
  });

  it("keeps stored values where hidden ones come back", async () => {
    await using api = await startTestApi();
    const runtime_env = { env_vars: { SECRET: "<redacted>" } };
    const body = { applications: [{ name: "a", import_path: "./app.ts:app", runtime_env }] };
    expect((await putConfig(api.port, { body })).status).toBe(200);
    expect(api.controller.calls[0]?.request).toMatchObject({
      config: { applications: [{ runtime_env: { env_vars: { SECRET: "s3cret" } } }] },
    });
  });

  it.each([
    { name: "an open brace", body: "{" },
    { name: "nothing", body: "" },
    { name: "words", body: "not json" },
    { name: "a half list", body: '{"applications": [}' },
    { name: "bytes that are no UTF-8", body: new Uint8Array([0xff]) },
  ])("answers 400 with one line for $name", async ({ body }) => {
    await using api = await startTestApi();
    const { status, text, headers } = await putConfig(api.port, { body });
    expect(status).toBe(400);
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(text).toMatch(/^the body .+$/);
    expect(api.controller.calls).toEqual([]);
  });

  it.each([
    { name: "null", body: "null" },
    { name: "a list", body: "[]" },
    { name: "an application without import_path", body: '{"applications": [{"name": "a"}]}' },
    { name: "deployments that are numbers", body: '{"applications": [{"import_path": "a:b", "deployments": [5]}]}' },
  ])("answers 400 with a line a problem for $name", async ({ body }) => {
    await using api = await startTestApi();
    const { status, text } = await putConfig(api.port, { body });
    expect(status).toBe(400);
    expect(text).not.toBe("");
    expect(text).not.toMatch(/\bat .*:\d+:\d+/);
    expect(api.controller.calls).toEqual([]);
  });

  it("names the place of each problem on a line of its own", async () => {
    await using api = await startTestApi();
    const body = {
      applications: [
        { import_path: "a:b", deployments: [{ name: "D", max_ongoing_requests: 0 }] },
        { name: "c", route_prefix: "/c", import_path: "a:b", deployments: [{ name: "D", max_ongoing_requests: -1 }] },
      ],
    };
    const { text } = await putConfig(api.port, { body });
    const lines = text.split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^applications\[0\]\.deployments\[0\]\.max_ongoing_requests: /);
    expect(lines[1]).toMatch(/^applications\[1\]\.deployments\[0\]\.max_ongoing_requests: /);
  });

  it("says nothing and logs nothing when the client leaves amid the body", async () => {
    await using api = await startTestApi();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-length": "1000" };
    const place = { host: "127.0.0.1", port: api.port, method: "PUT", path: APPLICATIONS };
    const request = http.request({ ...place, headers, agent: false }).on("error", () => {});
    await new Promise<void>((resolve) => request.write("{", () => resolve()));
    await vi.waitFor(() => expect(api.server.connections()).toBe(1));
    request.destroy();
    await vi.waitFor(() => expect(api.server.connections()).toBe(0));
    expect(api.logged).toEqual([]);
    expect(api.controller.calls).toEqual([]);
  });

  it("answers 503 while the instance ends", async () => {
    await using api = await startTestApi({ seed: [put.instance(instanceRecord({ state: "ending" }))] });
    expect((await putConfig(api.port)).status).toBe(503);
  });

  it("answers a bug with 500 and no detail", async () => {
    await using api = await startTestApi();
    api.controller.failNext = new TypeError("undefined is not a secret");
    const { status, text } = await putConfig(api.port);
    expect({ status, text }).toEqual({ status: 500, text: "internal error" });
    expect(api.logged.join("")).toContain("undefined is not a secret");
  });

  it("answers 413 to a body that says it is over 100 MiB, before it is sent", async () => {
    await using api = await startTestApi();
    const headers = { "content-length": String(100 * 1024 * 1024 + 1) };
    const answer = ask(api.port, { method: "PUT", path: APPLICATIONS, token: ADMIN_TOKEN, headers });
    expect((await answer).status).toBe(413);
  });

  it.each([false, true])("answers 413 to a body of unknown length over 100 MiB (http2: %s)", async (http2) => {
    await using api = await startTestApi();
    const body = Buffer.alloc(100 * 1024 * 1024 + 1, 32);
    const answer = ask(api.port, { method: "PUT", path: APPLICATIONS, token: ADMIN_TOKEN, body, chunked: true, http2 });
    expect((await answer).status).toBe(413);
  });
});

describe("DELETE /api/serve/applications/", () => {
  it("ends the instance, twice with the same answer, and leaves an empty document", async () => {
    await using api = await startTestApi();
    for (let i = 0; i < 2; i++) {
      const { status, text, headers } = await ask(api.port, {
        method: "DELETE",
        path: APPLICATIONS,
        token: ADMIN_TOKEN,
      });
      expect({ status, text, type: headers["content-type"] }).toEqual({ status: 200, text: "", type: undefined });
    }
    const { json } = await ask(api.port, { path: APPLICATIONS, token: ADMIN_TOKEN });
    expect(json).toEqual(EMPTY);
    expect(api.controller.calls.map(({ method }) => method)).toContain("instanceEnded");
  });

  it.each([false, true])("survives a client that leaves while it waits (http2: %s)", async (overHttp2) => {
    await using api = await startTestApi();
    api.controller.endsAtOnce = false;
    const options = { ":method": "DELETE", ":path": APPLICATIONS, authorization: `Bearer ${ADMIN_TOKEN}` };
    const waits = () => vi.waitFor(() => expect(api.controller.calls.at(-1)?.method).toBe("instanceEnded"));
    if (overHttp2) {
      const session = http2.connect(`http://127.0.0.1:${api.port}`);
      session.request(options).on("error", () => {});
      await waits();
      session.destroy();
    } else {
      const headers = { authorization: options.authorization };
      const place = { host: "127.0.0.1", port: api.port, method: "DELETE", path: APPLICATIONS };
      const request = http.request({ ...place, headers, agent: false }).on("error", () => {});
      request.end();
      await waits();
      request.destroy();
    }
    await vi.waitFor(() => expect(api.server.connections()).toBe(0));
    api.controller.finishEnding();
    expect((await ask(api.port, { path: APPLICATIONS, token: ADMIN_TOKEN })).json).toEqual(EMPTY);
    expect(api.logged).toEqual([]);
  });

  it("answers 503 where the store refuses the ending", async () => {
    await using api = await startTestApi();
    api.controller.failNext = new WindlassError("STORE_UNAVAILABLE", "the change was not stored");
    const { status, text } = await ask(api.port, { method: "DELETE", path: APPLICATIONS, token: ADMIN_TOKEN });
    expect({ status, text }).toEqual({ status: 503, text: "the change was not stored" });
  });
});

describe("paths", () => {
  it.each([
    { method: "GET", path: "/api/serve/applications", status: 404, text: "404: Not Found" },
    { method: "GET", path: "/nope", status: 404, text: "404: Not Found" },
    { method: "GET", path: "/api/serve/applications/x", status: 404, text: "404: Not Found" },
    { method: "POST", path: "/api/v1/applications//deployments/Echo/scale", status: 404, text: "404: Not Found" },
    { method: "POST", path: "/api/v1/applications/a/deployments//scale", status: 404, text: "404: Not Found" },
    { method: "POST", path: "/api/v1/applications/a/deployments/Echo/scale/", status: 404, text: "404: Not Found" },
    {
      method: "POST",
      path: "/api/v1/applications/one/two/deployments/Echo/scale",
      status: 404,
      text: "404: Not Found",
    },
    { method: "POST", path: APPLICATIONS, status: 405, text: "405: Method Not Allowed", allow: "DELETE,GET,HEAD,PUT" },
    {
      method: "GET",
      path: "/api/v1/applications/a/deployments/Echo/scale",
      status: 405,
      text: "405: Method Not Allowed",
      allow: "POST",
    },
    { method: "PUT", path: "/-/healthz", status: 405, text: "405: Method Not Allowed", allow: "GET,HEAD" },
  ])("$method $path is $status", async ({ method, path, status, text, allow }) => {
    await using api = await startTestApi();
    const answer = await ask(api.port, { method, path, token: ADMIN_TOKEN });
    expect({ status: answer.status, text: answer.text }).toEqual({ status, text });
    expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(answer.headers.allow).toBe(allow);
  });

  it.each(["/api/ray/version", "/api/version"])("%s tells both versions without a token", async (path) => {
    await using api = await startTestApi();
    const { status, json } = await ask(api.port, { path });
    expect(status).toBe(200);
    expect(json).toEqual({
      version: "4",
      ray_version: "2.60.0",
      ray_commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      session_name: expect.stringMatching(/^session_.+_\d+$/),
      windlass_version: "0.1.0",
    });
  });

  it("answers probes without a token, and HEAD without a body", async () => {
    let ready = false;
    await using api = await startTestApi({ isReady: () => ready });
    expect(await ask(api.port, { path: "/-/healthz" })).toMatchObject({ status: 200, text: "success" });
    expect(await ask(api.port, { path: "/-/healthz", method: "HEAD" })).toMatchObject({ status: 200, text: "" });
    expect((await ask(api.port, { path: "/-/readyz" })).status).toBe(503);
    ready = true;
    const { status, json } = await ask(api.port, { path: "/-/readyz" });
    expect({ status, json }).toEqual({
      status: 200,
      json: { ready: true, pid: process.pid, revision: api.store.revision },
    });
  });
});
