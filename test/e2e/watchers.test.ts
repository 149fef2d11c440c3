// Watches of a real controller over real connections: many at once, and through intermediaries that drop them. With
// WINDLASS_IDLE_S=60 the intermediary drops what was idle for 60 s, as `npm run verify:long` has it.
import { afterAll, describe, expect, it } from "vitest";
import { cleanUp } from "../../bench/lib/children.ts";
import { runWatchers } from "../../bench/lib/watchers.ts";
import type { WatchInstanceResponse } from "../../gen/windlass/v1/instance_service_pb.ts";
import { follow } from "../../src/cli/feed.ts";
import { nodeConnections } from "../../src/client/node-connections.ts";
import { systemClock as clock } from "../../src/core/system-clock.ts";
import { systemRandom as random } from "../../src/core/system-random.ts";
import { startTestApi, type TestApi } from "../support/api-harness.ts";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { deploymentRecord, put } from "../support/fake-controller.ts";
import { checkHistory, type Received, type Written } from "../support/history-checker.ts";
import { eventually } from "../support/windlass.ts";

const IDLE_MS = Number(process.env["WINDLASS_IDLE_S"] ?? 1.5) * 1_000;
const PROTOCOLS = ["connect", "grpc"] as const;

afterAll(cleanUp);

describe("a hundred watchers of a real controller", () => {
  it("are told every write once and in order, beside slow ones and stuck ones", async () => {
    const scenario = { watchers: 100, slow: 5, stuck: 5, spreadOver: 20, writesPerSecond: 100, seconds: 3 };
    const { told, watched } = await runWatchers({ ...scenario, aloneSeconds: 0.5 }, () => {});
    expect(told.examples).toEqual([]);
    expect(told).toMatchObject({ checked: 91, violations: 0, ended: 0 });
    expect(watched).toMatchObject({ count: 300, failed: 0 });
    // Sixty of the writes are to applications that are watched, by four or five healthy ones each; the first sees all.
    expect(told.messages).toBeGreaterThan(500);
  });
});

/** A reader that comes back by itself, through an intermediary. */
function followThrough(proxy: ChaosProxy, api: TestApi, by: (typeof PROTOCOLS)[number], progressIntervalMs: number) {
  const address = `http://127.0.0.1:${proxy.port}`;
  const stop = new AbortController();
  const messages: WatchInstanceResponse[] = [];
  const notices: string[] = [];
  const feed = follow(
    {
      target: { address, token: undefined },
      connections: nodeConnections({ address, token: api.tokens.viewer }, undefined, { protocol: by }),
    },
    { clock, random },
    {
      name: "applications/a",
      since: 0n,
      signal: stop.signal,
      patienceMs: Number.POSITIVE_INFINITY,
      endless: true,
      progressIntervalMs,
      notice: (text) => void notices.push(text),
    },
  );
  const ended = (async () => {
    for await (const message of feed) messages.push(message);
  })();
  const received = (): Received[] =>
    messages.map(({ revision, event }): Received => {
      const at = Number(revision);
      if (event.case === "synced") return { kind: "synced", revision: at };
      if (event.case === "deployment") {
        return { kind: "event", revision: at, name: event.value.name, content: event.value.message };
      }
      const name = event.case === "deleted" ? event.value : event.case === "instance" ? "instance" : event.value!.name;
      return { kind: "event", revision: at, name, content: "" };
    });
  return {
    notices,
    received,
    async synced() {
      await eventually(() => messages.some(({ event }) => event.case === "synced"));
    },
    async sees(text: string, timeoutMs = 20_000) {
      const there = (): boolean =>
        messages.some(({ event }) => event.case === "deployment" && event.value.message === text);
      await eventually(there, () => `${text} did not come; ${notices.join(", ")}`, timeoutMs);
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

/** An API whose writes are noted, behind an intermediary. */
async function behind(options: { idleMs?: number } = {}) {
  const api = await startTestApi();
  const proxy = await startChaosProxy(api.port, options);
  const written: Written[] = [];
  return {
    api,
    proxy,
    async say(text: string) {
      const revision = await api.write(put.deployment(deploymentRecord("a", "Echo", { message: text })));
      written.push({ revision, changes: new Map([["applications/a/deployments/Echo", text]]) });
    },
    /** What was followed has no gap and nothing twice. */
    whole(received: readonly Received[]) {
      const before = new Map(
        ["applications/a", "applications/a/deployments/Echo"]
          .concat("applications/a/deployments/Echo/replicas/abcd1234")
          .map((name) => [name, ""]),
      );
      const first = received.find((one) => one.kind === "event" && one.name.endsWith("/Echo"));
      if (first?.kind === "event") before.set(first.name, first.content ?? "");
      const segments = [{ startRevision: 0, messages: received }];
      const reachedRevision = written.at(-1)!.revision;
      const stream = { id: "follow", scope: "a", covers: () => true, segments, reachedRevision };
      expect(checkHistory({ before, written }, [stream])).toEqual([]);
    },
    async close() {
      await proxy.close();
      await api[Symbol.asyncDispose]();
    },
  };
}

describe.each(PROTOCOLS)("a watch by %s through an intermediary", (by) => {
  it("that drops what is idle is kept open by progress that comes sooner", {
    timeout: 3 * IDLE_MS + 30_000,
  }, async () => {
    const { api, proxy, say, whole, close } = await behind({ idleMs: IDLE_MS });
    const reader = followThrough(proxy, api, by, IDLE_MS / 3);
    await reader.synced();
    const quietSinceMs = performance.now();
    await eventually(() => performance.now() - quietSinceMs > 2 * IDLE_MS, undefined, 2 * IDLE_MS + 10_000);
    await say("after a long silence");
    await reader.sees("after a long silence");
    expect([proxy.accepted, reader.notices]).toEqual([1, []]);
    whole(reader.received());
    await reader.stop();
    await close();
  });

  it("that drops what is idle sooner than progress comes is taken up again without a gap", {
    timeout: 4 * IDLE_MS + 30_000,
  }, async () => {
    const { api, proxy, say, whole, close } = await behind({ idleMs: Math.min(IDLE_MS, 15_000) });
    const reader = followThrough(proxy, api, by, 20_000);
    await reader.synced();
    await say("one");
    await eventually(() => proxy.accepted > 1, undefined, 30_000);
    await say("two");
    await reader.sees("two");
    whole(reader.received());
    await reader.stop();
    await close();
  });

  it("that falls silent is noticed within three intervals, and taken up again without a gap or a repeat", async () => {
    const { api, proxy, say, whole, close } = await behind();
    const intervalMs = 300;
    const reader = followThrough(proxy, api, by, intervalMs);
    await reader.synced();
    for (let round = 0; round < 3; round++) {
      await say(`before ${round}`);
      await reader.sees(`before ${round}`);
      expect(proxy.freeze()).toBeGreaterThan(0);
      const frozenMs = performance.now();
      const accepted = proxy.accepted;
      await say(`while frozen ${round}`);
      await eventually(() => proxy.accepted > accepted);
      const noticedMs = performance.now() - frozenMs;
      // The last message may have come just before; a busy machine is late itself.
      expect(noticedMs).toBeGreaterThan(intervalMs);
      expect(noticedMs).toBeLessThan(3 * intervalMs + 3_000);
      await reader.sees(`while frozen ${round}`);
    }
    whole(reader.received());
    await reader.stop();
    await close();
  });
});
