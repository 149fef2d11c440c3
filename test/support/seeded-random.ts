export { seededRandom } from "../../src/testing/simulated/seeded-random.ts";
