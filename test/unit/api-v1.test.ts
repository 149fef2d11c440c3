import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ADMIN_TOKEN, type Answer, type Ask, ask, SEED, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put } from "../support/fake-controller.ts";

const V1 = "/api/serve/deployments/";
const STATUS = "/api/serve/deployments/status";
const CONFIG = { import_path: "./app.ts:app", deployments: [{ name: "Echo", num_replicas: 2 }] };

const asAdmin = (api: TestApi, request: Ask): Promise<Answer> => ask(api.port, { token: ADMIN_TOKEN, ...request });
const putV1 = (api: TestApi, body: unknown, more: Partial<Ask> = {}): Promise<Answer> =>
  asAdmin(api, { method: "PUT", path: V1, body, ...more });
const applied = (api: TestApi): unknown[] =>
  api.controller.calls.filter(({ method }) => method === "applyConfig").map(({ request }) => request);

const ONE = [
  put.instance(instanceRecord()),
  put.application(applicationRecord("a")),
  put.deployment(deploymentRecord("a", "Echo")),
];
const SEEDS = { None: [], One: ONE, Several: SEED } as const;

const page = readFileSync(join(import.meta.dirname, "../../docs/rest-v1.md"), "utf8");
/** Each cell of the page's table: how many applications, what is asked, and what the cell says. */
const CELLS = [...page.matchAll(/^\| `(GET|PUT|DELETE) (\S+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)].flatMap(
  ([, method, path, ...cells]) =>
    (["None", "One", "Several"] as const).map((count, index) => ({
      count,
      method: method!,
      path: path!,
      says: cells[index]!,
    })),
);

describe("docs/rest-v1.md", () => {
  it("has a row for each request there is", () => {
    expect(CELLS.filter(({ count }) => count === "One").map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET ${V1}`,
      `GET ${STATUS}`,
      `PUT ${V1}`,
      `DELETE ${V1}`,
    ]);
  });

  it.each(CELLS)("tells what $method $path answers with $count", async ({ count, method, path, says }) => {
    await using api = await startTestApi({ seed: SEEDS[count] });
    const { status, text } = await asAdmin(api, { method, path, ...(method === "PUT" ? { body: CONFIG } : {}) });
    const [, expected, exactly] = /^(\d+)(?: `(.*)`)?/.exec(says)!;
    expect(status).toBe(Number(expected));
    if (exactly !== undefined) expect(text).toBe(exactly);
    else if (path === STATUS) expect(JSON.parse(text)).toMatchObject({ name: "a" });
    else if (method === "GET") expect(JSON.parse(text)).toEqual(applicationRecord("a").config);
    else expect(text).toBe("");
    const writes = api.controller.calls.map(({ method: name }) => name);
    expect(writes).toEqual({ GET: [], PUT: ["applyConfig"], DELETE: ["endInstance", "instanceEnded"] }[method]);
  });
});

describe("GET", () => {
  it("answers the status as the reference has it", async () => {
    const failed = deploymentRecord("a", "Failed", { status: "UNHEALTHY", message: "it is down" });
    await using api = await startTestApi({ seed: [...ONE, put.deployment(failed)] });
    const { json } = await asAdmin(api, { path: STATUS });
    expect(json).toEqual({
      name: "a",
      app_status: { status: "RUNNING", message: "", deployment_timestamp: 1_700_000_000 },
      deployment_statuses: [
        { name: "Echo", status: "HEALTHY", message: "" },
        { name: "Failed", status: "UNHEALTHY", message: "it is down" },
      ],
    });
  });

  it("hides values of environment variables from a viewer", async () => {
    await using api = await startTestApi({ seed: ONE });
    const { json } = await asAdmin(api, { path: V1, token: api.tokens.viewer });
    expect(json.runtime_env.env_vars).toEqual({ SECRET: "<redacted>" });
  });

  const going = { deleting: true, status: "DELETING" } as const;
  it.each([
    { name: "one that stays, and one that is being deleted", a: {}, b: going, shown: "a", config: true },
    { name: "only one that is being deleted", a: going, b: undefined, shown: "a", config: false },
    {
      name: "one of a config, and one of the SDK",
      a: {},
      b: { source: "imperative" as const },
      shown: "a",
      config: true,
    },
    { name: "only one of the SDK", a: { source: "imperative" as const }, b: undefined, shown: "a", config: false },
  ])("counts $name", async ({ a, b, shown, config }) => {
    const seed = [
      put.application(applicationRecord("a", a)),
      ...(b ? [put.application(applicationRecord("b", b))] : []),
    ];
    await using api = await startTestApi({ seed: [put.instance(instanceRecord()), ...seed] });
    expect((await asAdmin(api, { path: STATUS })).json.name).toBe(shown);
    expect((await asAdmin(api, { path: V1 })).json).toEqual(config ? applicationRecord("a").config : {});
  });
});

describe("PUT", () => {
  it("applies a whole config of one application", async () => {
    await using api = await startTestApi({ seed: [] });
    const { status, text } = await putV1(api, CONFIG, { headers: { "x-windlass-base-dir": "/srv/here" } });
    expect([status, text]).toEqual([200, ""]);
    expect(applied(api)).toEqual([{ config: { applications: [CONFIG] }, baseDir: "/srv/here", actor: "admin" }]);
  });

  it("reads host and port as http_options, and tells what came of them without that name", async () => {
    await using api = await startTestApi();
    const original = api.controller.applyConfig;
    api.controller.applyConfig = async (request) => {
      const { revision } = await original(request);
      return { revision, warnings: ["http_options.port 8123 was not applied"] };
    };
    const { headers } = await putV1(api, { ...CONFIG, name: "mine", host: "0.0.0.0", port: 8123 });
    expect(headers["x-windlass-warnings"]).toBe("port 8123 was not applied");
    expect(applied(api)[0]).toMatchObject({
      config: { applications: [{ ...CONFIG, name: "mine" }], http_options: { host: "0.0.0.0", port: 8123 } },
    });
  });

  it.each([
    { name: "text that is not JSON", body: "{", error: /^the body is not JSON: / },
    { name: "a list", body: [], error: /^must be/ },
    { name: "a config of V2", body: { applications: [CONFIG] }, error: /^import_path: / },
    { name: "a wrong prefix", body: { ...CONFIG, route_prefix: "a" }, error: /^route_prefix: must begin with "\/"/ },
    { name: "a wrong port", body: { ...CONFIG, port: "x" }, error: /^port: / },
    {
      name: "a wrong option",
      body: { ...CONFIG, deployments: [{ name: "D", max_ongoing_requests: 0 }] },
      error: /^deployments\[0\]\.max_ongoing_requests: must be a whole number > 0, got 0$/,
    },
  ])("refuses $name, with paths from the application", async ({ body, error }) => {
    await using api = await startTestApi();
    const { status, text } = await putV1(api, body);
    expect(status).toBe(400);
    expect(text).toMatch(error);
    expect(applied(api)).toEqual([]);
  });

  it("is 503 while the instance ends", async () => {
    await using api = await startTestApi({ seed: [put.instance(instanceRecord({ state: "ending" }))] });
    expect((await putV1(api, CONFIG)).status).toBe(503);
  });
});

describe("the rules of V2", () => {
  it.each([
    { method: "GET", path: "/api/serve/deployments", status: 404 },
    { method: "GET", path: `${STATUS}/`, status: 404 },
    { method: "POST", path: V1, status: 405, allow: "DELETE,GET,HEAD,PUT" },
    { method: "PUT", path: STATUS, status: 405, allow: "GET,HEAD" },
  ])("answer $status to $method $path", async ({ method, path, status, allow }) => {
    await using api = await startTestApi();
    const answer = await asAdmin(api, { method, path });
    expect([answer.status, answer.headers.allow]).toEqual([status, allow]);
  });

  it.each([
    { who: "nobody", token: undefined, expected: [401, 401, 401, 401] },
    { who: "scaler", token: "scaler" as const, expected: [403, 403, 403, 403] },
    { who: "viewer", token: "viewer" as const, expected: [200, 200, 403, 403] },
    { who: "deployer", token: "deployer" as const, expected: [200, 200, 200, 403] },
    { who: "admin", token: "admin" as const, expected: [200, 200, 200, 200] },
  ])("let $who do what the role allows", async ({ token: role, expected }) => {
    await using api = await startTestApi({ seed: ONE });
    const token = role === undefined ? undefined : api.tokens[role];
    const requests = [
      { path: V1 },
      { path: STATUS },
      { method: "PUT", path: V1, body: CONFIG },
      { method: "DELETE", path: V1 },
    ];
    const statuses: number[] = [];
    for (const request of requests) statuses.push((await ask(api.port, { token, ...request })).status);
    expect(statuses).toEqual(expected);
  });
});
