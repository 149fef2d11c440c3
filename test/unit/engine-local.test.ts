import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import type { EngineEvent, StartRequest } from "../../src/engine/engine.ts";
import { createLocalEngine } from "../../src/engine/local/local-engine.ts";
import { SupervisorClient } from "../../src/engine/local/supervisor-client.ts";
import type { ToSupervisor } from "../../src/supervisor/protocol.ts";
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
