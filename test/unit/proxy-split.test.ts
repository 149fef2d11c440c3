/** A real proxy process between two revisions of an application. */

import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { RevisionTraffic } from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import { latencyBucket } from "../../src/proxy/revision-traffic.ts";
import { startFakeControllerRuntime } from "../support/fake-controller-runtime.ts";
import { startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { freePort, startProxy } from "../support/proxy-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const ROUTES = [{ prefix: "/", application: "app", deployment: "d" }];

async function setUp() {
  const dir = tempDir();
  const controller = await startFakeControllerRuntime(join(dir, "c"));
  const stable = await startFakeReplica(dir, "stable");
  const canary = await startFakeReplica(dir, "canary");
  const replicas = [
    { id: stable.id, address: stable.address, revision: 3n },
    { id: canary.id, address: canary.address, revision: 4n },
  ];
  const publish = (weight: number, stickyHeader = ""): void =>
    controller.publish({
      routes: ROUTES,
      deployments: [
        { ...targetsOf([]), replicas, split: { stableRevision: 3n, canaryRevision: 4n, weight, stickyHeader } },
      ],
    });
  publish(50, "x-user");
  const proxy = startProxy(dir, await freePort());
  await proxy.said;
  const ask = async (headers: Record<string, string> = {}, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${proxy.port}/`, { headers, ...init });
    return {
      status: response.status,
      revision: response.headers.get("x-windlass-revision"),
      body: await response.text(),
    };
  };
  const applied = (revision: bigint): Promise<void> =>
    vi.waitFor(() => expect(controller.acknowledged.at(-1)?.revision).toBe(revision));
  return { controller, stable, canary, publish, ask, applied };
}

/** Sums of what was reported, by revision. */
function sums(
  traffic: readonly RevisionTraffic[],
): Record<string, { requests: number; errors: number; timed: number }> {
  const by: Record<string, { requests: number; errors: number; timed: number }> = {};
  for (const { revision, requests, errors, latencyBuckets } of traffic) {
    const sum = by[String(revision)] ?? { requests: 0, errors: 0, timed: 0 };
    by[String(revision)] = sum;
    sum.requests += Number(requests);
    sum.errors += Number(errors);
    sum.timed += latencyBuckets.reduce((total, count) => total + Number(count), 0);
  }
  return by;
}

describe("a proxy between two revisions", () => {
  it("keeps a sticky value with its revision, tells the client and the replica which, and moves none back", async () => {
    const { ask, publish, applied, stable, canary } = await setUp();
    const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);
    const first = new Map<string, string>();
    for (const user of users) {
      const { revision, body } = await ask({ "x-user": user });
      expect(body).toBe(revision === "4" ? "canary" : "stable");
      first.set(user, body);
    }
    expect(new Set(first.values())).toEqual(new Set(["stable", "canary"]));
    for (const user of users) expect((await ask({ "x-user": user })).body).toBe(first.get(user));
    publish(80, "x-user");
    await applied(2n);
    for (const user of users) {
      const { body } = await ask({ "x-user": user });
      if (first.get(user) === "canary") expect(body).toBe("canary");
    }
    expect(stable.accepted.every(({ headers }) => headers["x-windlass-revision"] === "3")).toBe(true);
    expect(canary.accepted.every(({ headers }) => headers["x-windlass-revision"] === "4")).toBe(true);
  });

  it("lets a client choose one of the two by hand, and drops the header while there is one revision", async () => {
    const { ask, controller, applied, canary } = await setUp();
    expect(await ask({ "x-windlass-revision": "4", "x-user": "a" })).toMatchObject({ revision: "4", body: "canary" });
    expect(await ask({ "x-windlass-revision": "3" })).toMatchObject({ revision: "3", body: "stable" });
    controller.publish({ routes: ROUTES, deployments: [targetsOf([canary])] });
    await applied(2n);
    expect(await ask({ "x-windlass-revision": "3" })).toEqual({ status: 200, revision: null, body: "canary" });
    expect(canary.accepted.at(-1)!.headers["x-windlass-revision"]).toBeUndefined();
  });

  it("reports how requests ended: answers, 5xx and breaks, but no refusal and no client that left", async () => {
    const { ask, controller, stable, canary } = await setUp();
    const by = (revision: number) => ({ "x-windlass-revision": String(revision) });
    for (let i = 0; i < 3; i++) await ask(by(3));
    canary.handler = (_req, res) => void res.writeHead(503).end();
    await ask(by(4));
    canary.handler = (_req, res) => void res.writeHead(404).end();
    await ask(by(4));
    canary.handler = (_req, res) => void res.destroy();
    expect((await ask(by(4), { method: "POST" })).status).toBe(500);
    canary.handler = () => {};
    expect((await ask({ ...by(4), "x-request-timeout-seconds": "0.05" })).status).toBe(408);
    const left = new AbortController();
    canary.handler = () => left.abort();
    await expect(ask(by(4), { signal: left.signal })).rejects.toThrow();
    await ask(by(3));
    await vi.waitFor(() =>
      expect(sums(controller.traffic)).toEqual({
        3: { requests: 4, errors: 0, timed: 4 },
        4: { requests: 4, errors: 3, timed: 4 },
      }),
    );
    expect(stable.accepted).toHaveLength(4);
  });

  it.each([
    [0, 0],
    [1, 0],
    [1.1, 1],
    [1.2, 2],
    [1.1 ** 50, 50],
    [1e12, 150],
  ])("counts a latency of %d ms in bucket %d", (latencyMs, bucket) => {
    expect(latencyBucket(latencyMs)).toBe(bucket);
  });
});
