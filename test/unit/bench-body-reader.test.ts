import { describe, expect, it } from "vitest";
import { BodyReader } from "../../bench/lib/body-reader.ts";

const CHUNKED = "5\r\nhello\r\n1a;name=value\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";

describe("what the bench's generator reads of a body", () => {
  const cases: readonly [string, number | "chunked", string, number][] = [
    ["a body with a length", 5, "hello", 5],
    ["no body", 0, "", 0],
    ["chunks", "chunked", CHUNKED, 31],
    ["no chunks", "chunked", "0\r\n\r\n", 0],
    ["chunks with trailers", "chunked", "3\r\nabc\r\n0\r\nx-one: 1\r\nx-two: 2\r\n\r\n", 3],
  ];

  for (const [name, length, wire, bytes] of cases) {
    it(`counts ${name}, however it is cut`, () => {
      for (let size = 1; size <= Math.max(1, wire.length); size++) {
        const reader = new BodyReader(length);
        for (let at = 0; at < wire.length; at += size) {
          expect(reader.done, `done before byte ${at}, in pieces of ${size}`).toBe(false);
          reader.take(Buffer.from(wire.slice(at, at + size)));
        }
        expect([reader.done, reader.bytes]).toEqual([true, bytes]);
      }
    });
  }

  it("does not take the end of an event for the end of the body", () => {
    const reader = new BodyReader("chunked");
    reader.take(Buffer.from("8\r\ndata: \n\n\r\n"));
    expect([reader.done, reader.bytes]).toEqual([false, 8]);
  });
});
