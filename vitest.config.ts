import { defineConfig } from "vitest/config";
import { FURTHER_SUITES } from "./vitest.suites.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...FURTHER_SUITES, "soak"].map((suite) => `test/${suite}/**`).concat("node_modules/**"),
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Suites start real processes; two at a time is what two cores carry.
    maxWorkers: 2,
  },
});
