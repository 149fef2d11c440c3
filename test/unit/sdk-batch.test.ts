import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { batch, getBatchContext, getMultiplexedModelId, RequestCancelledError } from "../../src/sdk/index.ts";
import { type RequestContext, runtime } from "../../src/sdk/runtime.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
  runtime().clock = clock;
});
afterEach(() => {
  runtime().clock = systemClock;
});

/** Runs `work` as application code does for a request. */
function inRequest<R>(request: Partial<RequestContext>, work: () => R): R {
  const context = { requestId: "r", multiplexedModelId: "", signal: new AbortController().signal, ...request };
  return runtime().requests.run(context, work);
}

/** A batch function that records its batches and takes `tookMs` for each. */
function recorded(options: object, tookMs = 0) {
  const batches: { atMs: number; inputs: number[] }[] = [];
  const beganMs = clock.monotonic();
  const call = batch(options, async (inputs: number[]) => {
    batches.push({ atMs: clock.monotonic() - beganMs, inputs });
    if (tookMs > 0) await clock.sleep(tookMs);
    return inputs.map((input) => input * 2);
  });
  return { call, batches };
}

describe("forming batches", () => {
  it("gives each caller its own result", async () => {
    const { call, batches } = recorded({ maxBatchSize: 3 });
    expect(await Promise.all([call(1), call(2), call(3)])).toEqual([2, 4, 6]);
    expect(batches).toEqual([{ atMs: 0, inputs: [1, 2, 3] }]);
  });

  it("waits for others for its time and no longer", async () => {
    const { call, batches } = recorded({ maxBatchSize: 10, batchWaitTimeoutS: 0.05 });
    void call(1);
    await clock.advance(30);
    void call(2);
    await clock.advance(19);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches).toEqual([{ atMs: 50, inputs: [1, 2] }]);
  });

  it("cuts a burst into full batches and a rest", async () => {
    const { call, batches } = recorded({ maxBatchSize: 4 });
    for (let i = 0; i < 10; i++) void call(i);
    await clock.advance(100);
    expect(batches.map(({ inputs }) => inputs.length)).toEqual([4, 4, 2]);
  });

  it("fills the next batch while one runs, instead of lining up small ones", async () => {
    const { call, batches } = recorded({ maxBatchSize: 4, batchWaitTimeoutS: 0.01 }, 300);
    for (let i = 0; i < 8; i++) {
      void call(i);
      await clock.advance(50);
    }
    await clock.advance(1_000);
    expect(batches.map(({ inputs }) => inputs)).toEqual([[0], [1, 2, 3, 4], [5, 6, 7]]);
  });

  it("runs as many at once as maxConcurrentBatches says", async () => {
    const { call, batches } = recorded({ maxBatchSize: 1, maxConcurrentBatches: 2 }, 100);
    for (let i = 0; i < 4; i++) void call(i);
    await clock.advance(100);
    expect(batches.map(({ atMs }) => atMs)).toEqual([0, 0, 100, 100]);
  });

  it("takes what is there at once where nothing is to be waited for", async () => {
    const { call, batches } = recorded({ batchWaitTimeoutS: 0 });
    expect(await Promise.all([call(1), call(2)])).toEqual([2, 4]);
    expect(batches).toEqual([{ atMs: 0, inputs: [1, 2] }]);
  });

  it("keeps the order of calls that have sizes of their own", async () => {
    const batches: number[][] = [];
    const sum = (inputs: number[]) => inputs.reduce((a, b) => a + b, 0);
    const call = batch({ maxBatchSize: 10, batchSizeFn: sum }, async (inputs: number[]) => {
      batches.push(inputs);
      return inputs;
    });
    for (const size of [4, 4, 4, 1, 9]) void call(size);
    await clock.advance(100);
    expect(batches).toEqual([[4, 4], [4, 1], [9]]);
  });

  it("refuses a call that is too large by itself, and one whose size is none, to its caller alone", async () => {
    const batchSizeFn = (texts: string[]) => (texts.includes("?") ? Number.NaN : texts.join("").length);
    const call = batch({ maxBatchSize: 3, batchSizeFn }, async (texts: string[]) => texts);
    const outcomes = Promise.allSettled([call("ab"), call("long"), call("?"), call("c")]);
    await clock.advance(100);
    expect((await outcomes).map((o) => (o.status === "fulfilled" ? o.value : String(o.reason)))).toEqual([
      "ab",
      "RangeError: the size 4 of this call alone is above maxBatchSize 3",
      "TypeError: batchSizeFn returned NaN: return a number",
      "c",
    ]);
  });

  it("follows its setters, for calls that wait as well", async () => {
    const { call, batches } = recorded({ maxBatchSize: 10, batchWaitTimeoutS: 60 });
    void call(1);
    void call(2);
    call.setMaxBatchSize(2);
    await settle();
    expect(batches).toHaveLength(1);
    void call(3);
    call.setBatchWaitTimeoutS(0.02);
    await clock.advance(20);
    expect(batches.map(({ atMs, inputs }) => [atMs, inputs])).toEqual([
      [0, [1, 2]],
      [20, [3]],
    ]);
    expect([call.getMaxBatchSize(), call.getBatchWaitTimeoutS()]).toEqual([2, 0.02]);
    expect(() => call.setMaxBatchSize(0)).toThrow("maxBatchSize 0 must be >= 1");
    expect(() => call.setBatchWaitTimeoutS(-1)).toThrow("batchWaitTimeoutS -1 must be >= 0");
  });

  it("keeps models and revisions apart, each with its own in the batch", async () => {
    const seen: [string, number[]][] = [];
    const call = batch({ maxBatchSize: 4, maxConcurrentBatches: 2 }, async (inputs: number[]) => {
      seen.push([getMultiplexedModelId(), inputs]);
      return inputs;
    });
    for (const [multiplexedModelId, input] of [
      ["a", 1],
      ["b", 2],
      ["a", 3],
    ] as const) {
      void inRequest({ multiplexedModelId }, () => call(input));
    }
    void inRequest({ multiplexedModelId: "a", revision: 2 }, () => call(4));
    await clock.advance(100);
    expect(seen).toEqual([
      ["a", [1, 3]],
      ["b", [2]],
      ["a", [4]],
    ]);
  });

  it("lets the model go first whose calls have waited longest", async () => {
    const seen: string[] = [];
    const call = batch({ maxBatchSize: 2 }, async (inputs: number[]) => {
      seen.push(getMultiplexedModelId());
      await clock.sleep(100);
      return inputs;
    });
    const ask = (multiplexedModelId: string) => void inRequest({ multiplexedModelId }, () => call(1));
    for (const models of ["xx", "aa", "bb", "a"]) {
      for (const model of models) ask(model);
      await clock.advance(10);
    }
    await clock.advance(1_000);
    expect(seen).toEqual(["x", "a", "b", "a"]);
  });

  it("gives a list for each parameter", async () => {
    const call = batch({ maxBatchSize: 2 }, async (as: number[], bs: string[]) => as.map((a, i) => `${a}${bs[i]}`));
    expect(await Promise.all([call(1, "x"), call(2, "y")])).toEqual(["1x", "2y"]);
  });
});

describe("what is counted", () => {
  it("tells of waits, sizes and times by the name of the function", async () => {
    const weigh = async (inputs: number[]) => {
      await clock.sleep(30);
      return inputs;
    };
    const batchSizeFn = (inputs: number[]) => inputs.reduce((a, b) => a + b, 0);
    const call = batch({ maxBatchSize: 20, batchWaitTimeoutS: 0.04, batchSizeFn }, weigh);
    void call(1);
    await clock.advance(10);
    void call(4);
    const value = (name: string) =>
      runtime()
        .metrics.families()
        .find((family) => family.name === name)
        ?.series.find(({ labels }) => labels[0] === "weigh")?.value;
    expect(value("serve_batch_queue_length")).toBe(2);
    await clock.advance(100);
    const names = ["batch_wait_time_ms", "batch_execution_time_ms", "actual_batch_size", "batch_utilization_percent"];
    expect(names.map((name) => value(`serve_${name}`))).toEqual([40, 30, 2, 25]);
    expect([value("serve_batches_processed"), value("serve_batch_queue_length")]).toEqual([1, 0]);
  });
});

describe("results", () => {
  it("throws an Error among the results at its caller alone", async () => {
    const call = batch({ maxBatchSize: 2 }, async (inputs: number[]) =>
      inputs.map((input) => (input < 0 ? new RangeError("negative") : input)),
    );
    const [good, bad] = await Promise.allSettled([call(1), call(-1)]);
    expect(good).toEqual({ status: "fulfilled", value: 1 });
    expect(bad).toEqual({ status: "rejected", reason: new RangeError("negative") });
  });

  it("throws what a batch throws at its callers only, and goes on", async () => {
    const call = batch({ maxBatchSize: 2 }, (inputs: number[]) => {
      if (inputs.includes(0)) throw new Error("zero");
      return inputs;
    });
    const outcomes = await Promise.allSettled([call(0), call(1), call(2), call(3)]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled", "fulfilled"]);
  });

  it("takes typed arrays", async () => {
    const call = batch({ maxBatchSize: 2 }, async (inputs: number[]) => Float32Array.from(inputs));
    expect(await Promise.all([call(1), call(2)])).toEqual([1, 2]);
  });

  it.each([
    [[1], "predict returned 1 results for a batch of 2: return one for each, in their order"],
    [undefined, "predict returned undefined for a batch of 2: return an array of 2"],
    ["ab", "predict returned a string for a batch of 2: return an array of 2"],
    [(async function* () {})(), "predict returned an async iterable for a batch of 2: set its option stream to true"],
  ])("says what is wrong with %j as results", async (results, message) => {
    const predict = async (_: number[]) => results as never;
    const call = batch({ maxBatchSize: 2 }, predict);
    const outcomes = await Promise.allSettled([call(1), call(2)]);
    expect(outcomes.map((o) => (o.status === "rejected" ? o.reason.message : o.status))).toEqual([message, message]);
  });
});

describe("cancelled callers", () => {
  it("leave a batch that has not begun", async () => {
    const { call, batches } = recorded({ maxBatchSize: 10 });
    const leaving = new AbortController();
    const gone = inRequest({ requestId: "r1", signal: leaving.signal }, () => call(1));
    const stays = call(2);
    leaving.abort();
    await expect(gone).rejects.toThrow(RequestCancelledError);
    await clock.advance(100);
    expect(await stays).toBe(4);
    expect(batches.map(({ inputs }) => inputs)).toEqual([[2]]);
  });

  it("hear at once of it in a batch that runs on; the batch is cancelled with the last of them", async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    let signal: AbortSignal | undefined;
    const call = batch({ maxBatchSize: 2 }, async (inputs: number[]) => {
      signal = runtime().requests.getStore()?.signal;
      await clock.sleep(1_000);
      return inputs;
    });
    const calls = [first, second].map((one) =>
      inRequest({ signal: one.signal }, () => call(1).catch((error: Error) => error.name)),
    );
    await settle();
    first.abort();
    expect(await calls[0]).toBe("RequestCancelledError");
    expect(signal?.aborted).toBe(false);
    second.abort();
    expect(await calls[1]).toBe("RequestCancelledError");
    expect(signal?.aborted).toBe(true);
  });

  it("never enter where they were gone before", async () => {
    const { call, batches } = recorded({ maxBatchSize: 1 });
    await expect(inRequest({ signal: AbortSignal.abort() }, () => call(1))).rejects.toThrow("was cancelled with");
    expect(batches).toEqual([]);
  });
});

describe("the context of a batch", () => {
  it("tells the request of each input, and no caller's other contexts", async () => {
    const callers = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const call = batch({ maxBatchSize: 3 }, async (inputs: number[]) => {
      await settle();
      seen.push(getBatchContext()?.requestIds, runtime().requests.getStore()?.requestId, callers.getStore());
      return inputs;
    });
    await Promise.all([
      inRequest({ requestId: "r1" }, () => callers.run("one", () => call(1))),
      inRequest({ requestId: "r2" }, () => callers.run("two", () => call(2))),
      inRequest({ requestId: "r3" }, () => callers.run("three", () => call(3))),
    ]);
    expect(seen).toEqual([["r1", "r2", "r3"], "r1", undefined]);
    expect(getBatchContext()).toBe(undefined);
  });
});

describe("batches of streams", () => {
  const countdown = (options: object = {}) =>
    batch({ maxBatchSize: 2, ...options, stream: true }, async function* (inputs: number[]) {
      for (let i = 0; ; i++) {
        if (inputs.every((input) => i >= input)) return;
        yield inputs.map((input) => (i >= input ? batch.done : input - i));
      }
    });
  const all = async (items: AsyncIterable<unknown>) => {
    const list: unknown[] = [];
    for await (const item of items) list.push(item);
    return list;
  };

  it("give each caller a stream of its own", async () => {
    const call = countdown();
    expect(await Promise.all([all(call(1)), all(call(3))])).toEqual([[1], [3, 2, 1]]);
  });

  it("break off for one caller, or for all", async () => {
    const call = batch({ maxBatchSize: 2, stream: true }, async function* (inputs: number[]) {
      yield inputs.map((input) => (input < 0 ? new RangeError("negative") : input));
      throw new Error("broke");
    });
    const [bad, good] = await Promise.allSettled([all(call(-1)), all(call(1))]);
    expect([bad, good].map((o) => (o.status === "rejected" ? o.reason.message : ""))).toEqual(["negative", "broke"]);
  });

  it("end their generator when the last caller has left", async () => {
    let ended = false;
    const call = batch({ maxBatchSize: 2, stream: true }, async function* (inputs: number[]) {
      try {
        for (;;) yield inputs;
      } finally {
        ended = true;
      }
    });
    const [one, two] = [call(1), call(2)];
    expect(await one.next()).toEqual({ done: false, value: 1 });
    await one.return?.();
    await settle();
    expect(ended).toBe(false);
    await two.return?.();
    await settle();
    expect(ended).toBe(true);
  });

  it("wait for a caller that is far behind, and not for one that left", async () => {
    let made = 0;
    const call = batch({ maxBatchSize: 2, stream: true }, async function* (inputs: number[]) {
      for (; made < 5_000; made++) yield inputs;
    });
    const [slow, fast] = [call(1), call(2)];
    const read = all(fast);
    await settle();
    expect(made).toBe(999);
    expect(await slow.next()).toEqual({ done: false, value: 1 });
    await settle();
    expect(made).toBe(1_000);
    await slow.return?.();
    expect(await read).toHaveLength(5_000);
  });

  it("say what is wrong with a step or with the function", async () => {
    const short = batch({ maxBatchSize: 1, stream: true }, async function* counting(_: number[]) {
      yield [1, 2];
    });
    await expect(all(short(1))).rejects.toThrow("counting returned 2 results for a batch of 1");
    const plain = batch({ maxBatchSize: 1, stream: true }, (async (inputs: number[]) => inputs) as never);
    await expect(all(plain())).rejects.toThrow("has the option stream, but returned an array");
  });
});

describe("options", () => {
  const fn = async (inputs: number[]) => inputs;
  it.each<[object, string]>([
    [{ maxBatchSize: 0 }, "maxBatchSize 0 must be >= 1"],
    [{ maxBatchSize: 1.5 }, "maxBatchSize 1.5 must be an integer"],
    [{ maxBatchSize: "2" }, "maxBatchSize must be an integer, not string"],
    [{ batchWaitTimeoutS: -1 }, "batchWaitTimeoutS -1 must be >= 0"],
    [{ batchWaitTimeoutS: Number.NaN }, "batchWaitTimeoutS NaN must be >= 0"],
    [{ maxConcurrentBatches: 0 }, "maxConcurrentBatches 0 must be >= 1"],
    [{ batchSizeFn: 3 }, "batchSizeFn must be a function (inputs) => number, not number"],
    [{ max_batch_size: 3 }, 'batch() has no option "max_batch_size": did you mean "maxBatchSize"?'],
    [{ stream: "yes" }, "stream must be true or false, not string"],
  ])("%j: %s", (options, message) => {
    expect(() => batch(options, fn)).toThrow(message);
  });

  it("are the reference's where none are given, and the function keeps its name", async () => {
    const call = batch(fn);
    expect([call.getMaxBatchSize(), call.getBatchWaitTimeoutS(), call.name]).toEqual([10, 0.01, "fn"]);
    expect(() => batch({}, async function* () {} as never)).toThrow("set its option stream to true");
    expect(() => batch({}, 3 as never)).toThrow("batch() needs a function that takes lists, not number");
  });
});
