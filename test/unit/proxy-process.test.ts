/** The proxy as a process: start, drain, a controller that comes and goes, memory. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { Listeners } from "../../src/supervisor/listeners.ts";
import { startFakeControllerRuntime } from "../support/fake-controller-runtime.ts";
import { type FakeReplica, type FakeRequest, startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { freePort, startProxy } from "../support/proxy-process.ts";
import { startReady } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";
import { dial } from "../support/websocket-client.ts";

const soon = { timeout: 10_000 };

async function startController(dir: string) {
  const controller = await startFakeControllerRuntime(join(dir, "c"));
  onTestFinished(() => controller.stop());
  return controller;
}

const tableFor = (replicas: readonly FakeReplica[]) => ({
  routes: [{ prefix: "/", application: "app", deployment: "d" }],
  deployments: [targetsOf(replicas)],
});

async function get(port: number, agent: Agent | false = false): Promise<{ status: number; body: string }> {
  const req = httpRequest({ port, host: "127.0.0.1", agent }).end();
  const [res] = (await once(req, "response")) as [IncomingMessage];
  return { status: res.statusCode!, body: Buffer.concat(await res.toArray()).toString() };
}

/** The most memory a process has had, in bytes. */
function peakBytes(child: ChildProcess): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) * 1_024;
}

describe("start", () => {
  it("says ready once it has a table and listens, and acknowledges the table", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    const proxy = startProxy(dir, await freePort());
    await vi.waitFor(() => expect(controller.watchers.has("proxy/0")).toBe(true), soon);
    await expect(get(proxy.port)).rejects.toThrow("ECONNREFUSED");
    controller.publish(tableFor([await startFakeReplica(dir, "r")]));
    expect(await proxy.said).toEqual({ kind: "ready", port: proxy.port });
    expect(await get(proxy.port)).toEqual({ status: 200, body: "r" });
    await vi.waitFor(() => expect(controller.acknowledged).toEqual([{ routerId: "proxy/0", revision: 1n }]));
    await vi.waitFor(() => expect(existsSync(proxy.cache)).toBe(true));
  });

  it("says why it cannot listen and exits with 1", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    controller.publish({});
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    onTestFinished(() => void taken.close());
    const proxy = startProxy(dir, (taken.address() as AddressInfo).port);
    expect(await proxy.said).toMatchObject({ kind: "listen-failed", error: expect.stringContaining("EADDRINUSE") });
    expect(await proxy.exit).toBe(1);
  });

  it("exits with 2 for arguments that make no sense", async () => {
    expect(await startProxy(tempDir(), 0, { flags: ["--frob"] }).exit).toBe(2);
  });
});

describe("a controller that goes away", () => {
  it("leaves requests served, also by a proxy that starts meanwhile, and is followed again", async () => {
    const dir = tempDir();
    const first = await startController(dir);
    const [old, young] = [await startFakeReplica(dir, "old"), await startFakeReplica(dir, "young")];
    first.publish(tableFor([old]));
    const proxy = startProxy(dir, await freePort());
    await proxy.said;
    await vi.waitFor(() => expect(existsSync(proxy.cache)).toBe(true), soon);
    await first.stop();
    expect((await get(proxy.port)).body).toBe("old");

    proxy.child.kill("SIGKILL");
    await proxy.exit;
    const next = startProxy(dir, proxy.port);
    expect(await next.said).toEqual({ kind: "ready", port: proxy.port });
    expect((await get(next.port)).body).toBe("old");

    const second = await startController(dir);
    second.publish(tableFor([young]));
    await vi.waitFor(() => expect(second.acknowledged).toHaveLength(1), soon);
    expect((await get(next.port)).body).toBe("young");
  });

  it("ends a proxy that has no supervisor either, after the time given", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    controller.publish(tableFor([await startFakeReplica(dir, "r")]));
    const proxy = startProxy(dir, await freePort(), { flags: ["--orphan-ttl-s", "0.2"] });
    await proxy.said;
    proxy.child.disconnect();
    expect((await get(proxy.port)).body).toBe("r");
    await controller.stop();
    expect(await proxy.exit).toBe(0);
  });
});

describe("drain", () => {
  it("fails no request: two workers on one socket, one is told to end under load", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    let slow: (() => void)[] = [];
    const replica = await startFakeReplica(dir, "r", { maxOngoing: 10_000 });
    replica.handler = (_req, res) => {
      if (slow.length < 200) slow.push(() => void res.end("slow"));
      else res.end("quick");
    };
    controller.publish({
      routes: [{ prefix: "/", application: "app", deployment: "d" }],
      deployments: [targetsOf([replica], { maxOngoingRequests: 10_000 })],
    });
    const port = await freePort();
    // As the supervisor does: it holds the socket that both accept from.
    const listeners = new Listeners((host) => host);
    const addresses = [{ host: "127.0.0.1", port }];
    const listenFd = listeners.acquire(addresses)[0]!;
    onTestFinished(() => listeners.release(addresses));
    const workers = [startProxy(dir, port, { listenFd }), startProxy(dir, port, { id: "proxy/1", listenFd })];
    await Promise.all(workers.map(({ said }) => said));

    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const inFlight = Array.from({ length: 200 }, () => get(port, agent));
    await vi.waitFor(() => expect(slow).toHaveLength(200), soon);

    let running = true;
    let quick = 0;
    const load = Array.from({ length: 8 }, async (_, index) => {
      // Half of the clients keep connections, half open new ones.
      const own = index % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
      while (running) {
        expect(await get(port, own)).toEqual({ status: 200, body: "quick" });
        quick += 1;
      }
      if (own) own.destroy();
    });
    await vi.waitFor(() => expect(quick).toBeGreaterThan(50), soon);
    workers[0]!.child.kill("SIGINT");
    workers[0]!.child.kill("SIGTERM");
    const before = quick;
    await vi.waitFor(() => expect(quick).toBeGreaterThan(before + 200), soon);
    for (const end of slow.splice(0, 200)) end();
    slow = Array.from({ length: 200 }, () => () => {});
    const answers = await Promise.all(inFlight);
    expect(answers.filter(({ status, body }) => status !== 200 || body !== "slow")).toEqual([]);
    expect(await workers[0]!.exit).toBe(0);
    expect(await get(port)).toEqual({ status: 200, body: "quick" });
    running = false;
    await Promise.all(load);
  });

  it("cuts what is left after the drain time-out, told over IPC", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    const replica = await startFakeReplica(dir, "r", { handler: () => {} });
    controller.publish(tableFor([replica]));
    const proxy = startProxy(dir, await freePort(), { flags: ["--drain-timeout-s", "0.2"] });
    await proxy.said;
    const hanging = get(proxy.port).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(replica.accepted).toHaveLength(1), soon);
    proxy.child.send({ kind: "drain" });
    expect(await proxy.exit).toBe(0);
    expect(await hanging).toMatch(/socket hang up|ECONNRESET/);
  });
});

describe("memory", () => {
  const SIZE = 50 * 1_024 * 1_024;
  /** Buffers of four sockets and two streams; without back-pressure it would be all of SIZE. */
  const ON_THE_WAY = 8 * 1_024 * 1_024;
  const chunk = Buffer.alloc(65_536, 1);

  /** Writes bytes as fast as they are taken. */
  function pour(to: Writable, size = SIZE): { written: number } {
    const state = { written: 0 };
    const more = (): void => {
      while (state.written < size) {
        state.written += chunk.length;
        if (!to.write(chunk)) {
          to.once("drain", more);
          return;
        }
      }
      to.end();
    };
    more();
    return state;
  }

  /** Waits until a count has stood still for a while, and returns it. */
  async function settled(count: () => number): Promise<number> {
    let last = -1;
    let sinceMs = 0;
    await vi.waitFor(() => {
      if (count() !== last) sinceMs = performance.now();
      last = count();
      expect(performance.now() - sinceMs).toBeGreaterThan(250);
    }, soon);
    return last;
  }

  async function drain(from: Readable): Promise<number> {
    let bytes = 0;
    for await (const piece of from) bytes += (piece as Buffer).length;
    return bytes;
  }

  it("stays flat while 50 MB flow each way past a reader that stands still for a while", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    const replica = await startFakeReplica(dir, "r");
    controller.publish(tableFor([replica]));
    const proxy = startProxy(dir, await freePort());
    await proxy.said;
    const to = { port: proxy.port, host: "127.0.0.1", agent: false };

    let sent = { written: 0 };
    replica.handler = (_req, res) => {
      sent = pour(res);
    };
    const before = (await get(proxy.port)) && peakBytes(proxy.child);
    const [res] = (await once(httpRequest(to).end(), "response")) as [IncomingMessage];
    expect(await settled(() => sent.written)).toBeLessThan(ON_THE_WAY);
    expect(await drain(res)).toBe(SIZE);

    const reader = Promise.withResolvers<FakeRequest>();
    replica.handler = (req, answer) => {
      reader.resolve(req);
      req.on("end", () => answer.end("done"));
    };
    const upload = httpRequest({ ...to, method: "POST" });
    const answered = once(upload, "response");
    sent = pour(upload);
    const stalled = await reader.promise;
    expect(await settled(() => sent.written)).toBeLessThan(ON_THE_WAY);
    expect(await drain(stalled)).toBe(SIZE);
    await answered;
    // What a garbage collector leaves lying about, not what flowed.
    expect(peakBytes(proxy.child) - before).toBeLessThan(SIZE);
  });

  it("stays flat in the proxy and in a real replica while 100 MB are echoed, as a body and over a websocket", async () => {
    const dir = tempDir();
    const controller = await startController(dir);
    const running = await startReady({
      source: `import { deployment, isWebSocketRequest, upgradeWebSocket } from "windlass";
        export const app = deployment((request: Request) => {
          if (!isWebSocketRequest(request)) return new Response(request.body);
          const { socket, response } = upgradeWebSocket(request);
          socket.binaryType = "arraybuffer";
          socket.onmessage = ({ data }) => {
            socket.send(data);
            if (socket.bufferedAmount > 1_000_000) {
              socket.pause();
              const drained = setInterval(() => {
                if (socket.bufferedAmount > 0) return;
                clearInterval(drained);
                socket.resume();
              }, 2);
            }
          };
          return response;
        });`,
      deployment: "app",
    });
    const { replicaId: id, dataSocket: address } = running.spec;
    controller.publish({
      routes: [{ prefix: "/", application: "app", deployment: "d" }],
      deployments: [{ ...targetsOf([]), replicas: [{ id, address }] }],
    });
    const proxy = startProxy(dir, await freePort());
    await proxy.said;
    const small = httpRequest({ port: proxy.port, host: "127.0.0.1", agent: false, method: "POST" });
    small.end("x");
    await drain((await once(small, "response"))[0] as IncomingMessage);
    const before = [proxy.child, running.child].map(peakBytes);

    const upload = httpRequest({ port: proxy.port, host: "127.0.0.1", agent: false, method: "POST" });
    const sent = pour(upload, 2 * SIZE);
    const [res] = (await once(upload, "response")) as [IncomingMessage];
    expect(await settled(() => sent.written)).toBeLessThan(2 * ON_THE_WAY);
    expect(await drain(res)).toBe(2 * SIZE);

    const { socket } = await dial(`http://127.0.0.1:${proxy.port}/`);
    let heard = 0;
    socket.on("message", (data: Buffer) => {
      heard += data.length;
    });
    socket.pause();
    for (let bytes = 0; bytes < 2 * SIZE; bytes += chunk.length) socket.send(chunk);
    const left = await settled(() => socket.bufferedAmount);
    expect(left).toBeGreaterThan(2 * SIZE - 2 * ON_THE_WAY);
    socket.resume();
    await vi.waitFor(() => expect(heard).toBe(2 * SIZE), { timeout: 20_000 });

    // What garbage collectors leave lying about, the same for 1.6 GB; not the 400 MB that flowed.
    const grown = [proxy.child, running.child].map((child, i) => peakBytes(child) - before[i]!);
    for (const bytes of grown) expect(bytes).toBeLessThan(2 * SIZE);
  });
});
