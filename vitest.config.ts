import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // A suite of its own: it installs the packed package from the registry.
    exclude: ["test/pack/**", "node_modules/**"],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Suites start real processes; two at a time is what two cores carry.
    maxWorkers: 2,
  },
});
