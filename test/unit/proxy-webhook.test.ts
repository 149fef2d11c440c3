/** The scale webhook through the HTTP proxy, with the real control API behind it: as on the control port. */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDualServer } from "../../src/api/dual-server.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { RevisionTraffic } from "../../src/proxy/revision-traffic.ts";
import { HttpProxy } from "../../src/proxy/server.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { Router } from "../../src/routing/router.ts";
import { ADMIN_TOKEN, startTestApi, type TestApi } from "../support/api-harness.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const scalePath = (application: string): string => `/api/v1/applications/${application}/deployments/Echo/scale`;

async function startBoth(clock = systemClock): Promise<{ api: TestApi; proxy: number; control: number }> {
  const api = await startTestApi();
  const runtime = createDualServer({ handler: api.server.api.webhook, clock: systemClock });
  const socketPath = join(tempDir(), "s");
  await runtime.listen({ path: socketPath });
  const router = new Router({ channel: createReplicaChannel(), clock, random: systemRandom });
  const { server } = new HttpProxy({
    router,
    clock,
    random: systemRandom,
    traffic: new RevisionTraffic(clock, () => Promise.resolve()),
    log: silentLogger,
    rootPath: "",
    requestTimeoutS: 0,
    keepAliveTimeoutS: 90,
    webhookSocket: socketPath,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await router.close();
    await runtime.close(0);
    await api[Symbol.asyncDispose]();
  });
  return { api, proxy: (server.address() as AddressInfo).port, control: api.port };
}

interface Sent {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Sends the head, waits for a moment of the event loop, then the body. */
  readonly apart?: boolean;
}

function post(port: number, { path = scalePath("a"), headers, body = "", apart }: Sent): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json", ...headers };
    const req = httpRequest({ port, agent: false, method: "POST", path, headers: all }, (res) => {
      let text = "";
      res.on("data", (data) => {
        text += String(data);
      });
      res.on("end", () => resolve([res.statusCode!, text.replace('{"error": ', '{"error":')]));
    });
    req.on("error", reject);
    if (!apart) return void req.end(body);
    req.flushHeaders();
    req.on("socket", (socket) => socket.once("connect", () => setImmediate(() => req.end(body))));
  });
}

describe("a webhook call through the proxy", () => {
  it.each<{ name: string; sent: Sent; status: number }>([
    { name: "a call", sent: { body: '{"target_num_replicas": 2}' }, status: 200 },
    {
      name: "a path of 12 kB",
      sent: { path: scalePath("a".repeat(12_000)), body: '{"target_num_replicas": 2}' },
      status: 404,
    },
    {
      name: "a path of 12 kB whose body comes later",
      sent: { path: scalePath("a".repeat(12_000)), body: '{"target_num_replicas": 2}', apart: true },
      status: 404,
    },
    {
      name: "a whole URL",
      sent: { path: `http://127.0.0.1:8000${scalePath("nope")}`, body: '{"target_num_replicas": 2}', apart: true },
      status: 404,
    },
    { name: "no body", sent: {}, status: 400 },
    {
      name: "a body of 1 MB and an unknown token",
      sent: { headers: { authorization: "Bearer x" }, body: "x".repeat(1_000_000) },
      status: 401,
    },
    {
      name: "a body of 1 MB and another content type",
      sent: { headers: { "content-type": "text/plain" }, body: "x".repeat(1_000_000) },
      status: 415,
    },
    { name: "a body over 1 MiB", sent: { body: " ".repeat(1024 * 1024 + 1) }, status: 413 },
    {
      name: "a chunked body over 1 MiB",
      sent: { headers: { "transfer-encoding": "chunked" }, body: " ".repeat(3_000_000) },
      status: 413,
    },
  ])("with $name is $status, as on the control port, each time", async ({ sent, status }) => {
    const { proxy, control } = await startBoth();
    const direct = await post(control, { ...sent, path: sent.path?.replace(/^http:\/\/[^/]+/, "") ?? scalePath("a") });
    expect(direct[0]).toBe(status);
    for (let i = 0; i < 5; i++) {
      const answer = await post(proxy, sent);
      expect(answer[0]).toBe(status);
      if (status !== 200) expect(answer[1]).toBe(direct[1]);
    }
  });

  it("whose body does not come within 30 s is 408, and never reaches the controller", async () => {
    const clock = new VirtualClock();
    const { api, proxy } = await startBoth(clock);
    const socket = connect(proxy, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(
      `POST ${scalePath("a")} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 26\r\n\r\n{"target`,
    );
    await expect.poll(() => clock.pending).toBe(1);
    await clock.advance(30_000);
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(String(data)).toMatch(/^HTTP\/1\.1 408 [\s\S]*connection: close/i);
    expect(api.controller.calls).toEqual([]);
  });
});
