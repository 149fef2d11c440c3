import { describe, expect, it } from "vitest";
import { startTestApi } from "../support/api-harness.ts";

const CONSOLE = "https://console.example";
const EVIL = "https://evil.example";
const INSTANCE = "/windlass.v1.InstanceService/GetInstance";

async function ask(
  path: string,
  {
    origin = CONSOLE,
    method = "GET",
    headers = {},
    body,
  }: { origin?: string | null; method?: string; headers?: object; body?: string } = {},
) {
  await using api = await startTestApi({ allowedOrigins: [CONSOLE] });
  const response = await fetch(`http://127.0.0.1:${api.port}${path}`, {
    method,
    headers: {
      ...(origin === null ? {} : { origin }),
      authorization: `Bearer ${api.tokens.viewer}`,
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const PREFLIGHT = {
  method: "OPTIONS",
  headers: {
    authorization: "",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,connect-protocol-version,content-type",
  },
};

describe("pages of other origins", () => {
  it.each([INSTANCE, "/api/serve/applications/", "/api/v1/watch"])(
    "may ask before %s, without a token",
    async (path) => {
      const { status, headers, text } = await ask(path, PREFLIGHT);
      expect([status, text]).toEqual([204, ""]);
      expect(Object.fromEntries([...headers].filter(([name]) => /^(access-control-|vary)/.test(name)))).toEqual({
        "access-control-allow-origin": CONSOLE,
        "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers": "authorization,connect-protocol-version,content-type",
        "access-control-max-age": "7200",
        vary: "Origin",
      });
    },
  );

  it("may reach a loopback address where they are allowed, and only there", async () => {
    const headers = { ...PREFLIGHT.headers, "access-control-request-private-network": "true" };
    const allowed = await ask(INSTANCE, { ...PREFLIGHT, headers });
    expect(allowed.headers.get("access-control-allow-private-network")).toBe("true");
    const refused = await ask(INSTANCE, { ...PREFLIGHT, headers, origin: EVIL });
    expect(refused.headers.get("access-control-allow-private-network")).toBeNull();
  });

  it.each([
    { name: "a REST call", path: "/api/serve/applications/", init: {} },
    {
      name: "a Connect call",
      path: INSTANCE,
      init: { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
    },
  ])("read the answer to $name, and the headers that matter", async ({ path, init }) => {
    const { status, headers } = await ask(path, init);
    expect(status).toBe(200);
    expect(headers.get("access-control-allow-origin")).toBe(CONSOLE);
    expect(headers.get("vary")).toMatch(/Origin/);
    expect(headers.get("access-control-expose-headers")?.split(", ")).toEqual(
      expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin", "etag", "x-windlass-warnings"]),
    );
  });

  it.each([
    { name: "a REST call", path: "/api/serve/applications/", init: {} },
    { name: "a path without a token", path: "/-/healthz", init: {} },
    { name: "an unknown path", path: "/nothing", init: {} },
    { name: "a watch", path: "/api/v1/watch", init: {} },
    {
      name: "a Connect call",
      path: INSTANCE,
      init: { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
    },
  ])("that are not allowed read why $name is refused, and nothing else", async ({ path, init }) => {
    const { status, headers, text } = await ask(path, { ...init, origin: EVIL });
    expect(status).toBe(403);
    expect(text.replaceAll("\\", "")).toContain(
      `origin "${EVIL}" is not allowed: start with --allowed-origin to allow it`,
    );
    expect(headers.get("access-control-allow-origin")).toBe(EVIL);
    const before = await ask(path, { ...PREFLIGHT, origin: EVIL });
    // Once it is allowed, browsers are to ask again.
    expect([before.status, before.headers.get("access-control-max-age")]).toEqual([204, "0"]);
  });

  it("are not spoken of to programs", async () => {
    const { status, headers } = await ask("/api/serve/applications/", { origin: null });
    expect([status, headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual([200, null, null]);
  });

  it("are asked for a token as everybody is", async () => {
    const { status, headers } = await ask("/api/serve/applications/", { headers: { authorization: "" } });
    expect([status, headers.get("access-control-allow-origin")]).toEqual([401, CONSOLE]);
  });
});
