/** backpressure_config and http_options on a real instance, over HTTP and through a handle. */
import { connect } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { writeApp } from "../support/apps.ts";
import { eventually, startWindlass, waitForStatus } from "../support/windlass.ts";

const APP = `
import { type DeploymentHandle, deployment } from "windlass";
class Back {
  async work(ms: number): Promise<string> { await new Promise((resolve) => setTimeout(resolve, ms)); return "done"; }
}
class Front {
  back: DeploymentHandle<Back>;
  constructor(back: DeploymentHandle<Back>) { this.back = back; }
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const ms = Number(searchParams.get("ms") ?? 0);
    if (searchParams.has("own")) { await new Promise((resolve) => setTimeout(resolve, ms)); return new Response("own"); }
    return new Response(\`\${pathname} \${await this.back.work.remote(ms)}\`);
  }
}
export const app = deployment(Front).bind(deployment(Back).bind());
`;

const CONFIG = `
http_options: {root_path: /base, keep_alive_timeout_s: 1}
applications:
  - name: a
    route_prefix: /a
    import_path: ./app.ts:app
    deployments:
      - name: Front
        max_ongoing_requests: 4
        max_queued_requests: 1
        backpressure_config: {status_code: 503, retry_after_s: 2.2}
        graceful_shutdown_timeout_s: 1
      - name: Back
        max_ongoing_requests: 1
        max_queued_requests: 1
        backpressure_config: {status_code: 429, retry_after_s: 6.5}
        graceful_shutdown_timeout_s: 1
`;

it("full queues answer with their own status and retry-after, and http_options act", async () => {
  // One proxy: each has a queue of its own.
  const windlass = await startWindlass([writeApp(APP, CONFIG), "--proxy-workers", "1"]);
  await waitForStatus(windlass, "a", "RUNNING");
  // Applications see the root path that a fronting proxy has taken off.
  expect(await (await fetch(`${windlass.http}/a`)).text()).toBe("/base/a done");

  const told = async (query: string, times: number) => {
    const answers = await Promise.all(
      Array.from({ length: times }, async () => {
        const response = await fetch(`${windlass.http}/a?${query}`);
        return {
          status: response.status,
          retryAfter: response.headers.get("retry-after"),
          body: await response.text(),
        };
      }),
    );
    return answers.filter(({ status }) => status !== 200);
  };
  // Four in Front, one in Back, one in Front's queue to Back: two are refused there, and Front does not catch it.
  const behind = await told("ms=400", 4);
  expect(behind).toHaveLength(2);
  for (const answer of behind) {
    expect(answer).toEqual({
      status: 429,
      retryAfter: "7",
      body: "Request dropped due to backpressure (num_queued_requests=1, max_queued_requests=1).",
    });
  }
  // Four in Front, one in the proxy's queue: three are refused by the proxy.
  const before = await told("own=1&ms=400", 8);
  expect(before).toHaveLength(3);
  for (const answer of before) expect(answer).toMatchObject({ status: 503, retryAfter: "3" });

  const { hostname, port } = new URL(windlass.http);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let received = "";
  let closed = false;
  socket.on("data", (chunk) => (received += String(chunk))).on("close", () => (closed = true));
  socket.write("GET /a?own=1 HTTP/1.1\r\nhost: x\r\n\r\n");
  await eventually(() => received.includes("own"));
  const idleSince = systemClock.monotonic();
  await eventually(() => closed);
  expect(systemClock.monotonic() - idleSince).toBeGreaterThan(900);
});
