import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Suites of their own, see vitest.further.config.ts.
    exclude: [
      "test/pack/**",
      "test/examples/**",
      "test/ray/**",
      "test/fuzz/**",
      "test/interop/**",
      "test/browser/**",
      "test/soak/**",
      "node_modules/**",
    ],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Suites start real processes; two at a time is what two cores carry.
    maxWorkers: 2,
  },
});
