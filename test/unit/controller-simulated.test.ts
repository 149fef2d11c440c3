import { describe, expect, it } from "vitest";
import { keys } from "../../src/controller/records.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { application, simulate } from "../support/simulated-controller.ts";

async function deployed(override = {}, replicas = 1) {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  await simulation.put([application({ num_replicas: replicas, ...override })]);
  await simulation.clock.advance(1_000);
  return simulation;
}

describe("deploying", () => {
  it("builds, starts replicas and becomes RUNNING", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    await simulation.put([application({ num_replicas: 2 })]);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOYING");
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect(simulation.routes.latest.table.routes).toEqual([{ prefix: "/a", application: "a", deployment: "D" }]);
    expect(simulation.routes.latest.table.deployments[0]?.replicas).toHaveLength(2);
  });

  it("reports a failed build on the application and deploys the next config", async () => {
    const simulation = await simulate();
    await simulation.put([application()]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")).toMatchObject({
      status: "DEPLOY_FAILED",
      message: 'Deploying application "a" failed: no module app',
    });
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    await simulation.put([application()]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", message: "" });
  });

  it("names the deployments an override could have meant", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", {
      deployments: [{ name: "Front" }, { name: "Back" }],
      ingress: "Front",
      hash: "h",
    });
    await simulation.put([application()]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")?.message).toBe(
      'The config names deployment "D", but the application has "Front", "Back".',
    );
  });

  it("gives up after three failed starts of one replica, says why, and tries again only when something changes", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    simulation.engine.behaviour.set("a/D", { startError: "Error: no model (app.ts:3:9)" });
    await simulation.put([application()]);
    await simulation.clock.advance(5_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.controller.deployment("a", "D")?.message).toBe(
      "Failed to start 3 times in a row. Error: no model (app.ts:3:9)",
    );
    expect(simulation.controller.application("a")).toMatchObject({
      status: "DEPLOY_FAILED",
      message: "failed to deploy: D",
    });
    expect(simulation.engine.commands.filter((command) => command.startsWith("start"))).toHaveLength(3);
    expect(simulation.routes.latest.table.deployments[0]?.unavailable).toContain("failed to deploy");

    await simulation.put([application()]);
    await simulation.clock.advance(5_000);
    expect(simulation.engine.commands.filter((command) => command.startsWith("start"))).toHaveLength(3);

    simulation.engine.behaviour.clear();
    await simulation.put([application({ max_queued_requests: 9 })]);
    await simulation.clock.advance(5_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  });

  it("keeps one application's trouble from another", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    simulation.engine.behaviour.set("a/D", { startError: "Error: broken" });
    await simulation.put([application(), application({}, { name: "b", route_prefix: "/b" })]);
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
    expect(simulation.controller.application("b")?.status).toBe("RUNNING");
  });

  it("deletes applications that the next config does not list, and their routes at once", async () => {
    const simulation = await deployed();
    await simulation.put([]);
    expect(simulation.controller.application("a")?.status).toBe("DELETING");
    expect(simulation.status("a", "D")).toBe("UPDATING/DELETING");
    expect(simulation.routes.latest.table.routes).toEqual([]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")).toBeUndefined();
    expect(simulation.engine.running.size).toBe(0);
  });

  it("applies target_capacity to the configured count and takes it back", async () => {
    const simulation = await deployed({}, 4);
    await simulation.put([application({ num_replicas: 4 })], { target_capacity: 50 });
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    await simulation.put([application({ num_replicas: 4 })]);
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 4");
  });
});

describe("redeploying", () => {
  it("does nothing to replicas when nothing changed", async () => {
    const simulation = await deployed({}, 2);
    const before = [...simulation.engine.running.keys()];
    await simulation.put([application({ num_replicas: 2 })]);
    await simulation.clock.advance(2_000);
    expect([...simulation.engine.running.keys()]).toEqual(before);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  });

  it("reconfigures in place when only user_config changed", async () => {
    const simulation = await deployed({}, 2);
    const before = [...simulation.engine.running.keys()];
    await simulation.put([application({ num_replicas: 2, user_config: { x: 1 } })]);
    await simulation.clock.advance(2_000);
    expect([...simulation.engine.running.keys()]).toEqual(before);
    expect(simulation.engine.commands.filter((command) => command.startsWith("reconfigure"))).toHaveLength(2);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
  });

  it("replaces replicas one after another when the source changed, and somebody always serves", async () => {
    const simulation = await deployed();
    const [before] = [...simulation.engine.running.keys()];
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    await simulation.put([application({ num_replicas: 1 })]);
    for (let i = 0; i < 200; i++) {
      await simulation.clock.advance(5);
      expect(simulation.routes.latest.table.deployments[0]?.replicas.length).toBeGreaterThanOrEqual(1);
    }
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
    expect([...simulation.engine.running.keys()]).not.toContain(before);
  });

  it("freezes an update that does not start; the old replicas serve on", async () => {
    const simulation = await deployed();
    const before = [...simulation.engine.running.keys()];
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    simulation.engine.behaviour.set("a/D", { startError: "Error: bad release" });
    await simulation.put([application({ num_replicas: 1 })]);
    await simulation.clock.advance(10_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.controller.deployment("a", "D")?.message).toContain("Error: bad release");
    expect([...simulation.engine.running.keys()]).toEqual(before);
    expect(simulation.routes.latest.table.deployments[0]?.replicas).toHaveLength(1);
  });

  it("keeps serving when the new source does not build", async () => {
    const simulation = await deployed();
    const before = [...simulation.engine.running.keys()];
    simulation.engine.applications.set("app", {
      deployments: [],
      ingress: "D",
      hash: "h2",
      buildError: "app.ts:1:1 oops",
    });
    await simulation.put([application({ num_replicas: 1 })]);
    await simulation.clock.advance(2_000);
    expect(simulation.controller.application("a")).toMatchObject({
      status: "DEPLOY_FAILED",
      message: 'Deploying application "a" failed: app.ts:1:1 oops',
    });
    expect([...simulation.engine.running.keys()]).toEqual(before);
    expect(simulation.routes.latest.table.routes).toHaveLength(1);
  });
});

describe("scaling from outside", () => {
  it("sets the target at once, without a status change, and survives an unchanged redeploy", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 3);
    expect(simulation.controller.deployment("a", "D")?.target).toMatchObject({ replicas: 3, owner: "external" });
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
    await simulation.put([application({ num_replicas: 1 })]);
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
  });

  it("is reset by a redeploy that changes the deployment", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 3);
    await simulation.clock.advance(1_000);
    await simulation.put([application({ num_replicas: 1, max_queued_requests: 7 })]);
    await simulation.clock.advance(2_000);
    expect(simulation.controller.deployment("a", "D")?.target).toMatchObject({ replicas: 1, owner: "config" });
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
  });

  it("scales to zero and back", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 0);
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("");
    await simulation.scale("a", "D", 2);
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
  });

  it("counts a repeated request_id once", async () => {
    const simulation = await deployed();
    const request = { application: "a", deployment: "D", target: 2, requestId: "x", reason: "", etag: "", actor: "t" };
    const first = simulation.controller.scale(request);
    await simulation.clock.advance(10);
    const again = simulation.controller.scale({ ...request, target: 5 });
    await simulation.clock.advance(10);
    await Promise.all([first, again]);
    expect(simulation.controller.deployment("a", "D")?.target.replicas).toBe(2);
  });

  const refused: { name: string; prepare?: object; application: string; deployment: string; reason: string }[] = [
    { name: "an unknown application", application: "zzz", deployment: "D", reason: "NOT_FOUND" },
    { name: "an unknown deployment", application: "a", deployment: "zzz", reason: "NOT_FOUND" },
    {
      name: "an application without external_scaler_enabled",
      prepare: { external_scaler_enabled: false },
      application: "a",
      deployment: "D",
      reason: "EXTERNAL_SCALER_DISABLED",
    },
  ];
  it.each(refused)("refuses $name", async ({ prepare, application: name, deployment, reason }) => {
    const simulation = await deployed();
    if (prepare) await simulation.put([application({ num_replicas: 1 }, prepare)]);
    await expect(simulation.scale(name, deployment, 2)).rejects.toMatchObject({ reason });
  });

  it("refuses a deployment that is being deleted, and an instance that ends", async () => {
    const simulation = await deployed();
    simulation.engine.behaviour.set("a/D", { stopMs: 5_000 });
    await simulation.put([]);
    await expect(simulation.scale("a", "D", 2)).rejects.toMatchObject({ reason: "DEPLOYMENT_DELETED" });
    const ending = simulation.controller.endInstance("test");
    await simulation.clock.advance(0);
    await ending;
    await expect(simulation.scale("a", "D", 2)).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
  });
});

describe("healing", () => {
  it("replaces a replica that dies and comes back to HEALTHY/UNSPECIFIED", async () => {
    const simulation = await deployed({}, 2);
    const [victim] = [...simulation.engine.running.keys()];
    simulation.engine.die(victim!);
    await simulation.clock.advance(10);
    expect(simulation.status("a", "D")).toBe("UNHEALTHY/HEALTH_CHECK_FAILED");
    expect(simulation.controller.application("a")?.status).toBe("UNHEALTHY");
    await simulation.clock.advance(1_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/UNSPECIFIED");
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect(simulation.controller.deployment("a", "D")?.recentDead.map(({ id }) => id)).toContain(victim);
  });

  it("replaces a replica after three failed health checks, not before", async () => {
    const simulation = await deployed({ health_check_period_s: 1 });
    const [sick] = [...simulation.engine.running.keys()];
    simulation.engine.behaviour.set("a/D", { healthError: "sick" });
    await simulation.clock.advance(2_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    simulation.engine.behaviour.set("a/D", { healthError: "sick", stopMs: 3_000 });
    await simulation.clock.advance(1_500);
    expect(simulation.status("a", "D")).toBe("UNHEALTHY/HEALTH_CHECK_FAILED");
    expect(simulation.controller.deployment("a", "D")?.message).toContain("failed 3 health checks in a row: sick");
    simulation.engine.behaviour.clear();
    await simulation.clock.advance(4_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/UNSPECIFIED");
    expect([...simulation.engine.running.keys()]).not.toContain(sick);
  });

  it("kills a replica that does not stop within its grace", async () => {
    const simulation = await deployed({ graceful_shutdown_timeout_s: 3 });
    const [id] = [...simulation.engine.running.keys()];
    simulation.engine.behaviour.set("a/D", { stopMs: 60_000 });
    await simulation.scale("a", "D", 0);
    await simulation.clock.advance(2_900);
    expect(simulation.engine.commands).not.toContain(`kill ${id}`);
    await simulation.clock.advance(200);
    expect(simulation.engine.commands).toContain(`kill ${id}`);
    expect(simulation.replicas("a", "D")).toBe("");
  });
});

describe("draining", () => {
  it("stops a replica only after every router applied a table without it", async () => {
    const simulation = await deployed({}, 2);
    const stop = new AbortController();
    const tables: number[] = [];
    const router = (async () => {
      for await (const { revision } of simulation.routes.watch("proxy/0", stop.signal)) tables.push(revision);
    })();
    await simulation.clock.advance(0);
    simulation.routes.acknowledge("proxy/0", tables.at(-1)!);
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(100);
    expect(simulation.engine.commands.some((command) => command.startsWith("stop"))).toBe(false);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1, STOPPING 1");
    simulation.routes.acknowledge("proxy/0", tables.at(-1)!);
    await simulation.clock.advance(100);
    expect(simulation.engine.commands.some((command) => command.startsWith("stop"))).toBe(true);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
    stop.abort();
    await router;
  });

  it("does not wait for ever for a router that is stuck", async () => {
    const simulation = await deployed({}, 2);
    const stop = new AbortController();
    const router = (async () => {
      for await (const _ of simulation.routes.watch("proxy/0", stop.signal));
    })();
    await simulation.clock.advance(0);
    await simulation.scale("a", "D", 1);
    await simulation.clock.advance(6_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 1");
    stop.abort();
    await router;
  });
});

describe("recovering", () => {
  it("adopts what runs: same replicas, same target, same status, revisions go on", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 3);
    await simulation.clock.advance(1_000);
    const before = [...simulation.engine.running.keys()].sort();
    const revision = simulation.store.revision;
    await simulation.restart();
    expect(simulation.routes.latest.table.deployments[0]?.replicas).toHaveLength(3);
    await simulation.clock.advance(1_000);
    expect([...simulation.engine.running.keys()].sort()).toEqual(before);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 3");
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect(simulation.store.revision).toBeGreaterThan(revision);
  });

  it("replaces what died meanwhile", async () => {
    const simulation = await deployed({}, 2);
    const [victim] = [...simulation.engine.running.keys()];
    simulation.engine.running.delete(victim!);
    await simulation.restart();
    await simulation.clock.advance(1_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect([...simulation.engine.running.keys()]).not.toContain(victim);
  });

  it("begins an interrupted build again", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    simulation.engine.buildMs = 10_000_000;
    await simulation.put([application()]);
    simulation.engine.buildMs = 20;
    await simulation.restart();
    await simulation.clock.advance(1_000);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  });

  it("builds again what lost its bundle, before it starts anything", async () => {
    const simulation = await deployed({}, 2);
    simulation.engine.lostBundles.add("/bundles/h1");
    simulation.engine.running.clear();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    await simulation.restart();
    await simulation.clock.advance(5_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect([...simulation.engine.running.values()].map(({ version }) => version.bundlePath)).toEqual(
      Array(2).fill("/bundles/h2"),
    );
  });

  it("says DEPLOYING of what was stopped and lost its bundle, until it runs again", async () => {
    const simulation = await deployed({}, 2);
    const stopped = simulation.controller.stopReplicas();
    await simulation.clock.advance(60_000);
    await stopped;
    simulation.engine.lostBundles.add("/bundles/h1");
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h2" });
    await simulation.restart();
    expect(simulation.controller.application("a")?.status).toBe("DEPLOYING");
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  });

  it("remembers that a deployment was given up", async () => {
    const simulation = await simulate();
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    simulation.engine.behaviour.set("a/D", { startError: "Error: broken" });
    await simulation.put([application()]);
    await simulation.clock.advance(5_000);
    const starts = simulation.engine.commands.filter((command) => command.startsWith("start")).length;
    await simulation.restart();
    await simulation.clock.advance(5_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.engine.commands.filter((command) => command.startsWith("start"))).toHaveLength(starts);
  });
});

describe("the instance", () => {
  it("ends: applications deleted, proxies stopped, then absent; a second end has no effect; a PUT makes a new one", async () => {
    const simulation = await deployed();
    const ended = simulation.controller.instanceEnded(new AbortController().signal);
    void simulation.controller.endInstance("test");
    await simulation.clock.advance(1_000);
    await ended;
    expect(simulation.controller.snapshot()).toMatchObject({
      instance: { state: "absent" },
      applications: [],
      proxies: [],
    });
    expect(simulation.proxies.commands).toEqual(["start 2", "stop"]);
    void simulation.controller.endInstance("test");
    await simulation.put([application()]);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.snapshot().instance.state).toBe("running");
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
    expect(simulation.proxies.commands).toEqual(["start 2", "stop", "start 2"]);
  });

  it("refuses writes while it ends", async () => {
    const simulation = await deployed();
    simulation.engine.behaviour.set("a/D", { stopMs: 5_000 });
    void simulation.controller.endInstance("test");
    await simulation.clock.advance(0);
    const refused = simulation.controller.applyConfig({ config: { applications: [] }, baseDir: "/", actor: "t" });
    const seen = expect(refused).rejects.toMatchObject({ reason: "INSTANCE_UNAVAILABLE" });
    await simulation.clock.advance(10);
    await seen;
  });

  it("warns about http_options that differ from what runs", async () => {
    const simulation = await deployed();
    const answer = simulation.controller.applyConfig({
      config: { applications: [], http_options: { port: 18000 } },
      baseDir: "/",
      actor: "t",
    });
    await simulation.clock.advance(10);
    expect((await answer).warnings).toEqual([
      "http_options.port 18000 was not applied: the running instance has 8000; restart it to change this.",
    ]);
  });
});

describe("a store that refuses writes", () => {
  it("refuses the caller, loses nothing, and goes on when the store does", async () => {
    const store = createMemoryStore();
    let broken = false;
    const flaky: Store = new Proxy(store, {
      get(target, property) {
        if (property === "txn" && broken) return () => Promise.reject(new Error("disk full"));
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const simulation = await simulate({ store: flaky });
    simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
    await simulation.put([application({ num_replicas: 2 })]);
    await simulation.clock.advance(1_000);
    broken = true;
    await expect(simulation.scale("a", "D", 5)).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    simulation.engine.die([...simulation.engine.running.keys()][0]!);
    await simulation.clock.advance(1_000);
    expect(simulation.controller.deployment("a", "D")?.target.replicas).toBe(2);
    expect(JSON.parse(store.get(keys.deployment("a", "D"))!.value).target.replicas).toBe(2);
    broken = false;
    await simulation.clock.advance(2_000);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect(simulation.status("a", "D")).toBe("HEALTHY/UNSPECIFIED");
  });
});

describe("the journal", () => {
  it("keeps scale calls and transitions in order", async () => {
    const simulation = await deployed();
    await simulation.scale("a", "D", 2);
    await simulation.clock.advance(1_000);
    const entries = simulation.store.range("journal/").map(({ value }) => JSON.parse(value));
    expect(entries.map(({ kind }) => kind)).toEqual(["config-applied", "transition", "scale"]);
    expect(entries.at(-1)).toMatchObject({ actor: "test", application: "a", deployment: "D", from: 1, to: 2 });
  });
});
