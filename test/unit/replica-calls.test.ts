import { join } from "node:path";
import { deserialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { call, fakeController, send, startReady } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("calls of handles", () => {
  const BACK = `class Back {
      constructor(private factor: number) {}
      double(x: number) { return x * this.factor; }
      async fail() { throw new RangeError("no good"); }
      *count(to: number) { for (let i = 0; i < to; i++) yield i; }
      async *breaks() { yield 1; throw new TypeError("broke"); }
      clash() { return () => 1; }
      call(map: Map<string, number>) { return map; }
    }`;

  it("dispatches to methods, returns values and errors, and names what there is", async () => {
    const source = `import { deployment } from "windlass"; ${BACK}\nexport const app = deployment(Back).bind(2);`;
    const running = await startReady({ deployment: "Back", source });
    const result = async (method: string, ...args: unknown[]) => {
      const { status, headers, body } = await call(running, method, ...args);
      return [
        status,
        headers["x-windlass-result"],
        headers["x-windlass-result"] === "stream" ? body : deserialize(body),
      ];
    };
    expect(await result("double", 4)).toEqual([200, "value", 8]);
    expect(await result("call", new Map([["a", 1]]))).toEqual([200, "value", new Map([["a", 1]])]);
    expect(await result("fail")).toEqual([500, "error", { name: "RangeError", message: "no good" }]);
    expect(await result("nope")).toEqual([
      500,
      "error",
      { name: "TypeError", message: 'there is no method "nope"; available: breaks, call, clash, count, double, fail' },
    ]);
    expect((await result("clash"))[2]).toMatchObject({
      name: "TypeError",
      message: /the result of clash cannot be sent/ as never,
    });
  });

  it("stays with the revision of the request, and with its own where a call belongs to none", async () => {
    const folder = tempDir();
    const source = `import { deployment, type DeploymentHandle } from "windlass";
      class Back { constructor() {} where() { return process.env.WHERE; } }
      class Middle {
        constructor(private back: DeploymentHandle<Back>) {}
        async *ask() { yield await this.back.where.remote(); }
      }
      class App {
        own: Promise<string | undefined>;
        constructor(private middle: DeploymentHandle<Middle>, back: DeploymentHandle<Back>) {
          this.own = new Promise((resolve) => setTimeout(() => resolve(back.where.remote()), 50));
        }
        async fetch(request: Request) {
          if (request.url.endsWith("/own")) return String(await this.own);
          let answer = "";
          for await (const item of this.middle.options({ stream: true }).ask.remote()) answer += item;
          return answer;
        }
      }
      const back = deployment(Back).bind();
      export const app = deployment(App).bind(deployment(Middle).bind(back), back);`;
    const [stable, canary] = await Promise.all(
      [3, 4].map((revision) =>
        startReady({ folder, source, deployment: "Back", env: { WHERE: `revision ${revision}` } }),
      ),
    );
    const split = { stableRevision: 3n, canaryRevision: 4n, weight: 50, stickyHeader: "" };
    const at = (running: typeof stable, revision: bigint) => ({
      id: running!.spec.replicaId,
      address: running!.spec.dataSocket,
      revision,
    });
    const middleSocket: { id: string; address: string }[] = [];
    await fakeController(join(folder, "controller"), () => [
      { deployment: "Back", split, replicas: [at(stable, 3n), at(canary, 4n)] },
      { deployment: "Middle", split, replicas: middleSocket },
    ]);
    const middle = await startReady({ folder, source, deployment: "Middle" });
    middleSocket.push({ id: middle.spec.replicaId, address: middle.spec.dataSocket });
    const front = await startReady({ folder, source, revision: 4 });
    for (const revision of [3, 4, 4, 3]) {
      const { body } = await send(front, { headers: { "x-windlass-revision": String(revision) } });
      expect(String(body)).toBe(`revision ${revision}`);
    }
    expect(String((await send(front, { path: "/own" })).body)).toBe("revision 4");
  });

  it("reaches another replica through the routing table", async () => {
    const folder = tempDir();
    const source = `import { deployment, type DeploymentHandle, RequestTimeoutError } from "windlass"; ${BACK}
      class App {
        constructor(private handles: { back: DeploymentHandle<Back> }) {}
        async fetch() {
          const { back } = this.handles;
          const failed = await back.fail.remote().catch((error: unknown) => error);
          const items: number[] = [];
          for await (const item of back.options({ stream: true }).count.remote(3)) items.push(item);
          const broken: unknown[] = [];
          try { for await (const item of back.options({ stream: true }).breaks.remote()) broken.push(item); } catch (error) { broken.push(String(error)); }
          return {
            chained: await back.double.remote(back.double.remote(5)),
            map: (await back.remote(new Map([["k", 7]]))).get("k"),
            failed: [failed instanceof RangeError, String(failed)],
            items, broken,
            mismatch: await back.count.remote(1).then(String, String),
            argument: await back.double.remote((() => 1) as never).then(String, String),
          };
        }
      }
      export const app = deployment(App).bind({ back: deployment(Back).bind(2) });`;
    const back = await startReady({ folder, source, deployment: "Back" });
    const acknowledged = await fakeController(join(folder, "controller"), back);
    const front = await startReady({ folder, source });
    const answer = await send(front, { headers: { "x-request-id": "q1" } });
    expect(JSON.parse(String(answer.body))).toEqual({
      chained: 20,
      map: 7,
      failed: [true, "RangeError: no good"],
      items: [0, 1, 2],
      broken: [1, "TypeError: broke"],
      mismatch: "TypeError: Back.count returns a stream: call it through handle.options({ stream: true })",
      argument: "TypeError: an argument of Back.double cannot be sent to another replica: () => 1 could not be cloned.",
    });
    expect(acknowledged).toEqual([`replica/${front.spec.replicaId}`]);
    expect(back.output()).toContain("request_id=q1");
  });

  it("are as urgent as the request they are made for, unless they say something else", async () => {
    const folder = tempDir();
    const source = `import { deployment, getRequestContext, type DeploymentHandle } from "windlass";
      class Back { priority() { return getRequestContext()!.priority; } }
      class App {
        constructor(private back: DeploymentHandle<Back>) {}
        async fetch() {
          const { back } = this;
          const low = back.options({ priority: "low" });
          return Response.json(await Promise.all([back, low, low.options({ priority: 9 })].map((to) => to.priority.remote())));
        }
      }
      export const app = deployment(App).bind(deployment(Back).bind());`;
    const back = await startReady({ folder, source, deployment: "Back" });
    await fakeController(join(folder, "controller"), back);
    const front = await startReady({ folder, source });
    const asked = async (headers: Record<string, string>) => JSON.parse(String((await send(front, { headers })).body));
    expect(await asked({ "x-windlass-priority": "3" })).toEqual([3, -1, 9]);
    expect(await asked({})).toEqual([0, -1, 9]);
  });

  it("throws, and answers 503 with retry-after, where the callee had no replica for too long", async () => {
    const folder = tempDir();
    const source = `import { deployment, DeploymentUnavailableError, type DeploymentHandle } from "windlass";
      class Back { hi() { return 1; } }
      class App {
        constructor(private back: DeploymentHandle<Back>) {}
        async fetch(request: Request) {
          if (request.url.endsWith("/uncaught")) return Response.json(await this.back.hi.remote());
          const error = await this.back.hi.remote().catch((error: unknown) => error);
          return Response.json(error instanceof DeploymentUnavailableError && [error.message, error.retryAfterS]);
        }
      }
      export const app = deployment(App).bind(deployment(Back).bind());`;
    const coldStart = { timeoutS: 0.05, reason: "its replicas are starting", retryAfterS: 9 };
    await fakeController(join(folder, "controller"), () => [{ deployment: "Back", replicas: [], coldStart }]);
    const front = await startReady({ folder, source });
    const message = `Deployment(name='Back', app='app') had no replica that serves for 0.05 s (cold_start_timeout_s): its replicas are starting. Try again in 9 s.`;
    expect(JSON.parse(String((await send(front)).body))).toEqual([message, 9]);
    const { status, headers, body } = await send(front, { path: "/uncaught" });
    expect([status, headers["retry-after"], String(body)]).toEqual([503, "9", message]);
  });
});
