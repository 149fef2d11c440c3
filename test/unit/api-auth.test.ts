import { describe, expect, it } from "vitest";
import { authorize, bearerToken, type Identity, type Permission, type Role, scalerToken } from "../../src/api/auth.ts";
import { hostRefusal } from "../../src/api/host-check.ts";
import { createToken, listTokens, revokeToken } from "../../src/api/tokens.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { ADMIN_TOKEN, type Ask, ask, INSTANCE_KEY, startTestApi } from "../support/api-harness.ts";

const WHO: Record<string, Identity> = {
  admin: { role: "admin", actor: "admin" },
  deployer: { role: "deployer", actor: "token/d" },
  viewer: { role: "viewer", actor: "token/v" },
  scaler: { role: "scaler", actor: "token/s", application: "a", maxReplicas: 3 },
};

const MATRIX: { name: string; permission: Permission; allowed: Role[] }[] = [
  { name: "reading everything", permission: { kind: "read" }, allowed: ["admin", "deployer", "viewer"] },
  {
    name: "reading its own application",
    permission: { kind: "read-application", application: "a" },
    allowed: ["admin", "deployer", "viewer", "scaler"],
  },
  {
    name: "reading another application",
    permission: { kind: "read-application", application: "b" },
    allowed: ["admin", "deployer", "viewer"],
  },
  {
    name: "scaling its own application within its limit",
    permission: { kind: "scale", application: "a", target: 3 },
    allowed: ["admin", "deployer", "scaler"],
  },
  {
    name: "scaling its own application above its limit",
    permission: { kind: "scale", application: "a", target: 4 },
    allowed: ["admin", "deployer"],
  },
  {
    name: "scaling another application",
    permission: { kind: "scale", application: "b", target: 1 },
    allowed: ["admin", "deployer"],
  },
  { name: "deploying", permission: { kind: "deploy" }, allowed: ["admin", "deployer"] },
  { name: "deleting an application", permission: { kind: "delete-application" }, allowed: ["admin", "deployer"] },
  {
    name: "reading an application's token",
    permission: { kind: "read-application-token" },
    allowed: ["admin", "deployer"],
  },
  { name: "managing tokens", permission: { kind: "manage-tokens" }, allowed: ["admin"] },
  { name: "ending the instance", permission: { kind: "shutdown" }, allowed: ["admin"] },
];

describe("authorize", () => {
  const rows = MATRIX.flatMap(({ name, permission, allowed }) =>
    Object.entries(WHO).map(([who, identity]) => ({
      name,
      permission,
      who,
      identity,
      ok: allowed.includes(identity.role),
    })),
  );
  it.each(rows)("$who and $name: $ok", ({ permission, identity, ok }) => {
    const attempt = () => authorize(identity, permission);
    if (ok) expect(attempt).not.toThrow();
    else expect(attempt).toThrow(expect.objectContaining({ reason: "PERMISSION_DENIED" }));
  });
});

const rpc = (service: string, method: string, body: unknown = {}): Ask => ({
  path: `/windlass.v1.${service}/${method}`,
  body,
});
const NAME = { name: "applications/a" };
const SCALE = { name: "applications/a/deployments/Echo", targetNumReplicas: 2 };
const APPLY = { config: { applications: [{ name: "c", importPath: "./c.ts:app" }] } };

type Caller = "none" | "unknown" | "scaler" | "derived" | "viewer" | "deployer" | "admin";
const CALLS: { name: string; call: Ask; allowed: Caller[]; open?: true }[] = [
  { name: "GET applications", call: { path: "/api/serve/applications/" }, allowed: ["viewer", "deployer", "admin"] },
  {
    name: "PUT applications",
    call: { method: "PUT", path: "/api/serve/applications/", body: '{"applications": []}' },
    allowed: ["deployer", "admin"],
  },
  { name: "DELETE applications", call: { method: "DELETE", path: "/api/serve/applications/" }, allowed: ["admin"] },
  {
    name: "the webhook",
    call: { path: "/api/v1/applications/a/deployments/Echo/scale", body: { target_num_replicas: 2 } },
    allowed: ["scaler", "derived", "deployer", "admin"],
  },
  {
    name: "the webhook of another application",
    call: { path: "/api/v1/applications/b/deployments/Echo/scale", body: { target_num_replicas: 2 } },
    allowed: [],
  },
  { name: "versions", call: { path: "/api/ray/version" }, allowed: [], open: true },
  { name: "healthz", call: { path: "/-/healthz" }, allowed: [], open: true },
  { name: "readyz", call: { path: "/-/readyz" }, allowed: [], open: true },
  { name: "GetInstance", call: rpc("InstanceService", "GetInstance"), allowed: ["viewer", "deployer", "admin"] },
  { name: "ApplyConfig", call: rpc("InstanceService", "ApplyConfig", APPLY), allowed: ["deployer", "admin"] },
  { name: "ShutdownInstance", call: rpc("InstanceService", "ShutdownInstance"), allowed: ["admin"] },
  {
    name: "GetApplication",
    call: rpc("ApplicationService", "GetApplication", NAME),
    allowed: ["scaler", "derived", "viewer", "deployer", "admin"],
  },
  {
    name: "GetApplication of another",
    call: rpc("ApplicationService", "GetApplication", { name: "applications/b" }),
    allowed: ["viewer", "deployer", "admin"],
  },
  {
    name: "ListApplications",
    call: rpc("ApplicationService", "ListApplications"),
    allowed: ["viewer", "deployer", "admin"],
  },
  {
    name: "DeleteApplication",
    call: rpc("ApplicationService", "DeleteApplication", NAME),
    allowed: ["deployer", "admin"],
  },
  {
    name: "GetDeployment",
    call: rpc("DeploymentService", "GetDeployment", { name: SCALE.name }),
    allowed: ["scaler", "derived", "viewer", "deployer", "admin"],
  },
  {
    name: "ScaleDeployment",
    call: rpc("DeploymentService", "ScaleDeployment", SCALE),
    allowed: ["scaler", "derived", "deployer", "admin"],
  },
  {
    name: "GetApplicationToken",
    call: rpc("TokenService", "GetApplicationToken", NAME),
    allowed: ["deployer", "admin"],
  },
  { name: "RotateApplicationToken", call: rpc("TokenService", "RotateApplicationToken", NAME), allowed: ["admin"] },
  { name: "CreateToken", call: rpc("TokenService", "CreateToken", { role: "ROLE_VIEWER" }), allowed: ["admin"] },
  { name: "ListTokens", call: rpc("TokenService", "ListTokens"), allowed: ["admin"] },
  { name: "RevokeToken", call: rpc("TokenService", "RevokeToken", { id: "nope" }), allowed: [] },
];

describe("every call by everyone", () => {
  it.each(CALLS)("$name", async ({ name, call, allowed, open }) => {
    const callers: Caller[] = ["none", "unknown", "scaler", "derived", "viewer", "deployer", "admin"];
    for (const caller of callers) {
      await using api = await startTestApi();
      const token = caller === "none" ? undefined : caller === "unknown" ? "wlt_abc_def" : api.tokens[caller];
      const { status } = await ask(api.port, { ...call, token });
      const stranger = caller === "none" || caller === "unknown";
      const others: Partial<Record<string, number>> = {
        // Allowed, and then not there or not enabled.
        "RevokeToken admin": 404,
        "the webhook of another application deployer": 412,
        "the webhook of another application admin": 412,
      };
      const expected = others[`${name} ${caller}`] ?? (open || allowed.includes(caller) ? 200 : stranger ? 401 : 403);
      expect({ caller, status }).toEqual({ caller, status: expected });
    }
  });

  it("is the admin where authentication is off", async () => {
    await using api = await startTestApi({ auth: { kind: "off", instanceKey: INSTANCE_KEY } });
    const answer = await ask(api.port, {
      method: "PUT",
      path: "/api/serve/applications/",
      body: '{"applications": []}',
    });
    expect(answer.status).toBe(200);
    expect(api.controller.calls[0]?.request).toMatchObject({ actor: "admin" });
  });

  it("learns nothing about names without a token: unknown paths and resources are 401", async () => {
    await using api = await startTestApi();
    for (const path of [
      "/nope",
      "/api/v1/applications/a/deployments/Echo/scale",
      "/api/v1/applications/x/deployments/y/scale",
    ]) {
      expect((await ask(api.port, { method: "POST", path })).status).toBe(401);
    }
  });
});

describe("tokens", () => {
  it.each([
    { header: "Bearer abc", token: "abc" },
    { header: "bearer   abc  ", token: "abc" },
    { header: "Basic abc", token: undefined },
    { header: "Bearer", token: undefined },
    { header: "Bearer a b", token: undefined },
    { header: undefined, token: undefined },
  ])("in $header is $token", ({ header, token }) => {
    expect(bearerToken(header)).toBe(token);
  });

  it("of an application depend on key, uid and rotation alone", () => {
    const token = scalerToken("key", "uid", 0);
    expect(token).toMatch(/^wls_[\w-]{43}$/);
    expect(scalerToken("key", "uid", 0)).toBe(token);
    expect(
      new Set([token, scalerToken("other", "uid", 0), scalerToken("key", "other", 0), scalerToken("key", "uid", 1)])
        .size,
    ).toBe(4);
  });

  it("that were made are stored without their secret, end by revocation and by time", async () => {
    let now = systemClock.now();
    const clock = { ...systemClock, now: () => now };
    await using api = await startTestApi({ clock });
    const wanted = { role: "viewer", application: null, maxReplicas: null } as const;
    const lasting = await createToken(api.store, clock, { ...wanted, ttlMs: null });
    const short = await createToken(api.store, clock, { ...wanted, ttlMs: 1000 });
    const statusOf = async (token: string) => (await ask(api.port, { path: "/api/serve/applications/", token })).status;
    expect(lasting.secret).toMatch(/^wlt_[a-z0-9]+_[\w-]{43}$/);
    expect(JSON.stringify(api.store.range("token/"))).not.toContain(lasting.secret.slice(-43));
    expect(await statusOf(lasting.secret)).toBe(200);
    expect(await statusOf(`${lasting.secret}x`)).toBe(401);
    expect(await statusOf(short.secret)).toBe(200);
    now += 1000;
    expect(await statusOf(short.secret)).toBe(401);
    expect(await revokeToken(api.store, lasting.record.id)).toBe(true);
    expect(await statusOf(lasting.secret)).toBe(401);
    expect(await revokeToken(api.store, lasting.record.id)).toBe(false);
    expect(listTokens(api.store).map(({ id }) => id)).toContain(short.record.id);
  });
});

describe("Host and Origin", () => {
  const rules = {
    boundHost: "10.1.2.3",
    allowedHosts: ["serve.example.com", "fd00::1"],
    allowedOrigins: ["https://console.example.com/"],
  };
  it.each([
    { host: "localhost:8265", origin: undefined, ok: true },
    { host: "LOCALHOST", origin: undefined, ok: true },
    { host: "127.0.0.1:1", origin: undefined, ok: true },
    { host: "[::1]:8265", origin: undefined, ok: true },
    { host: "10.1.2.3:8265", origin: undefined, ok: true },
    { host: "serve.example.com:99", origin: undefined, ok: true },
    { host: "[fd00::1]:99", origin: undefined, ok: true },
    { host: "evil.example.com", origin: undefined, ok: false },
    { host: "localhost.evil.example.com", origin: undefined, ok: false },
    { host: "127.0.0.1.evil.example.com:8265", origin: undefined, ok: false },
    { host: "evil.example.com:localhost", origin: undefined, ok: false },
    { host: "", origin: undefined, ok: false },
    { host: undefined, origin: undefined, ok: false },
    { host: "localhost:8265", origin: "http://localhost:8265", ok: true },
    { host: "localhost:8265", origin: "http://localhost:3000", ok: false },
    { host: "localhost:8265", origin: "https://console.example.com", ok: true },
    { host: "localhost:8265", origin: "https://console.example.com.evil", ok: false },
    { host: "localhost:8265", origin: "null", ok: false },
    { host: "evil.example.com", origin: "http://evil.example.com", ok: false },
  ])("$host from $origin is allowed: $ok", ({ host, origin, ok }) => {
    const refusal = hostRefusal(rules, host, origin);
    expect(refusal?.reason).toBe(ok ? undefined : "ORIGIN_DENIED");
  });

  it.each([
    { name: "REST", call: { path: "/api/serve/applications/" } },
    { name: "REST over HTTP/2", call: { path: "/api/serve/applications/", http2: true } },
    { name: "a PUT", call: { method: "PUT", path: "/api/serve/applications/", body: "{}" } },
    { name: "a probe", call: { path: "/-/healthz" } },
    { name: "an RPC", call: rpc("InstanceService", "GetInstance") },
    { name: "the webhook", call: { path: "/api/v1/applications/a/deployments/Echo/scale", body: {} } },
  ] as { name: string; call: Ask }[])("are checked for $name, whatever the User-Agent", async ({ call }) => {
    await using api = await startTestApi({ allowedHosts: ["serve.example.com"] });
    const status = async (headers: Record<string, string>) =>
      (await ask(api.port, { ...call, token: ADMIN_TOKEN, headers })).status;
    expect(await status({ host: "evil.test", "user-agent": "curl/8" })).toBe(403);
    expect(await status({ host: "serve.example.com", origin: "http://evil.test" })).toBe(403);
    expect(await status({ host: "serve.example.com" })).not.toBe(403);
    expect(await status({ host: "serve.example.com", origin: "http://serve.example.com" })).not.toBe(403);
  });
});
