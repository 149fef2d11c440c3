/** `windlass/testing`: applications and configs under test, without a server. */
export { type LocalApplication, type LocalOptions, runLocal } from "./local.ts";
export type { LocalMetrics } from "./local-metrics.ts";
export { simulateInstance } from "./simulate.ts";
export type {
  Faults,
  ReplicaBehaviour,
  SimulatedDeploymentView,
  SimulatedInstance,
  SimulationOptions,
} from "./simulated/instance.ts";
export type { OfferedLoad } from "./simulated/load.ts";
