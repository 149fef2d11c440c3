/** A whole Windlass over TLS. */
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { dirname, join } from "node:path";
import { credentials, Client as GrpcClient, status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { HealthzRequestSchema, HealthzResponseSchema } from "../../gen/ray/serve/serve_pb.ts";
import { writeApp } from "../support/apps.ts";
import { client } from "../support/both-http.ts";
import { selfSigned, signedBy } from "../support/certificates.ts";
import { unary } from "../support/grpc-client.ts";
import { dial } from "../support/websocket-client.ts";
import { eventually, runWindlass, startWindlass, type Windlass } from "../support/windlass.ts";

const APP = `
import { deployment, upgradeWebSocket } from "windlass";
class Talk {
  fetch(request) {
    if (request.headers.get("upgrade") !== "websocket") return Response.json({ url: request.url });
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send("heard " + data);
    return response;
  }
}
export const app = deployment(Talk).bind();
`;

const CONFIG = `
applications:
  - name: talk
    import_path: ./app.ts:app
    route_prefix: /talk
`;

const portOf = (url: string): number => Number(new URL(url).port);

/** Asks the control port, which fetch would not trust. */
function control(
  windlass: Windlass,
  ca: string,
  given: { method?: string; body?: unknown; baseDir?: string } = {},
): Promise<{ status: number; text: string; warnings: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${windlass.token}`,
      "content-type": "application/json",
      ...(given.baseDir === undefined ? {} : { "x-windlass-base-dir": given.baseDir }),
    };
    const { method = "GET" } = given;
    const req = request(`${windlass.control}/api/serve/applications/`, { method, headers, ca }, async (res) => {
      const text = Buffer.concat(await res.toArray()).toString();
      resolve({ status: res.statusCode!, text, warnings: String(res.headers["x-windlass-warnings"] ?? "") });
    });
    req.on("error", reject).end(given.body === undefined ? undefined : JSON.stringify(given.body));
  });
}

function running(windlass: Windlass, ca: string): Promise<true> {
  return eventually(async () => {
    const answer = await control(windlass, ca).catch(() => undefined);
    return answer?.status === 200 && /"talk":\{.*?"status":"RUNNING"/s.test(answer.text.replaceAll(/\s/g, ""));
  }) as Promise<true>;
}

describe("a Windlass that is given a certificate", () => {
  it("speaks TLS on every port, deploys its config, and renews the certificate without a restart", async () => {
    const tls = selfSigned({ password: "open sesame" });
    const config = writeApp(APP, CONFIG);
    const flags = ["--tls-cert", tls.certFile, "--tls-key", tls.keyFile];
    const windlass = await startWindlass([config, ...flags], { env: { WINDLASS_TLS_KEY_PASSWORD: "open sesame" } });
    expect([windlass.control, windlass.http].map((url) => new URL(url).protocol)).toEqual(["https:", "https:"]);
    expect(windlass.output().stdout).toContain('"tls":["control","http","grpc"]');
    await running(windlass, tls.pem);
    await eventually(() => windlass.output().stdout.includes(`curl --cacert ${tls.certFile} https://`));

    for (const version of ["1.1", "2"] as const) {
      const told = await client(version, portOf(windlass.http), { ca: tls.pem }).ask({ path: "/talk/x" });
      expect(JSON.parse(told.body.toString())).toEqual({ url: `${windlass.http}/talk/x` });
    }
    const talk = await dial(`${windlass.http}/talk`, { ca: tls.pem });
    talk.socket.send("hello");
    await eventually(() => talk.messages.includes("heard hello"));

    const grpc = new GrpcClient(windlass.grpc, credentials.createSsl(Buffer.from(tls.pem)));
    onTestFinished(() => grpc.close());
    const healthz = "/ray.serve.RayServeAPIService/Healthz";
    await eventually(
      async () => (await unary(grpc, healthz, HealthzRequestSchema, HealthzResponseSchema, {})).code === status.OK,
    );

    const env = { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: windlass.token };
    expect(await runWindlass(["status"], { ...env, WINDLASS_CA: tls.certFile })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("RUNNING"),
    });
    const distrusting = await runWindlass(["status"], env);
    expect(distrusting.code).toBe(3);
    expect(distrusting.stderr).toContain("WINDLASS_CA");

    // No process shows the password in its arguments.
    const pids = [windlass.pids.supervisor, windlass.pids.controller, ...windlass.pids.proxies];
    for (const pid of pids) expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).not.toContain("sesame");

    const next = selfSigned({ dir: dirname(tls.certFile), password: "open sesame" });
    await eventually(async () => (await control(windlass, next.pem).catch(() => undefined))?.status === 200);
    await eventually(async () => {
      const told = await client("2", portOf(windlass.http), { ca: next.pem })
        .ask({ path: "/talk" })
        .catch(() => undefined);
      return told?.status === 200;
    });
    // What was open before goes on.
    talk.socket.send("again");
    await eventually(() => talk.messages.includes("heard again"));
  });

  it("asks HTTP and gRPC clients for certificates where it has authorities for them, and callers of the API for tokens", async () => {
    const tls = selfSigned();
    const authority = selfSigned({ name: "authority" });
    const flags = ["--tls-cert", tls.certFile, "--tls-key", tls.keyFile, "--tls-client-ca", authority.certFile];
    const windlass = await startWindlass([...flags]);
    const known = signedBy(authority);
    const stranger = signedBy(selfSigned({ name: "stranger" }));
    const ask = (trust: object) =>
      client("2", portOf(windlass.http), { ca: tls.pem, ...trust }).ask({ path: "/-/routes" });
    expect(await ask(known)).toMatchObject({ status: 503 });
    await expect(ask({})).rejects.toThrow();
    await expect(ask(stranger)).rejects.toThrow();
    expect((await control(windlass, tls.pem)).status).toBe(200);
  });
});

describe("http_options of a config", () => {
  it("give HTTP its certificate at the start; what the running proxies do not have is refused, other files are a warning", async () => {
    const config = writeApp(APP, CONFIG);
    const dir = dirname(config);
    const tls = selfSigned({ dir });
    const http_options = { ssl_certfile: "cert.pem", ssl_keyfile: "key.pem" };
    writeFileSync(config, `${CONFIG}\nhttp_options: {ssl_certfile: cert.pem, ssl_keyfile: key.pem}\n`);
    const windlass = await startWindlass([config]);
    expect([windlass.control, windlass.http].map((url) => new URL(url).protocol)).toEqual(["http:", "https:"]);
    const applications = [{ name: "talk", import_path: "./app.ts:app", route_prefix: "/talk" }];
    const put = async (http: object) => {
      const response = await fetch(`${windlass.control}/api/serve/applications/`, {
        method: "PUT",
        headers: {
          authorization: `Bearer ${windlass.token}`,
          "content-type": "application/json",
          "x-windlass-base-dir": dir,
        },
        body: JSON.stringify({ applications, http_options: http }),
      });
      const warnings = response.headers.get("x-windlass-warnings") ?? "";
      return { status: response.status, warnings, text: await response.text() };
    };
    expect(await put(http_options)).toMatchObject({ status: 200, warnings: "" });
    const other = await put({ ssl_certfile: "other.pem", ssl_keyfile: "key.pem" });
    expect(other.status).toBe(200);
    expect(other.warnings).toContain(`http_options.ssl_certfile "${join(dir, "other.pem")}" was not applied`);
    const unchecked = await put({ ...http_options, ssl_ca_certs: "ca.pem" });
    expect(unchecked.status).toBe(400);
    expect(unchecked.text).toContain("http_options.ssl_ca_certs");
    const told = await client("2", portOf(windlass.http), { ca: tls.pem }).ask({ path: "/-/healthz" });
    expect([200, 503]).toContain(told.status);
    await windlass.stop();

    // What was stored holds: never in plain what once asked for TLS.
    const again = await startWindlass([], { stateDir: windlass.stateDir });
    expect(new URL(again.http).protocol).toBe("https:");
  });

  it("are refused by proxies that speak plain HTTP", async () => {
    const windlass = await startWindlass([]);
    const response = await fetch(`${windlass.control}/api/serve/applications/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${windlass.token}`, "content-type": "application/json" },
      body: JSON.stringify({ applications: [], http_options: { ssl_certfile: "/c.pem", ssl_keyfile: "/k.pem" } }),
    });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(
      "http_options.ssl_certfile: is set, but the running proxies speak plain HTTP; start with it",
    );
  });
});

it("files that cannot be served with end the start with one line", async () => {
  const tls = selfSigned();
  const other = selfSigned();
  const locked = selfSigned({ password: "p" });
  const start = (cert: string, key: string) =>
    runWindlass(["start", "--tls-cert", cert, "--tls-key", key, "--http-port", "0", "--grpc-port", "0"]);
  for (const [cert, key, says] of [
    ["/nowhere.pem", tls.keyFile, "the TLS certificate /nowhere.pem is not there; give a file that is"],
    [tls.certFile, other.keyFile, "is not the one of the certificate"],
    [locked.certFile, locked.keyFile, "is encrypted; give its password"],
    [tls.keyFile, tls.keyFile, "holds no certificate in PEM form"],
  ] as const) {
    const { code, stderr } = await start(cert, key);
    expect(stderr).toMatch(/^windlass: [^\n]*\n$/);
    expect(stderr).toContain(says);
    expect(code).toBe(1);
  }
});
