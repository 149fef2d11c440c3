/** An engine and proxies that run no processes: everything asked for has happened a moment later. */
import type { Clock } from "../../src/core/clock.ts";
import type { Engine, EngineEvent } from "../../src/engine/engine.ts";
import type { ProxyEvent, ProxyFleet } from "../../src/engine/proxies.ts";

/** Builds are of one deployment with this name. */
export function stubEngine(clock: Clock, deployment: string, options: Record<string, unknown> = {}): Engine {
  let emit: (event: EngineEvent) => void = () => {};
  let pid = 1_000;
  const later = (event: EngineEvent): void => void clock.timer(1, () => emit(event));
  const stop = (id: string): void => later({ kind: "exited", id, detail: "was stopped" });
  return {
    onEvent(listener) {
      emit = listener;
    },
    build({ buildId }) {
      const code = { bundlePath: "/bundles/h", bundleHash: "h", exportName: "app" };
      const deployments = [{ name: deployment, options, outbound: [] }];
      later({ kind: "built", buildId, result: { ...code, ingress: deployment, deployments } });
    },
    cancelBuild() {},
    hasBundle: () => true,
    start({ id, dataSocket }) {
      pid += 1;
      later({ kind: "spawned", id, process: { pid, startTime: "1", bootId: "b" } });
      later({ kind: "ready", id, address: dataSocket });
    },
    adopt() {},
    reconfigure() {},
    checkHealth: (id) => later({ kind: "health", id, error: null }),
    stop,
    kill: stop,
  };
}

/** Two proxies that are healthy. */
export function stubProxies(): ProxyFleet {
  let emit: (event: ProxyEvent) => void = () => {};
  return {
    onEvent(listener) {
      emit = listener;
    },
    start() {
      for (const id of ["0", "1"]) emit({ kind: "ready", id, pid: 500 });
    },
    stop() {},
  };
}
