import { expect, it } from "vitest";
import { replicaLogName } from "../../src/core/names.ts";

it("names a replica's log after application, deployment and replica, escaped", () => {
  expect(replicaLogName("a b/c", "D", "abcdefgh")).toBe("a%20b%2Fc_D_abcdefgh.log");
});

it("fits a replica's log into the longest name that file systems take", () => {
  const name = replicaLogName("✓".repeat(300), "d".repeat(300), "abcdefgh");
  expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
  expect(name).toMatch(/^%E2%9C%93.*_d+_abcdefgh\.log$/);
});
