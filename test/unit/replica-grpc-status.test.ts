/** What errors of user code become in gRPC. */
import { expect, it } from "vitest";
import { escapeMessage, statusOf } from "../../src/replica/grpc-status.ts";

it("a text that is too long is cut where it can be escaped", () => {
  for (const long of ["\u{1F600}".repeat(3_000), `a${"\u{1F600}".repeat(3_000)}`]) {
    const { code, message } = statusOf(new Error(long));
    expect([code, message.length, message.endsWith("... [truncated]")]).toEqual([13, 4_096, true]);
    // As grpc-js does, and Connect.
    expect(() => encodeURI(message)).not.toThrow();
    expect(decodeURIComponent(escapeMessage(message))).toBe(message);
  }
});

it("a text that ends within a character is one that can be escaped", () => {
  expect(statusOf(new Error("cut \ud83d")).message).toBe("cut \ufffd");
});
