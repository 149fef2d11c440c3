import type { Writable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as ws from "ws";
import { closeFrame, FrameScanner } from "../../src/proxy/websocket-frames.ts";

/** What the library reads frames with; its types leave it out. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** A frame as RFC 6455 has it. */
function frame(opcode: number, payload: Buffer, masked: boolean, fin = true): Buffer {
  const { length } = payload;
  const first = (fin ? 0x80 : 0) | opcode;
  const mask = masked ? 0x80 : 0;
  let header: Buffer;
  if (length < 126) header = Buffer.from([first, mask | length]);
  else if (length < 65_536) header = Buffer.from([first, mask | 126, length >> 8, length & 0xff]);
  else {
    header = Buffer.alloc(10);
    header.set([first, mask | 127]);
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  if (!masked) return Buffer.concat([header, payload]);
  const key = Buffer.from([0x11, 0x22, 0x33, 0x44]);
  return Buffer.concat([header, key, payload.map((byte, i) => byte ^ key[i % 4]!)]);
}

const close = (code: number, reason = ""): Buffer => {
  const payload = Buffer.alloc(2 + reason.length, reason.padStart(2 + reason.length));
  payload.writeUInt16BE(code, 0);
  return payload;
};

describe("following the frames of a websocket", () => {
  it.each([true, false])("finds the code of the first close frame however bytes are cut (masked: %s)", (masked) => {
    const before = [frame(1, Buffer.alloc(125), masked), frame(2, Buffer.alloc(126, 0x88), masked)];
    const long = [frame(2, Buffer.alloc(70_000, 0x88), masked, false), frame(0, Buffer.alloc(0), masked)];
    const closing = [frame(9, Buffer.from("ping"), masked), frame(8, close(4711, "bye"), masked)];
    const bytes = Buffer.concat([...before, ...long, ...closing, frame(8, close(1000), masked)]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 8 }), (cuts) => {
        const scanner = new FrameScanner();
        let at = 0;
        for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
          scanner.feed(bytes.subarray(at, cut));
          at = Math.max(at, cut);
        }
        expect(scanner).toMatchObject({ closeCode: 4711, atBoundary: true });
      }),
    );
    const slow = new FrameScanner();
    for (let i = 0; i < bytes.length; i++) slow.feed(bytes.subarray(i, i + 1));
    expect(slow).toMatchObject({ closeCode: 4711, atBoundary: true });
  });

  it("says 1005 for a close frame without a code, and nothing while there was none", () => {
    const scanner = new FrameScanner();
    scanner.feed(frame(1, Buffer.from("x"), true));
    expect(scanner.closeCode).toBeUndefined();
    scanner.feed(frame(8, Buffer.alloc(0), true));
    expect(scanner.closeCode).toBe(1005);
  });

  it("knows where no frame may begin", () => {
    const scanner = new FrameScanner();
    const bytes = frame(2, Buffer.alloc(300), true);
    for (let i = 0; i < bytes.length; i++) {
      expect(scanner.atBoundary).toBe(i === 0);
      scanner.feed(bytes.subarray(i, i + 1));
    }
    expect(scanner.atBoundary).toBe(true);
  });

  it("stops at the end of a frame where it is asked to", () => {
    const [first, second] = [frame(1, Buffer.from("one"), true), frame(2, Buffer.alloc(70_000), true)];
    const bytes = Buffer.concat([first, second, frame(1, Buffer.from("three"), true)]);
    const scanner = new FrameScanner();
    expect(scanner.feedToBoundary(bytes)).toBe(0);
    scanner.feed(bytes.subarray(0, 2));
    expect(scanner.feedToBoundary(bytes.subarray(2))).toBe(first.length - 2);
    scanner.feed(second.subarray(0, 100));
    expect(scanner.feedToBoundary(bytes.subarray(first.length + 100, first.length + 200))).toBe(100);
    expect(scanner.feedToBoundary(bytes.subarray(first.length + 200))).toBe(second.length - 200);
    expect(scanner).toMatchObject({ atBoundary: true, closeCode: undefined });
  });

  it.each([true, false])("makes close frames that others understand (masked: %s)", (masked) => {
    const heard: unknown[] = [];
    const receiver = new Receiver({ isServer: masked });
    receiver.on("conclude", (code: number, reason: Buffer) => void heard.push(code, reason.toString()));
    receiver.write(closeFrame(1001, "the proxy stops", masked));
    expect(heard).toEqual([1001, "the proxy stops"]);
  });
});
