/** Items of a stream between replicas, however the bytes were cut on the way. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { decodeItems, encodeItem, encodeStreamError } from "../../src/replica/call-wire.ts";

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("the items of a stream", () => {
  const items = [1, "two", Buffer.alloc(5_000, 3), null, { four: [4] }, Buffer.alloc(0)];
  const bytes = Buffer.concat([
    ...items.map((item) => encodeItem(item)),
    encodeStreamError({ name: "RangeError", message: "the end" }),
  ]);

  it.each([1, 2, 3, 5, 7, 64, 4_999, 5_010, 100_000])("are whole in pieces of %i bytes", async (size) => {
    const decoded = await all(decodeItems(cut(bytes, size)));
    expect(decoded).toEqual([
      ...items.map((value) => ({ kind: "item", value })),
      { kind: "error", error: { name: "RangeError", message: "the end" } },
    ]);
  });

  it.each([3, 4, 20])("that end within one, %i bytes before its end, are an error", async (missing) => {
    const part = encodeItem("a text of some length").subarray(0, -missing);
    await expect(all(decodeItems(cut(part, 2)))).rejects.toThrow("the stream ended within an item");
  });

  it("cost no more the larger they are: each byte is copied once at most", async () => {
    const concat = vi.spyOn(Buffer, "concat");
    onTestFinished(() => concat.mockRestore());
    const item = encodeItem(Buffer.alloc(8_000_000, 1));
    const [decoded] = await all(decodeItems(cut(item, 16_384)));
    expect(decoded).toMatchObject({ kind: "item", value: { length: 8_000_000 } });
    const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
    expect(copied).toBeLessThanOrEqual(item.length);
  });
});
