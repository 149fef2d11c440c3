/** The examples whose ingress is a framework's, through the HTTP proxy of a whole instance. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { api, eventually, ROOT, startWindlass, waitForStatus } from "../support/windlass.ts";

const EXAMPLES = join(ROOT, "examples");

describe.each(["hono", "fastify"])("examples/%s.yaml", (name) => {
  it("has path parameters, middleware, streams and errors", async () => {
    const windlass = await startWindlass();
    const deploy = async (user_config: object): Promise<void> => {
      const config = parse(readFileSync(join(EXAMPLES, `${name}.yaml`), "utf8"));
      // One call at a time, and one that waits.
      const limits = { max_ongoing_requests: 1, max_queued_requests: 1 };
      config.applications[0].deployments = [{ name: "Stock", ...limits, user_config }];
      const headers = { "x-windlass-base-dir": EXAMPLES };
      const put = await api(windlass, "/api/serve/applications/", { method: "PUT", headers, body: config });
      expect([put.status, put.text]).toEqual([200, ""]);
      await waitForStatus(windlass, "fruits", "RUNNING", 60_000);
    };
    await deploy({ day_ms: 1 });
    const get = (path: string, init: RequestInit = {}) => fetch(`${windlass.http}/shop${path}`, init);

    const apple = await eventually(async () => {
      const response = await get("/fruits/apple");
      return response.status === 200 && response;
    });
    expect(apple.headers.get("x-replica")).toMatch(/^\w{8}$/);
    expect(await apple.json()).toEqual({ fruit: "apple", cents: 30 });
    const unknown = await get("/fruits/durian");
    expect([unknown.status, await unknown.json()]).toEqual([404, { error: "there is no durian" }]);
    const nowhere = await get("/nuts");
    expect([nowhere.status, await nowhere.text()]).toEqual([404, expect.any(String)]);

    const ripening = await get("/fruits/banana/ripening");
    expect(ripening.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(await ripening.text()).toBe("data: green banana\n\ndata: yellow banana\n\ndata: ripe banana\n\n");
  });
});
