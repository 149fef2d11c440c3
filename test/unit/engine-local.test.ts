import { join } from "node:path";
import { expect, it } from "vitest";
import type { ReplicaRecord } from "../../src/controller/records.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import type { EngineEvent, ReplicaLoad, StartRequest } from "../../src/engine/engine.ts";
import { createLocalEngine } from "../../src/engine/local/local-engine.ts";
import { SupervisorClient } from "../../src/engine/local/supervisor-client.ts";
import { identify } from "../../src/supervisor/process-identity.ts";
import type { ToSupervisor } from "../../src/supervisor/protocol.ts";
import { startReady } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const command = (id: string, dir: string): StartRequest => ({
  id,
  application: "a",
  deployment: "d",
  version: { restart: "r", settings: "s", bundlePath: "", exportName: "" },
  settings: { userConfig: undefined, maxOngoingRequests: 1, gracefulShutdownWaitLoopS: 1 },
  args: {},
  env: {},
  baseDir: dir,
  dataSocket: join(dir, `${id}.sock`),
  controlSocket: join(dir, `${id}.ctl`),
  revision: 0,
  routePrefix: "/",
  command: { argv: ["true"], env: {}, workingDir: ".", readinessPath: "/", readinessTimeoutS: 1 },
});

it("starts no program for a replica that was killed before its process was asked for", async () => {
  const dir = tempDir();
  const sent: ToSupervisor[] = [];
  const events: EngineEvent[] = [];
  const engine = createLocalEngine({
    supervisor: new SupervisorClient({ send: (message) => void sent.push(message), onMessage: () => {} }),
    clock: systemClock,
    runDir: dir,
    stateDir: dir,
    controllerSocket: join(dir, "c"),
    orphanTtlS: 300,
  });
  engine.onEvent((event) => events.push(event));
  engine.start(command("killed", dir));
  engine.kill("killed");
  engine.start(command("kept", dir));
  await expect.poll(() => sent).toHaveLength(1);
  expect(sent).toMatchObject([{ kind: "spawn", id: "replica/kept" }]);
  expect(events).toEqual([{ kind: "exited", id: "killed", detail: "was not running" }]);
});

it("hands on what a replica measures of itself, and says when it is gone", async () => {
  const dir = tempDir();
  const source = `import { deployment } from "windlass";
    class App { recordAutoscalingStats() { return { depth: 7 }; } fetch() { return new Response("ok"); } }
    export const app = deployment(App).bind();`;
  const loadSampling = { sampleIntervalS: 0.1, pushIntervalS: 0.1, lookBackS: 60 };
  const { child, spec } = await startReady({ folder: dir, source, loadSampling });
  const loads: ReplicaLoad[] = [];
  const gone: string[] = [];
  const engine = createLocalEngine({
    supervisor: new SupervisorClient({ send: () => {}, onMessage: () => {} }),
    clock: systemClock,
    runDir: dir,
    stateDir: dir,
    controllerSocket: join(dir, "c"),
    orphanTtlS: 300,
    load: {
      replicaReported: (load) => void loads.push(load),
      replicaGone: (...names) => void gone.push(names.join("/")),
    },
  });
  engine.onEvent(() => {});
  const id = spec.replicaId;
  const { command: _, ...program } = command(id, dir);
  const request: StartRequest = { ...program, command: null, dataSocket: spec.dataSocket };
  const record: ReplicaRecord = {
    ...{ id, application: "a", deployment: "d", deploymentUid: "", version: request.version },
    ...{ process: identify(child.pid!)!, address: spec.dataSocket },
    state: { kind: "running", since: 0 },
    ...{ dataSocket: spec.dataSocket, controlSocket: request.controlSocket, startedAt: 0, updatedAt: 0 },
  };
  engine.adopt(record, request);
  await expect.poll(() => loads.length).toBeGreaterThan(1);
  expect(loads[0]).toMatchObject({ application: "a", deployment: "d", id });
  expect(new Set(loads.at(-1)!.metrics!.get("depth")!.values)).toEqual(new Set([7]));
  expect(loads.at(-1)!.calls).toEqual({ latencyMs: expect.any(Number), failures: new Map() });
  child.kill("SIGKILL");
  await expect.poll(() => gone).toEqual([`a/d/${id}`]);
});
