import { defineConfig } from "vitest/config";
import { FURTHER_SUITES } from "./vitest.suites.ts";

/** The suites beside `npm test`: each needs more than Node, or the registry. */
export default defineConfig({
  test: {
    include: FURTHER_SUITES.map((suite) => `test/${suite}/**/*.test.ts`),
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 180_000,
    maxWorkers: 1,
  },
});
