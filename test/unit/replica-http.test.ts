import { describe, expect, it, vi } from "vitest";
import { AttachResponse_Phase as Phase } from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import { call, GATE, open, send, startReady, until } from "../support/replica-process.ts";

describe("serving HTTP", () => {
  it.each([false, true])("answers requests after READY (gRPC protocol: %s)", async (grpc) => {
    const running = await startReady({
      grpc,
      source: `import { deployment, getReplicaContext, getMultiplexedModelId } from "windlass";
        class App {
          async fetch(request: Request) {
            const { appName, deployment, replicaId, servableObject } = getReplicaContext();
            const body = { appName, deployment, replicaId, me: servableObject === this, model: getMultiplexedModelId(),
              method: request.method, url: request.url, kind: request.headers.get("x-windlass-kind"), text: await request.text() };
            return Response.json(body, { status: 201, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-windlass-rejected", "9"]] });
          }
        }
        export const app = deployment(App).bind();`,
    });
    const answer = await send(running, {
      method: "POST",
      path: "/a/b?c=d",
      headers: { host: "example.org", serve_multiplexed_model_id: "m1" },
      body: "hello",
    });
    expect(answer.status).toBe(201);
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
    expect(answer.headers["x-windlass-ongoing"]).toBe("1");
    expect(answer.headers).not.toHaveProperty("x-windlass-rejected");
    expect(JSON.parse(String(answer.body))).toEqual({
      appName: "app",
      deployment: "App",
      replicaId: running.spec.replicaId,
      me: true,
      model: "m1",
      method: "POST",
      url: "http://example.org/a/b?c=d",
      kind: null,
      text: "hello",
    });
    expect(running.statuses.map(({ phase }) => phase)).toContain(Phase.INITIALIZING);
    expect(running.statuses.at(-1)).toMatchObject({ settingsVersion: "1", pid: running.child.pid });
  });

  it("turns what a function returns or throws into answers", async () => {
    const running = await startReady({
      deployment: "app",
      source: `import { BackPressureError, DeploymentUnavailableError, deployment } from "windlass";
        const values: Record<string, () => unknown> = {
          "/null": () => null, "/bytes": () => new Uint8Array([1, 2]), "/text": () => "hé", "/json": async () => ({ a: [1] }),
          "/response": () => new Response("teapot", { status: 418, statusText: "Teapot" }),
          "/throws": () => { throw new Error("secret"); },
          "/busy": () => { throw new BackPressureError("too many", { statusCode: 429, retryAfterS: 1.2 }); },
          "/gone": () => { throw new DeploymentUnavailableError("is gone"); },
          "/cold": () => { throw new DeploymentUnavailableError("is starting", { retryAfterS: 3 }); },
        };
        export const app = deployment((request: Request) => values[new URL(request.url).pathname]!());`,
    });
    const row = async (path: string) => {
      const { status, headers, body } = await send(running, { path });
      return [status, headers["content-type"], String(body), headers["retry-after"]];
    };
    expect(await row("/null")).toEqual([200, "text/plain", "", undefined]);
    expect(await row("/bytes")).toEqual([200, "text/plain", "\u0001\u0002", undefined]);
    expect(await row("/text")).toEqual([200, "text/plain; charset=utf-8", "hé", undefined]);
    expect(await row("/json")).toEqual([200, "application/json", '{"a":[1]}', undefined]);
    expect(await row("/response")).toEqual([418, "text/plain;charset=UTF-8", "teapot", undefined]);
    expect(await row("/throws")).toEqual([500, undefined, "Internal Server Error", undefined]);
    expect(await row("/busy")).toEqual([429, "text/plain; charset=utf-8", "too many", "2"]);
    expect(await row("/gone")).toEqual([503, "text/plain; charset=utf-8", "is gone", undefined]);
    expect(await row("/cold")).toEqual([503, "text/plain; charset=utf-8", "is starting", "3"]);
    await until(() => /request failed.*secret.*app\.ts:5/s.test(running.output()));
  });

  it("streams both ways and cuts the connection when a started body breaks", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        class App {
          fetch(request: Request) {
            if (request.method === "POST") return new Response(request.body);
            let n = 0;
            return new Response(new ReadableStream({ pull(c) { if (n++ < 3) c.enqueue(new TextEncoder().encode("x")); else c.error(new Error("broke")); } }));
          }
        }
        export const app = deployment(App).bind();`,
    });
    const big = Buffer.alloc(3_000_000, "b");
    const echoed = await send(running, { method: "POST", body: big });
    expect(echoed.body.equals(big)).toBe(true);
    await expect(send(running)).rejects.toThrow(/aborted/);
    expect((await send(running, { method: "POST", body: "again" })).body.toString()).toBe("again");
  });

  it("aborts the request's signal when the caller leaves, and counts the request until user code ends", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        class App {
          fetch(request: Request) {
            console.log("in");
            return new Promise((resolve) => request.signal.addEventListener("abort", () => { console.log("aborted"); resolve("late"); }));
          }
          call() { return "ok"; }
        }
        export const app = deployment(App).bind();`,
      maxOngoing: 1,
    });
    const { request } = open(running.spec.dataSocket);
    await until(() => running.output().includes("in\n"));
    expect((await call(running, "call")).status).toBe(503);
    request.destroy();
    await until(() => running.output().includes("aborted"));
    await until(async () => (await call(running, "call")).status === 200);
  });
});

describe("bodies", () => {
  it("come with a length when they are whole, and at once when they are not", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        class App {
          end!: () => void;
          fetch(request: Request) {
            const { pathname } = new URL(request.url);
            if (pathname === "/end") { this.end(); return new Response(null, { status: 204 }); }
            if (pathname === "/slow") return new Response(new ReadableStream({ start: (c) => { this.end = () => { c.enqueue(new Uint8Array([120])); c.close(); }; } }));
            if (pathname === "/empty") return new Response("");
            return new Response("whole");
          }
        }
        export const app = deployment(App).bind();`,
    });
    const whole = await send(running, { path: "/whole" });
    expect([whole.headers["content-length"], String(whole.body)]).toEqual(["5", "whole"]);
    expect(String((await send(running, { path: "/empty" })).body)).toBe("");
    const slow = open(running.spec.dataSocket, { path: "/slow" });
    await new Promise((resolve) => slow.request.once("response", resolve));
    expect((await send(running, { path: "/end" })).status).toBe(204);
    expect(String((await slow.answer).body)).toBe("x");
  });
});

describe("answers that cannot be sent as they are", () => {
  it("become a 500 or break off, and leave the other requests of the connection alone", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        const streamOf = (...pieces: unknown[]) => new ReadableStream({ start(c) { for (const p of pieces) c.enqueue(p); c.close(); } });
        const pulled = (...pieces: (() => unknown)[]) => new ReadableStream({ async pull(c) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          const next = pieces.shift();
          if (next === undefined) c.close(); else c.enqueue(next());
        } });
        const MB = new Uint8Array(1_000_000);
        const failing = (): never => { throw new Error("broke late"); };
        let go!: () => void;
        const gate = new Promise<void>((resolve) => { go = resolve; });
        const values: Record<string, () => unknown> = {
          "/wait": () => gate.then(() => new Response("undisturbed")),
          "/go": () => { go(); return "gone"; },
          "/head": () => new Response("x", { headers: { "x-long": "h".repeat(1_200_000) } }),
          "/status": () => ({ status: 70_000, headers: new Headers(), body: null }),
          "/word": () => ({ status: 200, headers: new Map([["x-a", "b\u010ac: d"]]), body: null }),
          "/control": () => new Response("x", { headers: { "x-a": "b\\u0001c" } }),
          "/name": () => ({ status: 200, headers: new Map([["x a", "b"]]), body: null }),
          "/longer": () => new Response("abc", { headers: { "content-length": "2" } }),
          "/shorter": () => new Response("abc", { headers: { "content-length": "9" } }),
          "/none": () => new Response(null, { headers: { "content-length": "9" } }),
          "/no-length": () => new Response("abc", { headers: { "content-length": "-1" } }),
          "/number": () => new Response(streamOf(5, 6)),
          "/busy": () => { throw Object.assign(new Error("busy"), { name: "BackPressureError", statusCode: "no", retryAfterS: Infinity }); },
          "/stream-longer": () => new Response(pulled(() => "ab", () => "cd", () => "e"), { headers: { "content-length": "3" } }),
          "/stream-shorter": () => new Response(pulled(() => "ab", () => "c"), { headers: { "content-length": "9" } }),
          "/stream-number": () => new Response(pulled(() => "ab", () => 7)),
          "/late": () => { let n = 0; return new Response(new ReadableStream({ pull(c) { if (n++ < 2) c.enqueue(MB); else failing(); } })); },
          "/text": () => new Response(pulled(() => "é", () => new Uint16Array([0x4141]), () => new Uint8Array([66]).buffer)),
          "/exact": () => new Response(pulled(() => "ab", () => "c"), { headers: { "content-length": "3" } }),
        };
        export const app = deployment((request: Request) => values[new URL(request.url).pathname]!());`,
      deployment: "app",
    });
    const other = open(running.spec.dataSocket, { path: "/wait" });
    for (const path of [
      "/head",
      "/status",
      "/word",
      "/control",
      "/name",
      "/longer",
      "/shorter",
      "/none",
      "/no-length",
      "/number",
    ]) {
      const { status, body } = await send(running, { path });
      expect([path, status, String(body)]).toEqual([path, 500, "Internal Server Error"]);
    }
    expect(await send(running, { path: "/busy" })).toMatchObject({ status: 503, body: Buffer.from("busy") });
    for (const path of ["/stream-longer", "/stream-shorter", "/stream-number", "/late"]) {
      await expect(send(running, { path }), path).rejects.toThrow(/"responseStarted":true.*the handler failed/);
    }
    expect(String((await send(running, { path: "/text" })).body)).toBe("éAAB");
    expect(String((await send(running, { path: "/exact" })).body)).toBe("abc");
    expect(await send(running, { path: "/longer", method: "HEAD" })).toMatchObject({ status: 200 });
    await send(running, { path: "/go" });
    expect(String((await other.answer).body)).toBe("undisturbed");
    await until(() => /broke late/.test(running.output()));
    expect(running.output()).not.toContain("unhandled rejection");
  });

  it.each(["x/admin?", "a@b", "x#", "x\\y", "x y"])(
    "are refused where the host would move the path: %s",
    async (host) => {
      const running = await startReady({ source: GATE });
      const { status, body } = await send(running, { headers: { host } });
      expect([status, String(body)]).toEqual([400, "Bad Request: the Host header is not a host"]);
      expect(String((await send(running, { path: "/x", headers: { host: "[::1]:80" } })).body)).toBe("/x");
    },
  );
});

describe("admission", () => {
  it("refuses at the limit before user code runs, and follows a new limit at once", async () => {
    const running = await startReady({ source: GATE, maxOngoing: 1 });
    const first = open(running.spec.dataSocket, { path: "/wait" });
    await until(() => running.output().includes("entered 1"));
    const refused = await send(running, { method: "POST", path: "/wait", body: "x" });
    expect([refused.status, refused.headers["x-windlass-rejected"]]).toEqual([503, "1"]);
    await running.client.reconfigure({ settings: { version: "2", maxOngoingRequests: 2 } });
    const accepted = await send(running, { path: "/go" });
    expect([accepted.status, accepted.headers["x-windlass-ongoing"]]).toEqual([200, "2"]);
    expect(String((await first.answer).body)).toBe("/wait");
    expect(running.output()).not.toContain("entered 2");
    await running.status((status) => status.settingsVersion === "2");
  });

  it("lets a request wait that asks for it, and says when it is in", async () => {
    const running = await startReady({ source: GATE, maxOngoing: 1 });
    const first = open(running.spec.dataSocket, { path: "/wait" });
    await until(() => running.output().includes("entered 1"));
    const late = await send(running, {
      path: "/wait",
      headers: { "x-windlass-wait": "1" },
    });
    expect([late.status, late.headers["x-windlass-rejected"]]).toEqual([503, "1"]);
    const waiting = open(running.spec.dataSocket, {
      method: "POST",
      path: "/go",
      headers: { "x-windlass-wait": "10000", "x-windlass-waited": "5" },
    });
    const told: boolean[] = [];
    waiting.request.on("entered", (contended: boolean) => void told.push(contended));
    const gone = open(running.spec.dataSocket, {
      path: "/wait",
      headers: { "x-windlass-wait": "10000", "x-windlass-waited": "9" },
    });
    // It came before those that are refused next.
    const refused = async () => (await send(running)).headers["x-windlass-rejected"];
    expect(await refused()).toBe("1");
    gone.request.destroy();
    expect([await refused(), await refused()]).toEqual(["1", "1"]);
    await running.client.reconfigure({ settings: { version: "2", maxOngoingRequests: 2 } });
    // The one that left has not taken the slot, though it had waited longer.
    const answer = await waiting.answer;
    expect([answer.status, answer.headers["x-windlass-ongoing"], told]).toEqual([200, "2", [false]]);
    expect(String((await first.answer).body)).toBe("/wait");
    expect(running.output()).not.toContain("entered 2");
  });

  it("takes a reserved slot back from a caller that left before it heard of it", async () => {
    const running = await startReady({ source: GATE, maxOngoing: 1 });
    expect((await send(running)).status).toBe(200);
    const { request, answer } = open(running.spec.dataSocket, {
      method: "POST",
      headers: { "x-windlass-kind": "reserve" },
    });
    let heard = false;
    void answer.then(() => (heard = true));
    // It is sent at the end of this turn; the answer comes, and is not read yet, while this process is busy.
    await new Promise((resolve) => setImmediate(() => process.nextTick(resolve)));
    const untilMs = performance.now() + 200;
    while (performance.now() < untilMs);
    request.destroy();
    // Long before the reservation would lapse by itself.
    const startMs = performance.now();
    await until(async () => (await send(running)).status === 200);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(heard).toBe(false);
  });

  it("does not begin with a request that its caller gave up while user code kept the replica busy", async () => {
    const running = await startReady({
      source: `import { deployment } from "windlass";
        const begun: string[] = [];
        export const app = deployment((request: Request) => {
          const { pathname } = new URL(request.url);
          begun.push(pathname);
          if (pathname === "/block") {
            console.log("blocks");
            const untilMs = performance.now() + 500;
            while (performance.now() < untilMs);
          }
          return Response.json(begun);
        });`,
      deployment: "app",
    });
    expect((await send(running)).status).toBe(200);
    const blocks = open(running.spec.dataSocket, { path: "/block" });
    await until(() => running.output().includes("blocks"));
    const given = ["/a", "/b"].map((path) => open(running.spec.dataSocket, { path, method: "POST" }));
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    for (const { request } of given) request.destroy();
    await blocks.answer;
    const last = await send(running, { path: "/last" });
    expect(JSON.parse(String(last.body))).toEqual(["/", "/block", "/last"]);
    // Their slots are free once the ends of their connections were heard, which may be after the last one's beginning.
    await vi.waitFor(async () => {
      const { headers } = await send(running, { path: "/last" });
      expect(headers["x-windlass-ongoing"]).toBe("1");
    });
  });

  it("holds a reserved slot for its request", async () => {
    const running = await startReady({ source: GATE, maxOngoing: 1 });
    const reserved = await send(running, { method: "POST", headers: { "x-windlass-kind": "reserve" } });
    const id = reserved.headers["x-windlass-reservation"] as string;
    expect([reserved.status, typeof id]).toEqual([204, "string"]);
    expect((await send(running)).status).toBe(503);
    expect((await send(running, { headers: { "x-windlass-reservation": id } })).status).toBe(200);
    expect((await send(running)).status).toBe(200);
    expect((await send(running, { headers: { "x-windlass-reservation": id } })).status).toBe(200);
  });
});
