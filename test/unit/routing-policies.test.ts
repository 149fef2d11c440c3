/** Built-in request routers: where requests go. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { murmur64 } from "../../src/routing/murmur.ts";
import { PrefixTree } from "../../src/routing/prefix-tree.ts";
import type { RouterRequest } from "../../src/routing/router.ts";
import { sessionHeader, sessionOf } from "../../src/routing/session.ts";
import { get, post, scriptedRouter } from "../support/scripted-router.ts";
import { seededRandom } from "../support/seeded-random.ts";

const PAUSES = { initialBackoffS: 0.025, backoffMultiplier: 2, maxBackoffS: 0.5 };
const routing = (router: string, kwargs: Record<string, unknown> = {}, pauses = PAUSES) => ({
  requestRouting: { router, kwargsJson: JSON.stringify(kwargs), bundlePath: "", exportName: "", ...pauses },
});
const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `replica-${index}`);
const session = (id: string): RouterRequest => ({ ...get, headers: ["x-session-id", id] });

function setUp(ids: readonly string[], router: object, given: Record<string, unknown> = {}, seed = 1) {
  const t = scriptedRouter(seededRandom(seed));
  const apply = (present: readonly string[], more: Record<string, unknown> = {}) =>
    t.apply(present, { maxOngoingRequests: 5, ...router, ...given, ...more });
  apply(ids);
  /** Sends and answers one, and says where it went. */
  const where = (request: RouterRequest = get): string => {
    t.send(request);
    const entry = t.sent.at(-1)!;
    t.answer(entry);
    return entry.to;
  };
  return { ...t, apply, where };
}

describe("round robin", () => {
  it("goes round, from a replica that differs from router to router", () => {
    const ids = named(5);
    const firsts = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const t = setUp(ids, routing("windlass:round-robin"), {}, seed);
      const went = Array.from({ length: 10 }, () => t.where());
      const from = ids.indexOf(went[0]!);
      expect(went).toEqual(Array.from({ length: 10 }, (_, index) => ids[(from + index) % 5]));
      firsts.add(went[0]!);
    }
    expect(firsts.size).toBeGreaterThan(2);
  });

  it("passes over a replica without room, and waits where none has any", () => {
    const t = setUp(["a", "b"], routing("windlass:round-robin"), { maxOngoingRequests: 1 });
    const outcomes = [t.send(), t.send(), t.send()];
    expect(t.sent.map(({ to }) => to).sort()).toEqual(["a", "b"]);
    const second = t.sent[1]!;
    t.answer(second);
    expect(t.sent[2]!.to).toBe(second.to);
    expect(outcomes[2]!.state).toBe("waiting");
  });

  it("goes round among the replicas that have a model, and to others where those are full", () => {
    const t = setUp(["a", "b", "c"], routing("windlass:round-robin"), { maxOngoingRequests: 2 });
    t.router.applyModels(
      ["a", "b"].map((replicaId) => ({ replicaId, modelIds: ["m"] })),
      true,
    );
    const asking = { ...get, headers: ["serve_multiplexed_model_id", "m"] };
    expect([t.where(asking), t.where(asking)].sort()).toEqual(["a", "b"]);
    for (let i = 0; i < 5; i++) t.send(asking);
    const counts = ["a", "b", "c"].map((id) => t.sent.slice(2).filter(({ to }) => to === id).length);
    expect(counts).toEqual([2, 2, 1]);
  });

  it("sends a request to a replica that is known to be full only to wait there", () => {
    const t = setUp(["a", "b"], routing("windlass:round-robin"), { maxOngoingRequests: 2 });
    t.router.applyModels([{ replicaId: "a", modelIds: ["m"] }], true);
    const asking = { ...get, headers: ["serve_multiplexed_model_id", "m"] };
    t.send(asking);
    t.sent[0]!.onFailed({ kind: "rejected", ongoing: 2 });
    for (let i = 0; i < 3; i++) t.send(asking);
    const went = t.sent.slice(1).map(({ to, request }) => `${to}${request.wait === undefined ? "" : " waits"}`);
    expect(went).toEqual(["b", "b", "a waits", "a waits"]);
  });
});

describe("the hash of keys", () => {
  it.each([
    ["", 0, 0n],
    ["", 1, 0x4610abe56eff5cb5n],
    ["hello", 0, 0xcbd8a7b341bd9b02n],
    ["hello, world", 0, 0x342fac623a5ebc8en],
    ["The quick brown fox jumps over the lazy dog", 0, 0xe34bbc7bbc071b6cn],
  ] as const)("of %j with the seed %i is MurmurHash3's", (text, seed, hash) => {
    expect(murmur64(text, seed)).toBe(hash);
  });
});

describe("consistent hashing", () => {
  const keys = Array.from({ length: 2_000 }, (_, index) => `user-${index}`);
  const places = (t: ReturnType<typeof setUp>) => new Map(keys.map((key) => [key, t.where(session(key))]));

  it("sends a session to one replica, from every router and in whatever order the table has them", () => {
    const ids = named(7);
    const first = places(setUp(ids, routing("windlass:consistent-hash"), {}, 1));
    const second = places(setUp(ids.toReversed(), routing("windlass:consistent-hash"), {}, 2));
    expect(second).toEqual(first);
  });

  it("spreads sessions over the replicas", () => {
    const counts = new Map<string, number>();
    for (const id of places(setUp(named(5), routing("windlass:consistent-hash"))).values()) {
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect(counts.size).toBe(5);
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(200);
      expect(count).toBeLessThan(700);
    }
  });

  it("moves the sessions of a replica that leaves, and no others; and back when it returns", () => {
    const ids = named(6);
    const t = setUp(ids, routing("windlass:consistent-hash"));
    const before = places(t);
    t.apply(ids.filter((id) => id !== "replica-3"));
    const without = places(t);
    for (const [key, place] of before) {
      if (place === "replica-3") expect(without.get(key)).not.toBe("replica-3");
      else expect(without.get(key)).toBe(place);
    }
    t.apply(ids);
    expect(places(t)).toEqual(before);
  });

  it("goes to the fallback replicas in turn while the first is full, then waits, though others are idle", () => {
    const t = setUp(named(6), routing("windlass:consistent-hash", { num_fallback_replicas: 1 }), {
      maxOngoingRequests: 1,
    });
    const sent = [t.send(session("s")), t.send(session("s")), t.send(session("s"))];
    expect(t.sent).toHaveLength(2);
    expect(new Set(t.sent.map(({ to }) => to)).size).toBe(2);
    const [first] = t.sent;
    t.answer(first!);
    expect(t.sent[2]!.to).toBe(first!.to);
    expect(sent[2]!.state).toBe("waiting");
  });

  it("lets a session without room keep no other waiting", () => {
    const t = setUp(named(6), routing("windlass:consistent-hash", { num_fallback_replicas: 0 }), {
      maxOngoingRequests: 1,
    });
    t.send(session("s"));
    t.send(session("s"));
    expect(t.sent).toHaveLength(1);
    for (const key of keys.slice(0, 50)) t.send(session(key));
    expect(t.sent.map(({ to }) => to).sort()).toEqual(named(6));
  });

  it("goes by the request's id without a session", () => {
    const t = setUp(named(6), routing("windlass:consistent-hash"));
    const byId = (id: string) => t.where({ ...get, headers: ["x-request-id", id] });
    expect(new Set(["r1", "r1", "r1"].map(byId)).size).toBe(1);
    expect(new Set(keys.map(byId)).size).toBe(6);
    expect(byId("user-1")).toBe(t.where(session("user-1")));
  });

  it("goes on to the next replica from one that cannot be reached", () => {
    const t = setUp(named(4), routing("windlass:consistent-hash"));
    const first = t.where(session("s"));
    t.send(session("s"));
    t.sent.at(-1)!.onFailed({ kind: "unreachable", gone: true, error: "gone" });
    const next = t.sent.at(-1)!.to;
    expect(next).not.toBe(first);
    expect(t.where(session("s"))).toBe(next);
  });

  it("passes over a replica that is left out, and comes back to it, even without fallback replicas", () => {
    const t = setUp(named(4), routing("windlass:consistent-hash", { num_fallback_replicas: 0 }));
    const request = { ...session("s"), method: "POST" };
    const first = t.where(request);
    for (let i = 0; i < 5; i++) {
      t.send(request);
      t.sent.at(-1)!.onFailed({ kind: "broken", responseStarted: false, error: "broken" });
    }
    const meanwhile = Array.from({ length: 3 }, () => t.where(request));
    expect(new Set(meanwhile).size).toBe(1);
    expect(meanwhile).not.toContain(first);
    t.pass(10_000);
    expect(t.where(request)).toBe(first);
  });
});

describe("prefix affinity", () => {
  const prompt = (text: string): RouterRequest => ({
    ...post,
    headers: ["content-type", "application/json"],
    body: Buffer.from(JSON.stringify({ prompt: text })),
  });
  const story = "Once upon a time there was a replica that knew how every story begins. ".repeat(4);

  it("sends a text to the replica that had one which begins alike, of a body and of a call's arguments", () => {
    const t = setUp(named(5), routing("windlass:prefix-affinity"));
    const first = t.where(prompt(story));
    for (let i = 0; i < 5; i++) expect(t.where(prompt(`${story} And then ${i}`))).toBe(first);
    const call = { ...post, kind: "call", args: [{ prompt: `${story} The end.` }] } as const;
    expect(t.where(call)).toBe(first);
  });

  const circle: { content?: unknown } = {};
  circle.content = circle;
  const throws = {
    get prompt() {
      throw new Error("not today");
    },
  };
  it.each([
    ["a bigint", { messages: [{ role: "user", content: { size: 1n } }] }],
    ["a circle", { messages: [{ role: "user", content: circle }] }],
    ["a role without a text", { messages: [{ role: Object.create(null), content: "hello" }] }],
    ["a getter that throws", throws],
  ])("leaves a call with %s in its arguments to the power of two choices", (_, arg) => {
    const t = setUp(["a"], routing("windlass:prefix-affinity"), { maxOngoingRequests: 1 });
    const call = { ...post, kind: "call", args: [arg] } as const;
    t.send(call);
    const second = t.send(call);
    t.answer(t.sent[0]!);
    t.answer(t.sent[1]!);
    expect([t.to(), second.state]).toEqual(["a a", "ended"]);
  });

  it("keeps of texts the pieces alone", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const tree = new PrefixTree<string>();
    const shared = "You are a helpful replica. ".repeat(1_000);
    const usedBytes = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    tree.insert(shared, "a", 0);
    const before = usedBytes();
    for (let i = 0; i < 2_000; i++) tree.insert(`${shared} ${i}`, "a", i);
    // 2,000 texts of 27,000 characters, of which all but the ends are the same.
    expect(usedBytes() - before).toBeLessThan(10_000_000);
    expect(tree.chars).toBeLessThan(shared.length + 2_000 * 64);
  });

  it("spreads texts that begin otherwise over the replicas that know the least", () => {
    const t = setUp(named(4), routing("windlass:prefix-affinity"));
    const went = Array.from({ length: 4 }, (_, index) => t.where(prompt(`${index} ${story}`)));
    expect(new Set(went).size).toBe(4);
  });

  it("goes elsewhere where that replica is full, or busier than the threshold allows", () => {
    const full = setUp(named(3), routing("windlass:prefix-affinity"), { maxOngoingRequests: 1 });
    const first = full.where(prompt(story));
    full.send(prompt(story));
    full.send(prompt(story));
    expect(full.sent[1]!.to).toBe(first);
    expect(full.sent[2]!.to).not.toBe(first);
    const busy = setUp(named(2), routing("windlass:prefix-affinity", { imbalanced_threshold: 1 }));
    const place = busy.where(prompt(story));
    for (let i = 0; i < 2; i++) busy.send(prompt(story));
    expect(busy.sent.slice(1).map(({ to }) => to)).toEqual([place, place]);
    busy.send(prompt(story));
    expect(busy.sent.at(-1)!.to).not.toBe(place);
  });

  it("forgets what was not asked for lately where it is told to", () => {
    const t = setUp(
      named(2),
      routing("windlass:prefix-affinity", {
        do_eviction: true,
        eviction_threshold_chars: 600,
        eviction_target_chars: 300,
        eviction_interval_secs: 1,
      }),
    );
    const [a, b, c] = ["alpha ", "beta ", "gamma "].map((word) => word.repeat(50));
    const places = [t.where(prompt(a!)), t.where(prompt(b!))];
    t.pass(2_000);
    t.where(prompt(b!));
    t.where(prompt(c!));
    // The replica that has only what was forgotten knows the least now.
    expect(t.where(prompt(b!))).toBe(places[1]);
  });
});

describe("pauses", () => {
  it("are those of the table: a replica that refused is left alone so long", () => {
    const pauses = { initialBackoffS: 0.2, backoffMultiplier: 3, maxBackoffS: 1 };
    const t = setUp(["a"], routing("", {}, pauses));
    t.send();
    const attempts = (): number => t.sent.length;
    const refuse = () => t.sent.at(-1)!.onFailed({ kind: "rejected", ongoing: -1 });
    refuse();
    for (const pause of [200, 600, 1_000, 1_000]) {
      const before = attempts();
      refuse();
      t.pass(pause - 1);
      expect([pause, attempts()]).toEqual([pause, before]);
      t.pass(1);
      expect([pause, attempts()]).toEqual([pause, before + 1]);
    }
  });
});

describe("the session of a request", () => {
  it.each([
    [["x-session-id", "a"], "x-session-id", "a"],
    [["x_session_id", "a"], "x-session-id", "a"],
    [["x-other", "a"], "x-session-id", ""],
    [["x-user", "a", "x-session-id", "b"], "x-user", "a"],
  ] as const)("of %j by the header %s is %j", (headers, header, wanted) => {
    expect(sessionOf(headers, header)).toBe(wanted);
  });

  it("has its header from the environment, if that can be one", () => {
    expect(sessionHeader({})).toBe("x-session-id");
    expect(sessionHeader({ RAY_SERVE_SESSION_ID_HEADER_KEY: "X_User" })).toBe("x-user");
    expect(sessionHeader({ RAY_SERVE_SESSION_ID_HEADER_KEY: "a b" })).toBe("x-session-id");
  });
});
