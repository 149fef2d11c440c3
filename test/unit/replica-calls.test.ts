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
});
