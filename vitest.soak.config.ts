import { defineConfig } from "vitest/config";

/** `npm run soak`: minutes of load and chaos on a real Windlass. SOAK_MINUTES sets how many; default 10. */
export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    reporters: ["default", "./test/support/closing-line-reporter.ts"],
    testTimeout: (Number(process.env["SOAK_MINUTES"] ?? 10) + 3) * 60_000,
  },
});
