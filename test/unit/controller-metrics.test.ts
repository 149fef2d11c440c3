import { describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/controller/controller.ts";
import { createControllerMetrics } from "../../src/controller/controller-metrics.ts";
import type { Engine, EngineEvent, StartRequest } from "../../src/engine/engine.ts";
import type { ProxyEvent, ProxyFleet } from "../../src/engine/proxies.ts";
import { processMetricsText } from "../../src/observability/replica-metrics.ts";
import { parseExposition } from "../support/exposition.ts";
import { deploymentRecord, replicaRecord } from "../support/fake-controller.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

function setUp() {
  const clock = new VirtualClock(0);
  const metrics = createControllerMetrics(clock, { actorId: "controller", nodeId: "n", nodeIp: "127.0.0.1" });
  let emit: (event: EngineEvent) => void = () => {};
  const asked: string[] = [];
  const heard: EngineEvent[] = [];
  const command =
    (name: string) =>
    (...args: unknown[]): void =>
      void asked.push(`${name} ${typeof args[0] === "string" ? args[0] : (args[0] as { id: string }).id}`);
  const engine = metrics.engine({
    onEvent: (listener: typeof emit) => {
      emit = listener;
    },
    hasBundle: () => true,
    ...Object.fromEntries(
      ["build", "cancelBuild", "start", "adopt", "reconfigure", "checkHealth", "stop", "kill"].map((name) => [
        name,
        command(name),
      ]),
    ),
  } as unknown as Engine);
  engine.onEvent((event) => heard.push(event));
  const snapshot = {
    deployments: [deploymentRecord("a", "Echo")],
    replicas: [replicaRecord("a", "Echo", "r1")],
  } as unknown as Snapshot;
  const scrape = (now = snapshot) => parseExposition(processMetricsText([], [], metrics.families(now)));
  return { clock, metrics, engine, emit: (event: EngineEvent) => emit(event), asked, heard, scrape, snapshot };
}

const REQUEST = { id: "r1", application: "a", deployment: "Echo" } as StartRequest;
const ECHO = { deployment: "Echo", application: "a" };

describe("what the controller counts", () => {
  it("is how long replicas take to start, to check, to take settings over and to stop", async () => {
    const { clock, engine, emit, asked, heard, scrape } = setUp();
    engine.start(REQUEST);
    await clock.advance(100);
    emit({ kind: "spawned", id: "r1", process: { pid: 1, startTime: "1", bootId: "b" } as never });
    await clock.advance(400);
    emit({ kind: "ready", id: "r1", address: "x" });
    engine.checkHealth("r1", 1_000);
    await clock.advance(3);
    emit({ kind: "health", id: "r1", error: null });
    engine.reconfigure("r1", {} as never, {} as never);
    await clock.advance(7);
    emit({ kind: "reconfigured", id: "r1", settings: "s" });
    engine.stop("r1", 1_000);
    await clock.advance(60);
    emit({ kind: "exited", id: "r1", detail: "" });
    expect(asked).toEqual(["start r1", "checkHealth r1", "reconfigure r1", "stop r1"]);
    expect(heard.map(({ kind }) => kind)).toEqual(["spawned", "ready", "health", "reconfigured", "exited"]);
    const { sum } = scrape();
    const took = (name: string): number[] => [sum(`serve_${name}_sum`, ECHO), sum(`serve_${name}_count`, ECHO)];
    expect(took("replica_startup_latency_ms")).toEqual([500, 1]);
    expect(took("replica_initialization_latency_ms")).toEqual([400, 1]);
    expect(took("health_check_latency_ms")).toEqual([3, 1]);
    expect(took("replica_reconfigure_latency_ms")).toEqual([7, 1]);
    expect(took("replica_shutdown_duration_ms")).toEqual([60, 1]);
  });

  it("is no start of a replica that was adopted", async () => {
    const { clock, engine, emit, scrape } = setUp();
    engine.adopt({} as never, REQUEST);
    await clock.advance(50);
    emit({ kind: "ready", id: "r1", address: "x" });
    expect(scrape().find("serve_replica_startup_latency_ms_count")).toEqual([]);
  });

  it("is whether replicas are healthy, and how often they were not", () => {
    const { engine, emit, scrape } = setUp();
    const labels = { deployment: "Echo", replica: "r1", application: "a" };
    engine.start(REQUEST);
    expect(scrape().find("serve_deployment_replica_healthy")).toEqual([
      { name: "serve_deployment_replica_healthy", labels, value: 1 },
    ]);
    expect(scrape().find("serve_health_check_failures_total")).toEqual([]);
    for (const error of ["ill", "ill", null, "ill"]) {
      engine.checkHealth("r1", 1);
      emit({ kind: "health", id: "r1", error });
    }
    expect(scrape().sum("serve_deployment_replica_healthy", labels)).toBe(0);
    expect(scrape().sum("serve_health_check_failures_total", labels)).toBe(3);
    engine.checkHealth("r1", 1);
    emit({ kind: "health", id: "r1", error: null });
    expect(scrape().sum("serve_deployment_replica_healthy", labels)).toBe(1);
    emit({ kind: "exited", id: "r1", detail: "" });
    expect(scrape().find("serve_health_check_failures_total")).toEqual([]);
  });

  it("ends with its deployment", async () => {
    const { engine, emit, scrape, snapshot } = setUp();
    engine.start(REQUEST);
    emit({ kind: "ready", id: "r1", address: "x" });
    expect(scrape().types.has("serve_replica_startup_latency_ms")).toBe(true);
    expect(scrape({ ...snapshot, deployments: [], replicas: [] }).types.has("serve_replica_startup_latency_ms")).toBe(
      false,
    );
  });

  it("is how long proxies take to end, and its own turns", async () => {
    const { clock, metrics, scrape } = setUp();
    let emit: (event: ProxyEvent) => void = () => {};
    const onEvent: ProxyFleet["onEvent"] = (listener) => {
      emit = listener;
    };
    const fleet = metrics.proxies({ onEvent, start: () => {}, stop: () => {} });
    const heard: ProxyEvent[] = [];
    fleet.onEvent((event) => heard.push(event));
    emit({ kind: "ended", id: "9" });
    fleet.stop();
    await clock.advance(40);
    emit({ kind: "ended", id: "0" });
    await clock.advance(40);
    emit({ kind: "ended", id: "1" });
    expect(heard).toHaveLength(3);
    const node = { node_id: "n", node_ip_address: "127.0.0.1" };
    expect(scrape().sum("serve_proxy_shutdown_duration_ms_sum", node)).toBe(120);
    expect(scrape().sum("serve_proxy_shutdown_duration_ms_count", node)).toBe(2);
    metrics.turn(1_000, 1_250);
    metrics.turn(2_000, 2_001);
    expect(scrape().sum("serve_controller_num_control_loops", { actor_id: "controller" })).toBe(2);
    expect(scrape().sum("serve_controller_control_loop_duration_s")).toBe(0.001);
    expect(scrape().sum("serve_controller_sleep_duration_s")).toBe(0.75);
  });
});
