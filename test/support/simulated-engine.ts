export {
  type SimulatedApplication,
  type SimulatedDeployment,
  SimulatedEngine,
  SimulatedProxies,
} from "../../src/testing/simulated/engine.ts";
