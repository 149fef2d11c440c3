export { settle, VirtualClock } from "../../src/testing/simulated/virtual-clock.ts";
