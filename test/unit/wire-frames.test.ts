import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReceiveCredit, SendCredit } from "../../src/wire/credit.ts";
import {
  CALL_KINDS,
  checkHello,
  encodeHello,
  Feature,
  FrameType,
  INITIAL_CREDIT_BYTES,
  MAX_DATA_BYTES,
  MAX_PAYLOAD_BYTES,
  WireError,
} from "../../src/wire/frame.ts";
import { FrameReader } from "../../src/wire/frame-reader.ts";
import { FrameWriter } from "../../src/wire/frame-writer.ts";
import {
  CALL_RESULTS,
  fitsHead,
  problemOf,
  readAnswer,
  readOpen,
  readTrailers,
  writeHead,
  writeOpen,
  writeTrailers,
} from "../../src/wire/head.ts";

interface Frame {
  readonly type: FrameType;
  readonly end: boolean;
  readonly id: number;
  readonly payload: string;
}

/** Frames as they were read; pieces of one data frame are joined. */
function reading(): { reader: FrameReader; frames: Frame[] } {
  const frames: Frame[] = [];
  let open: Frame | undefined;
  const reader = new FrameReader({
    onFrame(type, end, id, payload) {
      const text = payload.toString("latin1");
      if (open?.type === FrameType.data && type === open.type && open.id === id && !open.end) {
        open = { ...open, end, payload: open.payload + text };
        frames[frames.length - 1] = open;
      } else {
        open = { type, end, id, payload: text };
        frames.push(open);
      }
    },
  });
  return { reader, frames };
}

function bytesOf(writer: FrameWriter): Buffer {
  return Buffer.concat(writer.take());
}

/** Cuts at these places, wherever they fall. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const edges = [0, ...at, bytes.length];
  return edges.slice(1).flatMap((end, i) => (end > edges[i]! ? [bytes.subarray(edges[i]!, end)] : []));
}

const someBytes = fc.uint8Array({ maxLength: 9_000 });
const headers = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z-]{1,12}$/), fc.stringMatching(/^[\x20-\x7e\x80-\xff]{0,60}$/)), {
    maxLength: 12,
  })
  .map((pairs) => pairs.flat());

describe("frames", () => {
  it("come out as they went in, however the stream is cut", () => {
    const frame = fc.oneof(
      fc.record({ kind: fc.constant("number" as const), id: fc.nat(), value: fc.nat(0xffff_ffff) }),
      fc.record({ kind: fc.constant("bytes" as const), id: fc.nat(), payload: someBytes, end: fc.boolean() }),
      fc.record({ kind: fc.constant("data" as const), id: fc.nat(), payload: someBytes }),
      fc.record({ kind: fc.constant("empty" as const), id: fc.nat(), end: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), fc.array(fc.nat(), { maxLength: 40 }), (sent, places) => {
        const writer = new FrameWriter();
        const expected: Frame[] = [];
        for (const each of sent) {
          if (each.kind === "number") {
            const payload = Buffer.alloc(4);
            payload.writeUInt32LE(each.value);
            writer.number(FrameType.credit, each.id, each.value);
            expected.push({ type: FrameType.credit, end: false, id: each.id, payload: payload.toString("latin1") });
          } else if (each.kind === "bytes") {
            writer.bytes(FrameType.reset, each.id, each.payload, each.end);
            const payload = Buffer.from(each.payload).toString("latin1");
            expected.push({ type: FrameType.reset, end: each.end, id: each.id, payload });
          } else if (each.kind === "data") {
            // Ended, so that pieces of two frames are not taken for one.
            writer.data(FrameType.data, each.id, each.payload, true);
            const payload = Buffer.from(each.payload).toString("latin1");
            expected.push({ type: FrameType.data, end: true, id: each.id, payload });
          } else {
            writer.empty(FrameType.cancel, each.id, each.end);
            expected.push({ type: FrameType.cancel, end: each.end, id: each.id, payload: "" });
          }
        }
        const { reader, frames } = reading();
        for (const piece of cut(bytesOf(writer), places)) reader.feed(piece);
        expect(frames).toEqual(expected);
        expect(reader.atRest).toBe(true);
        expect(writer.pending).toBe(false);
      }),
    );
  });

  it("come out whole when the bytes come one by one", () => {
    const writer = new FrameWriter();
    writer.number(FrameType.taken, 1, 7);
    writer.data(FrameType.data, 2, Buffer.from("abc"), false);
    writer.data(FrameType.data, 2, Buffer.alloc(0), true);
    const { reader, frames } = reading();
    for (const byte of bytesOf(writer)) reader.feed(Buffer.of(byte));
    expect(frames.map(({ type, id, end, payload }) => [type, id, end, payload])).toEqual([
      [FrameType.taken, 1, false, "\x07\0\0\0"],
      [FrameType.data, 2, true, "abc"],
    ]);
  });

  it("of a long body have at most 64 KiB each, and are not copied", () => {
    const writer = new FrameWriter();
    const body = Buffer.alloc(2 * MAX_DATA_BYTES + 5_000, "x");
    writer.data(FrameType.data, 1, body, true);
    const buffers = writer.take();
    expect(buffers.filter(({ buffer }) => buffer === body.buffer).map(({ length }) => length)).toEqual([
      MAX_DATA_BYTES,
      MAX_DATA_BYTES,
      5_000,
    ]);
    const { reader, frames } = reading();
    for (const buffer of buffers) reader.feed(buffer);
    expect(frames).toEqual([{ type: FrameType.data, end: true, id: 1, payload: body.toString("latin1") }]);
  });

  it.each([
    { name: "a length above the limit", bytes: [1, 0, 0x10, 0, 0, 0, 0, 0, FrameType.data] },
    { name: "a type that is not known", bytes: [0, 0, 0, 0, 0, 0, 0, 0, 99] },
  ])("with $name are refused as soon as the header is there", ({ bytes }) => {
    const whole = reading();
    expect(() => whole.reader.feed(Buffer.from(bytes))).toThrow(WireError);
    const slow = reading();
    expect(() => {
      for (const byte of bytes) slow.reader.feed(Buffer.of(byte));
    }).toThrow(WireError);
    expect([...whole.frames, ...slow.frames]).toEqual([]);
  });

  it("of random bytes end in frames or a WireError, and hold no more memory than a frame", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
        const { reader, frames } = reading();
        try {
          for (const piece of pieces) reader.feed(Buffer.from(piece));
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
        for (const { type, payload } of frames) {
          expect(Object.values(FrameType)).toContain(type);
          expect(payload.length).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("hello", () => {
  it("is understood by its own version, and by one that says more", () => {
    expect(checkHello(encodeHello())).toBe(Feature.goodbye | Feature.signedWait);
    expect(() => checkHello(Buffer.concat([encodeHello(), Buffer.from("more")]))).not.toThrow();
  });

  it("of a peer that says nothing of what it understands means that it understands no more", () => {
    expect(checkHello(Buffer.from("windlass\x01"))).toBe(0);
  });

  it.each([
    { name: "another version", payload: Buffer.from("windlass\x02"), says: "the peer speaks version 2, not 1" },
    { name: "another protocol", payload: Buffer.from("GET / HTTP/1.1"), says: "does not speak" },
    { name: "nothing", payload: Buffer.alloc(0), says: "does not speak" },
  ])("of $name is refused", ({ payload, says }) => {
    expect(() => checkHello(payload)).toThrow(says);
  });
});

describe("heads", () => {
  const frameOf = (writer: FrameWriter): Buffer => {
    const found: Buffer[] = [];
    const reader = new FrameReader({ onFrame: (_type, _end, _id, payload) => found.push(payload) });
    reader.feed(bytesOf(writer));
    return found[0]!;
  };

  it("of requests come out as they went in", () => {
    const request = fc.record({
      kind: fc.constantFrom(...CALL_KINDS),
      method: fc.constantFrom("GET", "POST", "PROPFIND"),
      path: fc.stringMatching(/^\/[\x21-\x7e\x80-\xff]{0,80}$/),
      reservation: fc.constantFrom("", "abc"),
      wait: fc.constantFrom(undefined, { waitedMs: 0, patienceMs: 200 }, { waitedMs: 7_000_000, patienceMs: 1_600 }),
      headers,
    });
    fc.assert(
      fc.property(request, someBytes, (head, body) => {
        expect(problemOf(head)).toBeUndefined();
        const writer = new FrameWriter();
        writeOpen(writer, 1, head, body, true);
        const read = readOpen(frameOf(writer));
        expect(read.head).toEqual(head);
        expect(read.body.equals(body)).toBe(true);
      }),
    );
  });

  it("of answers come out as they went in", () => {
    const answer = fc.record({
      status: fc.integer({ min: 100, max: 999 }),
      result: fc.constantFrom(...CALL_RESULTS),
      reservation: fc.constantFrom("", "abc"),
      headers,
    });
    fc.assert(
      fc.property(answer, someBytes, (head, body) => {
        const writer = new FrameWriter();
        writeHead(writer, 1, head, body, true);
        const read = readAnswer(frameOf(writer));
        expect(read.head).toEqual(head);
        expect(read.body.equals(body)).toBe(true);
      }),
    );
  });

  it("of trailers come out as they went in, those that fit", () => {
    fc.assert(
      fc.property(headers, (trailers) => {
        const writer = new FrameWriter();
        writeTrailers(writer, 1, trailers);
        expect(fitsHead(trailers)).toBe(true);
        expect(readTrailers(frameOf(writer))).toEqual(trailers);
      }),
    );
    expect(fitsHead(["a", "1\nb"])).toBe(false);
    expect(fitsHead(["a", "b".repeat(MAX_PAYLOAD_BYTES / 2)])).toBe(false);
  });

  it.each([
    { name: "a name without a value", payload: "\x01\0\0\0a" },
    { name: "bytes after them", payload: "\x03\0\0\0a\nbc" },
    { name: "fewer than their length", payload: "\x09\0\0\0a\nb" },
    { name: "no length", payload: "\0" },
  ])("refuses trailers with $name", ({ payload }) => {
    expect(() => readTrailers(Buffer.from(payload, "latin1"))).toThrow(WireError);
  });

  it.each([
    { name: "a letter that would become a line feed", given: { headers: ["x-a", "b\u010ac: d"] } },
    { name: "a control character in a header", given: { headers: ["x-a", "\u0001"] } },
    { name: "a blank in the path", given: { path: "/a b" } },
    { name: "a line feed in the path", given: { path: "/a\nb" } },
    { name: "no path", given: { path: "" } },
    { name: "a method with a blank", given: { method: "GE T" } },
    { name: "a line feed in a header", given: { headers: ["x-a", "1\nx-b"] } },
    { name: "a line feed in a header's name", given: { headers: ["x-a\nx-b", "1"] } },
    { name: "a head that is too long", given: { headers: ["x-a", "x".repeat(MAX_PAYLOAD_BYTES)] } },
  ])("with $name have a problem", ({ given }) => {
    const fine = { kind: "http", method: "GET", path: "/", reservation: "", wait: undefined, headers: [] } as const;
    expect(problemOf(fine)).toBeUndefined();
    expect(problemOf({ ...fine, ...given })).toBeTypeOf("string");
  });

  it("that are cut short, or say nonsense, are refused", () => {
    const writer = new FrameWriter();
    writeOpen(
      writer,
      1,
      { kind: "http", method: "GET", path: "/", reservation: "", wait: undefined, headers: [] },
      null,
      true,
    );
    const open = frameOf(writer);
    for (let length = 0; length < open.length; length++) {
      expect(() => readOpen(open.subarray(0, length)), `${length} bytes`).toThrow(WireError);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const read of [readOpen, readAnswer]) {
          try {
            expect(read(Buffer.from(bytes)).body.length).toBeLessThanOrEqual(bytes.length);
          } catch (error) {
            expect(error).toBeInstanceOf(WireError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("credit", () => {
  it("never lets more be under way than it began with, and never runs dry for good", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: MAX_DATA_BYTES }), { minLength: 1, maxLength: 200 }), (pieces) => {
        const sender = new SendCredit();
        const receiver = new ReceiveCredit();
        let underWay = 0;
        const waiting: number[] = [];
        const take = (): void => {
          const piece = waiting.shift()!;
          underWay -= piece;
          const portion = receiver.took(piece);
          if (portion > 0) sender.returned(portion);
        };
        for (const piece of pieces) {
          while (sender.left < piece) {
            expect(waiting.length).toBeGreaterThan(0);
            take();
          }
          sender.spend(piece);
          receiver.received(piece);
          waiting.push(piece);
          underWay += piece;
          expect(underWay).toBeLessThanOrEqual(INITIAL_CREDIT_BYTES);
        }
      }),
    );
  });

  it("that was never given is refused on both sides", () => {
    expect(() => new SendCredit().returned(1)).toThrow(WireError);
    expect(() => new ReceiveCredit().received(INITIAL_CREDIT_BYTES + 1)).toThrow(WireError);
  });
});
