/** Websockets through a whole instance. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { writeApp } from "../support/apps.ts";
import { dial } from "../support/websocket-client.ts";
import { clientEnv, runWindlass, startWindlass, waitForStatus } from "../support/windlass.ts";

const APP = (version: string): string => `
import { deployment, upgradeWebSocket } from "windlass";
class Talk {
  fetch(request: Request): Response {
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send("${version}: " + data);
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
    deployments:
      - name: Talk
        graceful_shutdown_wait_loop_s: 0.5
`;

const PROGRAM = `
import { createServer } from "node:http";
import { WebSocketServer } from ${JSON.stringify(import.meta.resolve("ws"))};
const server = createServer((_request, response) => response.end("plain"));
const sockets = new WebSocketServer({ server, verifyClient: ({ req }) => req.url !== "/no" });
sockets.on("connection", (socket, request) => socket.on("message", (data) => socket.send(request.url + " " + data)));
server.listen(Number(process.env.PORT), "127.0.0.1");
`;

describe("websockets", () => {
  it("live over a controller that dies, are closed with 1001 by an update, and reach the new code", async () => {
    const config = writeApp(APP("one"), CONFIG);
    const windlass = await startWindlass([config]);
    await waitForStatus(windlass, "talk", "RUNNING");
    const first = await dial(`${windlass.http}/talk/x`);
    process.kill(windlass.pids.controller, "SIGKILL");
    first.socket.send("hello");
    await vi.waitFor(() => expect(first.messages).toEqual(["one: hello"]));

    await vi.waitFor(async () => expect((await fetch(`${windlass.control}/-/readyz`)).status).toBe(200), 10_000);
    writeFileSync(join(dirname(config), "app.ts"), APP("two"));
    const deployed = await runWindlass(["deploy", config, "--wait"], clientEnv(windlass));
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
    expect(await first.closed).toEqual({ code: 1001, reason: "the replica stops" });
    const second = await dial(`${windlass.http}/talk/x`);
    second.socket.send("hello");
    await vi.waitFor(() => expect(second.messages).toEqual(["two: hello"]));

    expect(await windlass.stop()).toBe(0);
    expect((await second.closed).code).toBe(1001);
  });

  it("reach a program as they are, which may refuse them", async () => {
    const config = writeApp(
      "",
      'applications:\n  - name: prog\n    deployments:\n      - {name: Prog, command: ["node", "server.mjs"]}\n',
      { "server.mjs": PROGRAM },
    );
    const windlass = await startWindlass([config]);
    await waitForStatus(windlass, "prog", "RUNNING");
    const { socket, messages, head, closed } = await dial(`${windlass.http}/ws?q=1`, {
      headers: { "x-request-id": "r" },
    });
    expect(head).toMatchObject({ "x-request-id": "r" });
    socket.send("hello");
    await vi.waitFor(() => expect(messages).toEqual(["/ws?q=1 hello"]));
    socket.close(4000, "enough");
    expect(await closed).toEqual({ code: 4000, reason: "enough" });
    await expect(dial(`${windlass.http}/no`)).rejects.toMatchObject({ status: 401, body: "Unauthorized" });
    expect(await (await fetch(`${windlass.http}/ws`)).text()).toBe("plain");
  });
});
