import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { batch, getMultiplexedModelId, multiplexed } from "../../src/sdk/index.ts";
import { runtime } from "../../src/sdk/runtime.ts";
import { settle, VirtualClock } from "../support/virtual-clock.ts";

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
  runtime().clock = clock;
  runtime().models.caches.clear();
});
afterEach(() => {
  runtime().clock = systemClock;
});

/** A request that ends when it is told to. */
function request(multiplexedModelId = "") {
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  const context = {
    requestId: "r",
    multiplexedModelId,
    signal: controller.signal,
    onEnd: (listener: () => void) => void listeners.push(listener),
  };
  return {
    run: <R>(work: () => R): R => runtime().requests.run(context, work),
    end: () => {
      for (const listener of listeners) listener();
    },
    cancel: () => controller.abort(),
  };
}

/** Models that take `tookMs` to load; "bad" cannot be. */
function models(options: object = {}, tookMs = 100) {
  const events: string[] = [];
  const get = multiplexed(
    { unload: (_: unknown, id: string) => void events.push(`unload ${id}`), ...options },
    async (id) => {
      events.push(`load ${id}`);
      await clock.sleep(tookMs);
      if (id.startsWith("bad")) throw new Error(`no model ${id}`);
      return { id };
    },
  );
  /** Loads one after the other. */
  const load = async (...ids: string[]) => {
    for (const id of ids) {
      const model = get(id).catch((error: Error) => error.message);
      await clock.advance(tookMs);
      await model;
    }
  };
  const ids = () => [...runtime().models.caches].flatMap((cache) => [...cache.ids()]);
  return { get, load, events, ids };
}

describe("models", () => {
  it("are loaded once, however many ask, and then there", async () => {
    const { get, events } = models();
    const all = Promise.all([get("a"), get("a"), get("a")]);
    await clock.advance(100);
    const [first] = await all;
    expect(await get("a")).toBe(first);
    expect(events).toEqual(["load a"]);
  });

  it("go when others come, the one unused for longest first", async () => {
    const { load, events, ids } = models({ maxNumModelsPerReplica: 2 });
    await load("a", "b", "a", "c");
    expect(events).toEqual(["load a", "load b", "load c", "unload b"]);
    expect(ids()).toEqual(["a", "c"]);
  });

  it("stay when the next one cannot be loaded; the error is not kept", async () => {
    const { get, load, events } = models({ maxNumModelsPerReplica: 1 });
    await load("a");
    const [one, two] = [get("bad"), get("bad")].map((model) => model.catch((error: Error) => error.message));
    await clock.advance(100);
    expect([await one, await two]).toEqual(["no model bad", "no model bad"]);
    expect(await get("a")).toEqual({ id: "a" });
    await load("bad");
    expect(events).toEqual(["load a", "load bad", "load bad"]);
  });

  it("go before the next one is loaded where that is asked for", async () => {
    const { load, events } = models({ maxNumModelsPerReplica: 1, unloadFirst: true });
    await load("a", "b", "bad", "b");
    expect(events).toEqual(["load a", "unload a", "load b", "unload b", "load bad", "load b"]);
  });

  it("load at once while there is room for them, then one after the other", async () => {
    const { get, events } = models({ maxNumModelsPerReplica: 2 });
    for (const id of ["a", "b", "c", "d"]) void get(id);
    await settle();
    expect(events).toEqual(["load a", "load b"]);
    await clock.advance(100);
    expect(events.slice(2)).toEqual(["load c"]);
    await clock.advance(100);
    expect(events.slice(3)).toEqual(["unload a", "load d"]);
  });

  it("are not unloaded under requests that have them: those go that nobody has", async () => {
    const { get, load, events } = models({ maxNumModelsPerReplica: 2 });
    const uses = request();
    await load("a", "b");
    await uses.run(() => get("a"));
    await load("b", "c");
    expect(events.slice(2)).toEqual(["load c", "unload b"]);
    uses.end();
    await load("d");
    expect(events.slice(4)).toEqual(["load d", "unload a"]);
  });

  it("wait with their unloading for the last request, and can be had again until then", async () => {
    const { get, load, events } = models({ maxNumModelsPerReplica: 1 });
    const [one, two] = [request(), request()];
    const model = one.run(() => get("a"));
    void two.run(() => get("a"));
    await clock.advance(100);
    await load("b");
    expect(events).toEqual(["load a", "load b"]);
    one.end();
    expect(await get("a")).toBe(await model);
    await settle();
    expect(events.slice(2)).toEqual(["unload b"]);
    await load("c");
    expect(events.slice(3)).toEqual(["load c"]);
    two.end();
    await settle();
    expect(events.slice(4)).toEqual(["unload a"]);
  });

  it("are told as soon as somebody asks for them, and no more when they go", async () => {
    const changes: string[][] = [];
    const { load, ids } = models({ maxNumModelsPerReplica: 1 });
    runtime().models.onChange = () => void changes.push(ids());
    await load("a", "bad", "b");
    runtime().models.onChange = () => {};
    expect(changes[0]).toEqual(["a"]);
    expect(changes).toContainEqual(["a", "bad"]);
    expect(changes.at(-1)).toEqual(["b"]);
  });

  it("are given up by callers that leave, and not loaded when the last one has left the line", async () => {
    const { get, events } = models({ maxNumModelsPerReplica: 1 });
    void get("a");
    const leaving = request();
    const left = leaving.run(() => get("b")).catch((error: Error) => error.message);
    leaving.cancel();
    expect(await left).toBe("loading of model b was given up with request r");
    await clock.advance(200);
    expect(events).toEqual(["load a"]);
  });

  it("are all unloaded at the end, once, and no more are loaded", async () => {
    const { get, load, events } = models();
    const uses = request();
    await load("a");
    await uses.run(() => get("a"));
    void get("b");
    await settle();
    const [cache] = runtime().models.caches;
    const closed = cache!.close();
    await clock.advance(100);
    await closed;
    uses.end();
    expect(events).toEqual(["load a", "load b", "unload a", "unload b"]);
    await expect(get("c")).rejects.toThrow("model c is not loaded: the replica ends");
  });

  it("are disposed of in their own way where no other is given", async () => {
    const gone: string[] = [];
    const get = multiplexed({ maxNumModelsPerReplica: 1 }, (id: string) =>
      id === "a"
        ? { id, [Symbol.asyncDispose]: async () => void gone.push("a, later") }
        : { id, [Symbol.dispose]: () => void gone.push("b, at once") },
    );
    for (const id of ["a", "b", "a"]) await get(id);
    await settle();
    expect(gone).toEqual(["a, later", "b, at once"]);
  });

  it("of two functions are kept apart", async () => {
    const one = multiplexed(async (id: string) => `one ${id}`);
    const two = multiplexed(async (id: string) => `two ${id}`);
    expect([await one("a"), await two("a")]).toEqual(["one a", "two a"]);
  });
});

describe("the model id", () => {
  it("is the request's where none is given, also in the loader and in a batch", async () => {
    const seen: string[] = [];
    const get = multiplexed(async (id: string) => {
      seen.push(getMultiplexedModelId());
      return id;
    });
    const call = batch({ maxBatchSize: 1 }, async (inputs: number[]) => {
      const model = await get();
      return inputs.map((input) => `${model} ${input}`);
    });
    expect(await request("m").run(() => call(1))).toBe("m 1");
    expect(seen).toEqual(["m"]);
  });

  it("is needed, and a string", async () => {
    const get = multiplexed(async (id: string) => id);
    await expect(get()).rejects.toThrow(/^no model id: the request needs the header serve_multiplexed_model_id/);
    await expect(get(3 as never)).rejects.toThrow("a model id must be a string, not number");
  });
});

describe("options", () => {
  const load = async (id: string) => id;
  it.each<[object, string]>([
    [{ maxNumModelsPerReplica: 0 }, "maxNumModelsPerReplica 0 must be >= 1, or -1 for no limit"],
    [{ maxNumModelsPerReplica: -2 }, "maxNumModelsPerReplica -2 must be >= 1, or -1 for no limit"],
    [{ maxNumModelsPerReplica: "3" }, "maxNumModelsPerReplica must be an integer, not string"],
    [{ maxModelsPerReplica: 3 }, 'has no option "maxModelsPerReplica": did you mean "maxNumModelsPerReplica"?'],
    [{ unload: 3 }, "unload must be a function, not number"],
    [{ unloadFirst: 1 }, "unloadFirst must be true or false"],
  ])("%j: %s", (options, message) => {
    expect(() => multiplexed(options, load)).toThrow(message);
  });

  it("without limit nothing goes", async () => {
    const { load: loadAll, ids } = models({ maxNumModelsPerReplica: -1 });
    await loadAll("a", "b", "c", "d", "e");
    expect(ids()).toHaveLength(5);
  });
});

describe("what is counted", () => {
  it("tells of loads, unloads and models by the reference's names", async () => {
    const sum = (name: string) =>
      runtime()
        .metrics.families()
        .find((family) => family.name === name)
        ?.series.map(({ labels, value }) => [...labels, value].join(" "));
    const value = (name: string) => Number(sum(name)?.[0] ?? 0);
    const counters = ["get_model_requests_counter", "models_load_counter", "models_unload_counter"];
    const now = () => counters.map((name) => value(`serve_multiplexed_${name}`));
    const before = now();
    const { load } = models({ maxNumModelsPerReplica: 1 });
    await load("a", "a", "b", "bad");
    expect(now().map((count, index) => count - before[index]!)).toEqual([4, 2, 1]);
    expect(sum("serve_num_multiplexed_models")).toEqual(["1"]);
    expect(sum("serve_registered_multiplexed_model_id")).toEqual(["b 1"]);
  });
});
