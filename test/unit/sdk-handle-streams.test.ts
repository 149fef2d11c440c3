/** Streams of handles that nobody reads to their end. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, vi } from "vitest";
import { makeHandle } from "../../src/sdk/handle.ts";
import type { CallRouter, HandleCall } from "../../src/sdk/runtime.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A handle whose streams never end, and the calls that were made. */
function endless() {
  const calls: HandleCall[] = [];
  const router: CallRouter = {
    unary: () => Promise.reject(new Error("not asked for")),
    async *stream(call) {
      calls.push(call);
      for (let n = 0; ; n++) yield n;
    },
  };
  const handle = makeHandle<() => AsyncGenerator<number>>("app", "Back", { stream: true }, () => router);
  return { calls, open: () => handle.remote() as unknown as AsyncIterable<number> };
}

it("a stream whose reader let go of it without a word ends its call", { timeout: 30_000 }, async () => {
  const { calls, open } = endless();
  const first = async (): Promise<unknown> => (await open()[Symbol.asyncIterator]().next()).value;
  const kept = open()[Symbol.asyncIterator]();
  expect([await kept.next(), await first()]).toEqual([{ done: false, value: 0 }, 0]);
  await vi.waitFor(
    () => {
      collect();
      expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    },
    { timeout: 20_000 },
  );
  expect(await kept.next()).toEqual({ done: false, value: 1 });
});
