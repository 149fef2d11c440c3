export { SimulatedRouter } from "../../src/testing/simulated/router.ts";
