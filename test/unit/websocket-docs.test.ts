/** The section "Websockets" of docs/sdk.md: its example runs, its numbers are those in force. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { startHttpProxy } from "../support/http-proxy.ts";
import { startReady } from "../support/replica-process.ts";

const page = readFileSync(new URL("../../docs/sdk.md", import.meta.url), "utf8");
const section = /## Websockets\n([\s\S]*?)(?=\n## |$)/.exec(page)![1]!;

describe("docs/sdk.md, Websockets", () => {
  it("has an example in which members of a room hear each other", async () => {
    const source = /```ts\n([\s\S]*?)```/.exec(section)![1]!;
    const { spec } = await startReady({ source, deployment: "Room" });
    const { port, apply } = await startHttpProxy();
    const target = { application: "app", deployment: "Room", maxOngoingRequests: 5, maxQueuedRequests: -1 };
    apply({
      routes: [{ prefix: "/", application: "app", deployment: "Room" }],
      deployments: [{ ...target, replicas: [{ id: spec.replicaId, address: spec.dataSocket }] }],
    });
    const [ada, bob] = [0, 1].map(() => new WebSocket(`ws://127.0.0.1:${port}/room`, ["chat"])) as [
      WebSocket,
      WebSocket,
    ];
    onTestFinished(() => [ada, bob].forEach((socket) => void socket.terminate()));
    await Promise.all([ada, bob].map((socket) => once(socket, "open")));
    const heard = Promise.all([ada, bob].map((socket) => once(socket, "message")));
    ada.send("hello");
    expect((await heard).map(([data]) => String(data))).toEqual(["hello", "hello"]);
    expect((await fetch(`http://127.0.0.1:${port}/room`)).status).toBe(426);
  });

  it("names the defaults in force", () => {
    const source = readFileSync(new URL("../../src/replica/websocket-upgrade.ts", import.meta.url), "utf8");
    expect(source).toContain("const MAX_MESSAGE_BYTES = 16 * 1_048_576;");
    expect(section).toContain("| `maxMessageBytes` | 16,777,216 |");
    expect(source).toContain("const IDLE_TIMEOUT_S = 30;");
    expect(section).toContain("| `idleTimeoutS` | 30 |");
  });
});
