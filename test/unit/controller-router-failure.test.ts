import { describe, expect, it } from "vitest";
import { shownMessage } from "../../src/controller/controller.ts";
import { type RouterFaultSum, routerVersion } from "../../src/core/router-faults.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { application, type SimulatedController, simulate } from "../support/simulated-controller.ts";

const ROUTER = "./router.ts:R";

async function deployed(store?: Store) {
  const simulation = await simulate(store ? { store } : {});
  simulation.engine.applications.set("app", {
    deployments: [{ name: "D" }, { name: "E" }],
    ingress: "D",
    hash: "h1",
    routers: { [ROUTER]: { bundlePath: "/bundles/r1", bundleHash: "r1", exportName: "R" } },
  });
  await deploy(simulation);
  return simulation;
}

async function deploy(simulation: SimulatedController, kwargs = {}): Promise<void> {
  const config = { request_router_class: ROUTER, request_router_kwargs: kwargs };
  await simulation.put([application({ num_replicas: 2, request_router_config: config })]);
  await simulation.clock.advance(2_000);
  expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
}

/** The version of D's router as routers know it: from the table. */
function versionOf(simulation: SimulatedController): string {
  const { deployments } = simulation.routes.latest.table;
  const { bundlePath, kwargsJson } = deployments.find(({ deployment }) => deployment === "D")!.requestRouting!;
  return routerVersion(bundlePath, kwargsJson);
}

/** A router's word that it failed. */
function fail(simulation: SimulatedController, more: Partial<RouterFaultSum> = {}): void {
  const version = more.version ?? versionOf(simulation);
  const sum = { application: "a", deployment: "D", version, reason: "error", error: "Error: no tenant", count: 1 };
  simulation.routes.reportRouterFaults([{ ...sum, ...more }]);
}

function failureOf(simulation: SimulatedController) {
  return simulation.controller.deployment("a", "D")!.routerFailure;
}

function messageOf(simulation: SimulatedController): string {
  return simulation.controller.application("a")!.message;
}

describe("a request router that fails", () => {
  it("is told of by its deployment and its application in one line, and changes nothing else", async () => {
    const simulation = await deployed();
    const before = simulation.controller.deployment("a", "D")!;
    const { table } = simulation.routes.latest;
    const commands = simulation.engine.commands.length;
    const since = `${new Date(simulation.clock.now()).toISOString().slice(0, 19)}Z`;
    fail(simulation, { error: "Error: no\ttenant\u001b[1m" });
    await simulation.clock.advance(0);
    const line = `the request router ./router.ts:R failed once at ${since}, and the power of two choices stood in for it: Error: no tenant [1m`;
    const after = simulation.controller.deployment("a", "D")!;
    expect(shownMessage(after)).toBe(line);
    expect(simulation.controller.application("a")).toMatchObject({
      status: "RUNNING",
      message: `deployment "D": ${line}`,
    });
    const { routerFailure: _failure, updatedAt: _then, ...rest } = after;
    const { updatedAt: _before, ...same } = before;
    expect(rest).toEqual(same);
    expect(simulation.routes.latest.table).toBe(table);
    expect(simulation.engine.commands.slice(commands).filter((command) => !command.startsWith("health"))).toEqual([]);
    await simulation.controller.close();
  });

  it("is told of with how often and the newest error, and as of no request where only a hook failed", async () => {
    const simulation = await deployed();
    fail(simulation, { reason: "hook", error: "onReplicaDied: Error: oops", count: 2 });
    await simulation.clock.advance(0);
    expect(messageOf(simulation)).toMatch(
      /^deployment "D": a hook of the request router .* failed 2 times since .*Z, which concerns no request: onReplicaDied: Error: oops$/,
    );
    fail(simulation, { count: 3 });
    fail(simulation, { error: "Error: newer", count: 4 });
    await simulation.clock.advance(5_000);
    expect(messageOf(simulation)).toMatch(/ failed 9 times since .*Z, and the power of two choices .*: Error: newer$/);
    await simulation.controller.close();
  });

  it("that goes on failing is written seldom, the more so the longer it lasts, and no fault is forgotten", async () => {
    const simulation = await deployed();
    const { revision } = simulation.store;
    for (let s = 0; s < 3_600; s += 5) {
      for (let router = 0; router < 4; router++) fail(simulation, { count: 10 });
      await simulation.clock.advance(5_000);
      if (s === 55) expect(simulation.store.revision - revision).toBeLessThanOrEqual(10);
    }
    expect(simulation.store.revision - revision).toBeLessThanOrEqual(80);
    await simulation.clock.advance(60_000);
    expect(failureOf(simulation)?.count).toBe(4 * 10 * 720);
    await simulation.controller.close();
  });

  it("is forgotten five minutes after it failed last", async () => {
    const simulation = await deployed();
    fail(simulation);
    await simulation.clock.advance(200_000);
    fail(simulation);
    await simulation.clock.advance(299_000);
    expect(failureOf(simulation)?.count).toBe(2);
    await simulation.clock.advance(2_000);
    expect(failureOf(simulation)).toBeUndefined();
    expect(messageOf(simulation)).toBe("");
    await simulation.controller.close();
  });

  it("is forgotten when it is replaced, what routers say of it afterwards too; its successor is told of at once", async () => {
    const simulation = await deployed();
    const version = versionOf(simulation);
    fail(simulation);
    await simulation.clock.advance(0);
    await deploy(simulation, { tenants: 2 });
    expect(failureOf(simulation)).toBeUndefined();
    expect(messageOf(simulation)).toBe("");
    fail(simulation, { version });
    await simulation.clock.advance(60_000);
    expect(failureOf(simulation)).toBeUndefined();
    fail(simulation);
    await simulation.clock.advance(0);
    await deploy(simulation, { tenants: 3 });
    fail(simulation, { error: "Error: of the third" });
    await simulation.clock.advance(0);
    expect(failureOf(simulation)).toMatchObject({ count: 1, error: "Error: of the third" });
    await simulation.controller.close();
  });

  it("is still told of by the next controller, which goes on counting, and forgets it no later", async () => {
    const simulation = await deployed();
    fail(simulation, { count: 5 });
    await simulation.clock.advance(0);
    const message = messageOf(simulation);
    await simulation.restart(100_000);
    expect(messageOf(simulation)).toBe(message);
    fail(simulation, { count: 2 });
    await simulation.clock.advance(0);
    expect(failureOf(simulation)?.count).toBe(7);
    await simulation.restart(400_000);
    await simulation.clock.advance(1_000);
    expect([failureOf(simulation), messageOf(simulation)]).toEqual([undefined, ""]);
    await simulation.controller.close();
  });

  it("is told of once the store takes it, each fault once", async () => {
    const memory = createMemoryStore();
    let refusals = 0;
    const store = new Proxy(memory, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (property !== "txn" || refusals === 0) return value.apply(target, args);
          refusals -= 1;
          return Promise.reject(new Error("the disk is full"));
        };
      },
    });
    const simulation = await deployed(store);
    refusals = 2;
    fail(simulation, { count: 3 });
    await simulation.clock.advance(100);
    fail(simulation, { count: 4 });
    expect(failureOf(simulation)).toBeUndefined();
    await simulation.clock.advance(5_000);
    expect([refusals, failureOf(simulation)?.count]).toEqual([0, 7]);
    await simulation.controller.close();
  });

  it("is no news where the deployment is not there, or has no router of the user's", async () => {
    const simulation = await deployed();
    const { revision } = simulation.store;
    fail(simulation, { application: "b" });
    fail(simulation, { deployment: "E" });
    fail(simulation, { deployment: "E", version: routerVersion("", "") });
    fail(simulation, { count: 0 });
    await simulation.clock.advance(10_000);
    expect(simulation.store.revision).toBe(revision);
    await simulation.put([]);
    fail(simulation, { version: "/bundles/r1 " });
    await simulation.clock.advance(10_000);
    expect(simulation.controller.application("a")).toBeUndefined();
    await simulation.controller.close();
  });
});
