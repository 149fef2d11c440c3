import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/pack/**/*.test.ts"],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
  },
});
