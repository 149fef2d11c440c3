/** The gRPC port of the proxy as a process: start, two workers on one port, drain. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { HealthCheckRequestSchema, HealthCheckResponseSchema } from "../../gen/grpc/health/v1/health_pb.ts";
import { HealthzRequestSchema, HealthzResponseSchema } from "../../gen/ray/serve/serve_pb.ts";
import { type FakeControllerRuntime, startFakeControllerRuntime } from "../support/fake-controller-runtime.ts";
import { grpcClient, serverStream, unary } from "../support/grpc-client.ts";
import { freePort, startProxy } from "../support/proxy-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const soon = { timeout: 10_000 };

async function startController(dir: string): Promise<FakeControllerRuntime> {
  const controller = await startFakeControllerRuntime(`${dir}/c`);
  onTestFinished(() => controller.stop());
  controller.publish({ routes: [{ prefix: "/", application: "app", deployment: "d" }] });
  return controller;
}

const grpcFlags = (port: number): { flags: string[] } => ({ flags: ["--grpc-port", String(port)] });

function healthz(client: ReturnType<typeof grpcClient>) {
  const method = "/ray.serve.RayServeAPIService/Healthz";
  return unary(client, method, HealthzRequestSchema, HealthzResponseSchema, {});
}

describe("start", () => {
  it("says ready when both ports listen", async () => {
    const dir = tempDir();
    await startController(dir);
    const grpcPort = await freePort();
    const proxy = startProxy(dir, await freePort(), grpcFlags(grpcPort));
    expect(await proxy.said).toEqual({ kind: "ready", port: proxy.port, grpcPort });
    expect(await healthz(grpcClient(`127.0.0.1:${grpcPort}`))).toMatchObject({
      code: status.OK,
      messages: [{ message: "success" }],
    });
    expect((await fetch(`http://127.0.0.1:${proxy.port}/-/healthz`)).status).toBe(200);
  });

  it("names the gRPC port when that cannot be listened on, and exits with 1", async () => {
    const dir = tempDir();
    await startController(dir);
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const proxy = startProxy(dir, await freePort(), grpcFlags(port));
    const error = expect.stringMatching(new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*$`));
    expect(await proxy.said).toEqual({ kind: "listen-failed", error });
    expect(await proxy.exit).toBe(1);
  });
});

describe("drain", () => {
  it("fails no call: two workers on one port, each is told to end under load and replaced", async () => {
    const dir = tempDir();
    await startController(dir);
    const [port, grpcPort] = [await freePort(), await freePort()];
    const start = (id: string) => startProxy(dir, port, { id, ...grpcFlags(grpcPort) });
    const workers = [start("proxy/0"), start("proxy/1")];
    await Promise.all(workers.map(({ said }) => said));

    let running = true;
    let good = 0;
    const bad: string[] = [];
    const load = Array.from({ length: 8 }, async () => {
      const client = grpcClient(`127.0.0.1:${grpcPort}`);
      while (running) {
        const { code, details } = await healthz(client);
        if (code === status.OK) good += 1;
        else bad.push(`${code} ${details}`);
      }
    });
    const more = async (): Promise<void> => {
      const before = good;
      await vi.waitFor(() => expect(good).toBeGreaterThan(before + 100), soon);
    };
    await more();
    for (const worker of workers) {
      worker.child.kill("SIGTERM");
      await more();
      expect(await worker.exit).toBe(0);
      await start(`proxy/next-${worker.child.pid}`).said;
      await more();
    }
    running = false;
    await Promise.all(load);
    expect(bad).toEqual([]);
  });

  it("is not held up by clients that watch health or have nothing to say", async () => {
    const dir = tempDir();
    await startController(dir);
    const grpcPort = await freePort();
    const proxy = startProxy(dir, await freePort(), grpcFlags(grpcPort));
    await proxy.said;
    const idle = grpcClient(`127.0.0.1:${grpcPort}`);
    expect((await healthz(idle)).code).toBe(status.OK);
    const watcher = grpcClient(`127.0.0.1:${grpcPort}`);
    const method = "/grpc.health.v1.Health/Watch";
    const watch = serverStream(watcher, method, HealthCheckRequestSchema, HealthCheckResponseSchema, {});
    await vi.waitFor(() => expect(watch.messages).toHaveLength(1), soon);
    const beganMs = performance.now();
    proxy.child.send({ kind: "drain" });
    expect(await watch.answer).toMatchObject({ code: status.OK });
    expect(await proxy.exit).toBe(0);
    // Far from the 30 s after which a drain cuts what is left.
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });
});
