/** Users' request routers: what they are asked and told, and that whatever they do each request gets a replica. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { PendingRequest, RequestRouter, RoutableReplica } from "../../src/routing/request-router.ts";
import { rankByLocality, rankByModels, selectAvailable } from "../../src/routing/request-router.ts";
import type { RouterFault } from "../../src/routing/router.ts";
import { get, head, post, scriptedRouter } from "../support/scripted-router.ts";
import { tempDir } from "../support/temp-dir.ts";

type Choose = RequestRouter["chooseReplicas"];

/** What the bundle below takes its methods from, by the name in its arguments. */
const routers = new Map<string, Partial<RequestRouter>>();
(globalThis as Record<string, unknown>)["routersUnderTest"] = routers;
const BUNDLE = `
export class Router {
  initializeState(kwargs) {
    Object.assign(this, globalThis.routersUnderTest.get(kwargs.name));
    globalThis.routersUnderTest.set(kwargs.name, this);
    return this.begin?.(kwargs);
  }
  chooseReplicas(candidates) { return [candidates]; }
}
export const notAClass = {};
`;
let names = 0;

const routingOf = (bundlePath: string, exportName: string, kwargs: Readonly<Record<string, unknown>> = {}) => ({
  ...{ router: "./r.ts:Router", kwargsJson: JSON.stringify(kwargs), bundlePath, exportName },
  ...{ initialBackoffS: 0.1, backoffMultiplier: 2, maxBackoffS: 0.5 },
});

/** A router over these replicas that follows a custom one; resolves once that was loaded. */
async function setUp(
  ids: readonly string[],
  methods: Partial<RequestRouter> & { begin?: (kwargs: Readonly<Record<string, unknown>>) => unknown },
  { exportName = "Router", given = {}, bundle = BUNDLE, kwargs = {} as Record<string, unknown> } = {},
) {
  const name = `r${names++}`;
  const { begin, updateReplicas, ...rest } = methods;
  routers.set(name, { ...(begin && { begin }), ...(updateReplicas && { updateReplicas }) });
  const path = join(tempDir(), "app.mjs");
  writeFileSync(path, bundle);
  const faults: RouterFault[] = [];
  const t = scriptedRouter({ next: () => 0 }, undefined, undefined, undefined, (fault) => faults.push(fault));
  const apply = (present: readonly string[], more: Record<string, unknown> = {}): void =>
    t.apply(present, {
      maxOngoingRequests: 2,
      ...given,
      requestRouting: routingOf(path, exportName, { name, ...kwargs }),
      ...more,
    });
  apply(ids);
  // It is loaded for the first request.
  t.send();
  await vi.waitFor(() => expect(t.sent).toHaveLength(1), 20_000);
  t.answer(t.sent.pop()!);
  Object.assign(routers.get(name)!, rest);
  return { ...t, apply, faults, reasons: () => faults.map(({ reason }) => reason) };
}

const only =
  (...ids: string[]): Choose =>
  (candidates) =>
    ids.map((id) => candidates.filter((each) => each.id === id));
/** Lets promises settle. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("a request router of the user's", () => {
  it("decides: of the first rank with room the least busy is taken", async () => {
    const t = await setUp(["a", "b", "c"], {
      chooseReplicas: (candidates) => [candidates.filter(({ id }) => id !== "b"), candidates],
    });
    for (let i = 0; i < 5; i++) t.send();
    expect(t.sent.map(({ to }) => to).sort()).toEqual(["a", "a", "b", "c", "c"]);
    expect(t.faults).toEqual([]);
  });

  it("may answer later, and the request waits for that", async () => {
    const answers: (() => void)[] = [];
    const t = await setUp(["a", "b"], {
      chooseReplicas: async (candidates) => {
        await new Promise<void>((resolve) => void answers.push(resolve));
        return [candidates.filter(({ id }) => id === "b")];
      },
    });
    t.send();
    t.send();
    expect(t.sent).toHaveLength(0);
    for (const answer of answers) answer();
    await settled();
    expect(t.to()).toBe("b b");
  });

  it("is told of the request all there is", async () => {
    const seen: unknown[] = [];
    const t = await setUp(["a"], {
      chooseReplicas: (candidates, request) => {
        const { requestId, kind, method, path, modelId, sessionId, args, body, attempt } = request;
        const text = body && Buffer.from(body).toString();
        const header = request.header("x-tenant");
        seen.push({ requestId, kind, method, path, modelId, sessionId, args, text, attempt, header });
        return [candidates];
      },
    });
    const headers = ["x-request-id", "r1", "x-tenant", "t", "x-session-id", "s", "serve_multiplexed_model_id", "m"];
    t.send({ ...post, path: "/p?q=1", headers, body: Buffer.from("hello") });
    t.send({ ...post, kind: "call", path: "/add", model: "n", session: "u", args: [1, 2] });
    expect(seen).toEqual([
      {
        ...{ requestId: "r1", kind: "http", method: "POST", path: "/p?q=1", modelId: "m", sessionId: "s" },
        ...{ args: [], text: "hello", attempt: 0, header: "t" },
      },
      {
        ...{ requestId: "3", kind: "call", method: "POST", path: "/add", modelId: "n", sessionId: "u" },
        ...{ args: [1, 2], text: undefined, attempt: 0, header: undefined },
      },
    ]);
  });

  it("sees of a replica its queue, its room, its models and what it told", async () => {
    let seen: unknown;
    const t = await setUp(["a", "b"], {
      chooseReplicas: (candidates) => {
        seen = candidates.map(({ id, queueLength, maxOngoingRequests, hasRoom, modelIds, routingStats }) => [
          ...[id, queueLength, maxOngoingRequests, hasRoom, modelIds, routingStats],
        ]);
        return only("a", "b")(candidates, undefined as never);
      },
    });
    t.router.applyModels([{ replicaId: "b", modelIds: ["m"], routingStatsJson: '{"depth":7}' }], true);
    t.send();
    t.send();
    t.sent[0]!.onAccepted(head({ ongoing: 2 }));
    t.send();
    expect(seen).toEqual([
      ["a", 2, 2, false, [], {}],
      ["b", 0, 2, true, ["m"], { depth: 7 }],
    ]);
    expect(t.to()).toBe("a a b");
  });

  it("has a request wait that it leaves no replica for, and is asked again after the pauses of the config", async () => {
    let asks = 0;
    const t = await setUp(["a"], {
      chooseReplicas: (candidates) => {
        asks += 1;
        return asks < 4 ? [] : [candidates];
      },
    });
    t.send();
    const seen: [number, number][] = [];
    for (const pause of [100, 200, 400]) {
      t.pass(pause - 1);
      const before = asks;
      t.pass(1);
      seen.push([before, asks]);
    }
    expect(seen).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(t.to()).toBe("a");
  });

  it("has one request that finds no room keep no other waiting", async () => {
    const t = await setUp(["a", "b"], {
      chooseReplicas: (candidates, request) => [candidates.filter(({ id }) => id === request.path.slice(1))],
    });
    for (let i = 0; i < 4; i++) t.send({ ...get, path: "/a" });
    t.send({ ...get, path: "/b" });
    expect(t.to()).toBe("a a b");
    t.answer(t.sent[0]!);
    expect(t.to()).toBe("a a b a");
  });

  it("is asked anew for a request that was refused, with the number of the attempt", async () => {
    const attempts: number[] = [];
    const t = await setUp(["a", "b"], {
      chooseReplicas: (candidates, request) => {
        attempts.push(request.attempt);
        return [candidates];
      },
    });
    t.send();
    const first = t.sent[0]!;
    first.onFailed({ kind: "rejected", ongoing: 2 });
    expect(attempts).toEqual([0, 1]);
    expect(t.sent[1]!.to).not.toBe(first.to);
  });

  it("is told of each request that was sent exactly once that it is over, however that came", async () => {
    const open = new Map<PendingRequest, number>();
    const routed: string[] = [];
    const died: string[] = [];
    const lengths: [string, number][] = [];
    let completed = 0;
    const t = await setUp(["a", "b"], {
      chooseReplicas: (candidates) => [candidates],
      onRequestRouted: (_, { id }) => void routed.push(id),
      onRequestCompleted: (_, request) => {
        completed += 1;
        open.set(request, (open.get(request) ?? 0) + 1);
      },
      onReplicaDied: ({ id }) => void died.push(id),
      onNewQueueLength: ({ id }, length) => void lengths.push([id, length]),
    });
    t.send();
    t.sent[0]!.onAccepted(head({ ongoing: 1 }));
    t.sent[0]!.onEnd();
    expect([routed, completed, lengths]).toEqual([["a"], 1, [["a", 1]]]);
    t.send(post);
    t.sent[1]!.onFailed({ kind: "broken", responseStarted: false, error: "e" });
    expect(completed).toBe(2);
    const cancelled = t.send();
    cancelled.cancel();
    expect(completed).toBe(3);
    t.send();
    const refused = t.sent[3]!;
    refused.onFailed({ kind: "rejected", ongoing: 2 });
    t.answer(t.sent[4]!);
    expect(completed).toBe(5);
    t.send();
    const dead = t.sent[5]!;
    dead.onFailed({ kind: "unreachable", gone: true, error: "e" });
    expect(died).toEqual([dead.to]);
    t.answer(t.sent[6]!);
    expect(completed).toBe(t.sent.length);
    expect(t.faults).toEqual([]);
  });

  it("is told that a replica took a request when it did, long before that is answered, and once", async () => {
    const heard: string[] = [];
    let lengths: number[] = [];
    const t = await setUp(
      ["a"],
      {
        chooseReplicas: (candidates) => {
          lengths = candidates.map(({ queueLength }) => queueLength);
          return [candidates];
        },
        onRequestRouted: () => void heard.push("routed"),
        onNewQueueLength: (_, length) => void heard.push(`length ${length}`),
      },
      { given: { maxOngoingRequests: 10 } },
    );
    for (let i = 0; i < 3; i++) t.send();
    t.sent.forEach((each, index) => {
      each.onEntered!(false, index + 1);
    });
    expect(heard).toEqual(["length 1", "routed", "length 2", "routed", "length 3", "routed"]);
    t.answer(t.sent[0]!);
    t.answer(t.sent[1]!);
    t.sent[2]!.onAccepted(head({ ongoing: 3 }));
    t.send();
    // What was said when there were three more is no news of others.
    expect(lengths).toEqual([1]);
    expect(heard).toHaveLength(6);
  });

  it("is told of a replica's end once, however many requests were there", async () => {
    const died: string[] = [];
    const t = await setUp(["a", "b"], {
      chooseReplicas: only("a", "b"),
      onReplicaDied: ({ id }) => void died.push(id),
    });
    t.send();
    t.send();
    for (const each of t.sent.slice(0, 2)) each.onFailed({ kind: "unreachable", gone: true, error: "e" });
    expect([t.to(), died]).toEqual(["a a b b", ["a"]]);
  });

  it("is told when there are other replicas, and asked anew for those that wait", async () => {
    const updates: string[] = [];
    const t = await setUp(["a"], {
      updateReplicas: (replicas) => void updates.push(replicas.map(({ id }) => id).join(" ")),
      chooseReplicas: only("b"),
    });
    t.send();
    expect(t.sent).toHaveLength(0);
    t.apply(["a", "b"]);
    expect(t.to()).toBe("b");
    expect(updates).toEqual(["a", "a b"]);
  });

  it("keeps what it knows when the table changes otherwise, and begins anew with other arguments", async () => {
    const begun: unknown[] = [];
    const updates: string[] = [];
    const t = await setUp(
      ["a"],
      {
        begin: (kwargs) => void begun.push(kwargs["size"]),
        updateReplicas: (replicas) => void updates.push(replicas.map(({ id }) => id).join(" ")),
        chooseReplicas: only("a"),
      },
      {
        kwargs: { size: 1 },
      },
    );
    t.apply(["a"], { maxOngoingRequests: 3 });
    await settled();
    expect([begun, updates]).toEqual([[1], ["a"]]);
  });
});

describe("a request router that fails", () => {
  const nonsense: [string, unknown][] = [
    ["nothing", undefined],
    ["a text", "a"],
    ["a list of replicas", [{}]],
    ["lists of what are no candidates", [[{ id: "a" }]]],
    ["lists of nothing", [[null]]],
  ];
  it.each(nonsense)("leaves a request to the power of two choices where it answers %s", async (_, answer) => {
    const t = await setUp(["a"], { chooseReplicas: () => answer as never });
    t.send();
    expect(t.to()).toBe("a");
    expect(t.faults).toMatchObject([
      {
        ...{ application: "app", deployment: "d", router: "./r.ts:Router", reason: "nonsense" },
        error: "chooseReplicas must return a list of lists of its candidates",
      },
    ]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("one\ntwo");
      },
    ],
    ["rejects", () => Promise.reject(new Error("one\ntwo"))],
  ] as [string, Choose][])("does so where it %s, which is told in one line", async (_, chooseReplicas) => {
    const t = await setUp(["a"], { chooseReplicas });
    t.send();
    await settled();
    expect(t.to()).toBe("a");
    expect(t.faults.map(({ reason, error }) => [reason, error])).toEqual([["error", "Error: one"]]);
  });

  it("does so where what it throws cannot even be looked at", async () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
        getPrototypeOf: () => {
          throw new Error("no");
        },
      },
    );
    const t = await setUp(["a"], {
      chooseReplicas: () => {
        throw hostile;
      },
    });
    t.send();
    expect(t.to()).toBe("a");
    expect(t.reasons()).toEqual(["error"]);
  });

  it("does so after a second where it hangs, and is left alone for a while, so that nothing queues up", async () => {
    let asks = 0;
    const t = await setUp(["a", "b", "c"], {
      chooseReplicas: () => {
        asks += 1;
        return new Promise(() => {});
      },
    });
    t.send();
    t.pass(999);
    expect(t.sent).toHaveLength(0);
    t.pass(1);
    expect(t.sent).toHaveLength(1);
    t.send();
    expect([t.sent.length, asks, t.reasons()]).toEqual([2, 1, ["late", "late"]]);
    t.pass(5_000);
    t.send();
    expect([t.sent.length, asks]).toEqual([2, 2]);
    t.pass(1_000);
    expect(t.sent).toHaveLength(3);
  });

  it("is not waited for as long as for its code where it hangs at the first request", async () => {
    const path = join(tempDir(), "app.mjs");
    writeFileSync(path, BUNDLE);
    const name = `r${names++}`;
    let asks = 0;
    const chooseReplicas = (): Promise<never> => {
      asks += 1;
      return new Promise(() => {});
    };
    routers.set(name, { chooseReplicas });
    const faults: RouterFault[] = [];
    const t = scriptedRouter({ next: () => 0 }, undefined, undefined, undefined, (fault) => faults.push(fault));
    t.apply(["a"], { maxOngoingRequests: 5, requestRouting: routingOf(path, "Router", { name }) });
    t.send();
    await vi.waitFor(() => expect(asks).toBe(1), 20_000);
    t.pass(999);
    expect(t.sent).toHaveLength(0);
    t.pass(1);
    expect([t.to(), faults.map(({ error }) => error)]).toEqual(["a", ["chooseReplicas took longer than 1000 ms"]]);
  });

  it("keeps requests waiting for its code once, not each of them, where that is never there", () => {
    const path = join(tempDir(), "app.mjs");
    writeFileSync(path, "await new Promise(() => {}); export class Router { chooseReplicas() {} }");
    const faults: RouterFault[] = [];
    const t = scriptedRouter({ next: () => 0 }, undefined, undefined, undefined, (fault) => faults.push(fault));
    t.apply(["a"], { maxOngoingRequests: 1_000, requestRouting: routingOf(path, "Router") });
    for (let i = 0; i < 100; i++) t.send();
    t.pass(9_999);
    expect(t.sent).toHaveLength(0);
    t.pass(1);
    expect(t.sent).toHaveLength(100);
    t.send();
    expect(t.sent).toHaveLength(101);
    expect(faults.at(-1)).toMatchObject({ reason: "late", error: "loading it took longer than 10000 ms" });
  });

  it("does so where its answer cannot be read, given at once or later", async () => {
    const answer = (): never => Object.defineProperty([], 0, { get: () => fail(), enumerable: true }) as never;
    const fail = (): never => {
      throw new Error("no");
    };
    for (const chooseReplicas of [answer, () => Promise.resolve(answer())]) {
      const t = await setUp(["a"], { chooseReplicas });
      t.send();
      await settled();
      expect([t.to(), t.faults.map(({ error }) => error)]).toEqual(["a", ["Error: no"]]);
    }
  });

  it("does so where the export is no router, or the module cannot be loaded", async () => {
    const t = await setUp(["a"], {}, { exportName: "notAClass" });
    t.send();
    await settled();
    expect(t.to()).toBe("a");
    expect(t.faults[0]).toMatchObject({
      reason: "load",
      error: 'Error: "./r.ts:Router" is no class with a method chooseReplicas(candidates, request)',
    });
    const broken = await setUp(["a"], {}, { bundle: 'throw new Error("at the top");' });
    broken.send();
    expect(broken.to()).toBe("a");
    expect(broken.faults[0]).toMatchObject({ reason: "load", error: "Error: at the top" });
    const badState = await setUp(["a"], { begin: () => Promise.reject(new Error("no state")) } as never);
    badState.send();
    expect(badState.faults[0]).toMatchObject({ reason: "load", error: "Error: no state" });
  });

  it("takes a class whose method is a field", async () => {
    const bundle = `export class Router {
      initializeState(kwargs) { globalThis.routersUnderTest.set(kwargs.name, this); }
      chooseReplicas = (candidates) => [candidates];
    }`;
    const t = await setUp(["a"], {}, { bundle });
    t.send();
    await settled();
    expect([t.to(), t.faults]).toEqual(["a", []]);
  });

  it("harms no request where its hooks throw", async () => {
    const fail = (): never => {
      throw new Error("hook");
    };
    const hooks = { onRequestRouted: fail, onRequestCompleted: fail, onReplicaDied: fail, onNewQueueLength: fail };
    const t = await setUp(["a"], { chooseReplicas: (candidates) => [candidates], ...hooks });
    const outcome = t.send();
    t.sent[0]!.onAccepted(head({ ongoing: 1 }));
    t.sent[0]!.onEnd();
    expect(outcome.state).toBe("ended");
    expect(t.faults.map(({ reason, error }) => `${reason} ${error}`)).toEqual([
      "hook onNewQueueLength: Error: hook",
      "hook onRequestRouted: Error: hook",
      "hook onRequestCompleted: Error: hook",
    ]);
  });

  it("has a client that leaves meanwhile leave nothing behind", async () => {
    const t = await setUp(["a"], { chooseReplicas: () => new Promise(() => {}) });
    t.send().cancel();
    expect(t.target.queued).toBe(0);
    t.pass(10_000);
    expect(t.sent).toHaveLength(0);
  });
});

describe("the helpers", () => {
  const replica = (id: string, modelIds: string[] = [], hasRoom = true) =>
    ({ id, modelIds, hasRoom, queueLength: 0, maxOngoingRequests: 1, routingStats: {} }) satisfies RoutableReplica;
  const all = [replica("a", ["x", "y"]), replica("b", ["m"]), replica("c", ["x"]), replica("d", [], false)];
  const idsOf = (ranks: readonly (readonly RoutableReplica[])[]) =>
    ranks.map((rank) => rank.map(({ id }) => id).join(""));

  it("rank by models: who has it, who has the fewest, the rest", () => {
    expect(idsOf(rankByModels(all, "m"))).toEqual(["b", "d", "ac"]);
    expect(idsOf(rankByModels(all, "new"))).toEqual(["d", "abc"]);
    expect(idsOf(rankByModels(all, ""))).toEqual(["abcd"]);
    expect(idsOf(rankByModels([], "m"))).toEqual([]);
  });

  it("rank by locality: there is one machine; and select who has room", () => {
    expect(idsOf(rankByLocality(all))).toEqual(["abcd"]);
    expect(idsOf([selectAvailable(all)])).toEqual(["abc"]);
  });
});
