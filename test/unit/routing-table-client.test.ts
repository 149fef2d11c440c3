import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { reconnectDelayMs } from "../../src/routing/backoff.ts";
import { followTable } from "../../src/routing/table-client.ts";
import { startFakeControllerRuntime } from "../support/fake-controller-runtime.ts";
import { tempDir } from "../support/temp-dir.ts";

function follow(socketPath: string) {
  const seen: { revision: bigint; prefixes: string[] }[] = [];
  const connected: boolean[] = [];
  const client = followTable({
    socketPath,
    routerId: "proxy/0",
    clock: systemClock,
    random: systemRandom,
    onTable: (table, revision) => seen.push({ revision, prefixes: table.routes.map(({ prefix }) => prefix) }),
    onConnected: (value) => connected.push(value),
  });
  onTestFinished(() => client.close());
  return { client, seen, connected };
}

async function startController(socketPath: string, revision?: bigint) {
  const controller = await startFakeControllerRuntime(socketPath, revision === undefined ? {} : { revision });
  onTestFinished(() => controller.stop());
  return controller;
}

describe("followTable", () => {
  it("applies the present table and each newer one, and acknowledges them", async () => {
    const controller = await startController(join(tempDir(), "c"));
    controller.publish({ routes: [{ prefix: "/a" }] });
    const { seen, client } = follow(controller.socketPath);
    await vi.waitFor(() => expect(seen).toEqual([{ revision: 1n, prefixes: ["/a"] }]));
    controller.publish({ routes: [{ prefix: "/b" }] });
    await vi.waitFor(() => expect(controller.acknowledged.map(({ revision }) => revision)).toEqual([1n, 2n]));
    expect(seen.at(-1)).toEqual({ revision: 2n, prefixes: ["/b"] });
    expect(controller.acknowledged[0]!.routerId).toBe("proxy/0");
    expect(client).toMatchObject({ connected: true, revision: 2n });
  });

  it("keeps trying while there is no controller, and notices its death", async () => {
    const path = join(tempDir(), "c");
    const { seen, client, connected } = follow(path);
    const first = await startController(path);
    first.publish({ routes: [{ prefix: "/a" }] });
    await vi.waitFor(() => expect(seen).toHaveLength(1), { timeout: 3_000 });
    await first.stop();
    await vi.waitFor(() => expect(client.connected).toBe(false));
    const second = await startController(path);
    second.publish({ routes: [{ prefix: "/b" }] });
    await vi.waitFor(() => expect(seen.at(-1)!.prefixes).toEqual(["/b"]), { timeout: 3_000 });
    expect(connected).toEqual([true, false, true]);
  });

  it("applies a lower revision when it comes from a new stream", async () => {
    const path = join(tempDir(), "c");
    const first = await startController(path, 40n);
    first.publish({ routes: [{ prefix: "/a" }] });
    const { seen, client } = follow(path);
    await vi.waitFor(() => expect(client.revision).toBe(41n));
    await first.stop();
    const second = await startController(path);
    second.publish({ routes: [{ prefix: "/b" }] });
    await vi.waitFor(() => expect(client.revision).toBe(1n), { timeout: 3_000 });
    expect(seen.map(({ revision }) => revision)).toEqual([41n, 1n]);
  });

  it("ends its stream at the controller when it is closed", async () => {
    const controller = await startController(join(tempDir(), "c"));
    controller.publish({});
    const { client } = follow(controller.socketPath);
    await vi.waitFor(() => expect(controller.watchers.size).toBe(1));
    await client.close();
    await vi.waitFor(() => expect(controller.watchers.size).toBe(0));
    expect(client.connected).toBe(false);
  });
});

describe("reconnectDelayMs", () => {
  it("is nothing at first, then grows with jitter to a second", () => {
    const least = [0, 1, 2, 3, 10, 1_000].map((attempt) => reconnectDelayMs(attempt, { next: () => 0 }));
    const most = [0, 1, 2, 3, 10, 1_000].map((attempt) => reconnectDelayMs(attempt, { next: () => 1 }));
    expect(least).toEqual([0, 25, 50, 100, 500, 500]);
    expect(most).toEqual([0, 50, 100, 200, 1_000, 1_000]);
  });
});
