import { defineConfig } from "vitest/config";

/** The suites beside `npm test`: each needs more than Node, or the registry. */
export default defineConfig({
  test: {
    include: [
      "test/pack/**/*.test.ts",
      "test/examples/**/*.test.ts",
      "test/ray/**/*.test.ts",
      "test/fuzz/**/*.test.ts",
      "test/prometheus/**/*.test.ts",
      "test/interop/**/*.test.ts",
      "test/queue/**/*.test.ts",
      "test/clients/**/*.test.ts",
      "test/browser/**/*.test.ts",
    ],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 180_000,
    maxWorkers: 1,
  },
});
