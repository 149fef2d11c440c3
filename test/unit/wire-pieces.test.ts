import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pieces } from "../../src/wire/pieces.ts";

/** Memory that these pieces keep. */
const heldBy = (pieces: readonly Buffer[]): number =>
  [...new Set(pieces.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0);

function drain(pieces: Pieces): Buffer[] {
  const all: Buffer[] = [];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) all.push(piece);
  return all;
}

describe("pieces that wait", () => {
  it("come out in order with all their bytes, whatever is added and taken between", () => {
    const step = fc.oneof(fc.uint8Array({ maxLength: 5_000 }), fc.constant("take"), fc.constant("all"));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pieces = new Pieces();
        const added: Uint8Array[] = [];
        const taken: Buffer[] = [];
        for (const one of steps) {
          if (typeof one !== "string") {
            pieces.push(Buffer.from(one));
            added.push(one);
          } else if (one === "all") taken.push(pieces.take());
          else taken.push(pieces.shift() ?? Buffer.alloc(0));
        }
        taken.push(...drain(pieces));
        expect(Buffer.concat(taken).equals(Buffer.concat(added))).toBe(true);
        expect(pieces.count).toBe(0);
      }),
    );
  });

  it("keep little more memory than they have bytes, though each is a view of a whole read", () => {
    const pieces = new Pieces();
    for (let i = 0; i < 20_000; i++) pieces.push(Buffer.alloc(65_536).subarray(0, 10));
    expect(pieces.count).toBeLessThan(60);
    expect(heldBy(drain(pieces))).toBeLessThan(400_000);
  });

  it("are handed on without a copy where none wait, and where they are long", () => {
    const pieces = new Pieces();
    const [short, long] = [Buffer.from("short"), Buffer.alloc(10_000)];
    pieces.push(short);
    pieces.push(long);
    expect(drain(pieces)).toEqual([short, long]);
    pieces.push(long);
    expect(pieces.shift()).toBe(long);
  });
});
