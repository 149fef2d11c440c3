// Readers of the feed that are slow, stuck, cut and resumed while it is written to and compacted, in random schedules:
// each stream keeps every promise of docs/feeds.md.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFeed } from "../../src/api/feed.ts";
import type { FeedScope, ResourceKind } from "../../src/api/feed-scope.ts";
import { inScope, resourceOf } from "../../src/api/feed-scope.ts";
import { keys } from "../../src/controller/records.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Op } from "../../src/store/store.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put, replicaRecord } from "../support/fake-controller.ts";
import { type Reading, readFeed } from "../support/feed-reader.ts";
import {
  checkHistory,
  completeRevision,
  type Segment,
  type StreamLog,
  type Written,
} from "../support/history-checker.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const ALL: ReadonlySet<ResourceKind> = new Set(["instance", "application", "deployment", "replica"]);
const SCOPES: readonly FeedScope[] = [
  { kinds: ALL, under: undefined },
  { kinds: ALL, under: "applications/a" },
  { kinds: ALL, under: "applications/a/deployments/D" },
  { kinds: new Set(["replica"]), under: "applications/b" },
  { kinds: new Set(["application"]), under: ["applications/a", "applications/c"] },
  { kinds: new Set(["deployment"]), under: undefined },
];

type Step =
  | { readonly kind: "write"; readonly ops: readonly Target[] }
  | { readonly kind: "stall" | "take" | "flow" | "cut"; readonly reader: number }
  | {
      readonly kind: "open";
      readonly reader: number;
      readonly scope: number;
      readonly from: "start" | "complete" | "early" | "future";
    }
  | { readonly kind: "compact"; readonly back: number }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "settle" };

interface Target {
  readonly what: "application" | "deployment" | "replica" | "instance" | "hidden" | "quiet";
  readonly app: "a" | "b" | "c";
  /** 0 deletes; equal numbers are equal states. */
  readonly value: number;
}

const target = fc.record({
  what: fc.constantFrom("application", "deployment", "replica", "replica", "instance", "hidden", "quiet"),
  app: fc.constantFrom("a", "b", "c"),
  value: fc.integer({ min: 0, max: 3 }),
}) as fc.Arbitrary<Target>;
const reader = fc.integer({ min: 0, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      ops: fc.array(target, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("stall", "take", "flow", "cut"), reader }) as fc.Arbitrary<Step>,
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      reader,
      scope: fc.integer({ min: 0, max: SCOPES.length - 1 }),
      from: fc.constantFrom("start", "complete", "complete", "early", "future"),
    }) as fc.Arbitrary<Step>,
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 25_000 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
);

/** A reader over all its connections. */
interface Reader {
  readonly scope: FeedScope;
  readonly segments: Segment[];
  now: Reading | undefined;
}

function opOf({ what, app, value }: Target): Op {
  const gone = value === 0;
  const message = `state ${value}`;
  switch (what) {
    case "application":
      return gone
        ? { kind: "delete", key: keys.application(app) }
        : put.application(applicationRecord(app, { message }));
    case "deployment":
      return gone
        ? { kind: "delete", key: keys.deployment(app, "D") }
        : put.deployment(deploymentRecord(app, "D", { message }));
    case "replica": {
      const process = { pid: value, startTime: "1", bootId: "b" };
      return gone
        ? { kind: "delete", key: keys.replica(app, "D", "r") }
        : put.replica(replicaRecord(app, "D", "r", { process }));
    }
    case "instance":
      return put.instance(instanceRecord({ updatedAt: value }));
    case "hidden":
      return { kind: "put", key: keys.journal(value), value: app };
    case "quiet":
      return { kind: "put", key: `autoscaling/${app}/D`, value: String(value), quiet: true };
  }
}

/** What a change is to the checker: the same text as `readFeed` gives it. */
function contentOf(name: string, value: string | undefined): string | undefined {
  if (name === "instance") return "";
  if (value === undefined) return undefined;
  const record = JSON.parse(value) as { message?: string; process?: { pid: number } | null };
  return record.message ?? String(record.process?.pid);
}

async function run(steps: readonly Step[]): Promise<void> {
  const clock = new VirtualClock();
  const store = createMemoryStore({ watchLimits: { queuedBatches: 2, pageRevisions: 2 } });
  await store.txn([], [put.instance(instanceRecord())]);
  const feed = createFeed(store, clock, { keptRevisions: 4, sliceMs: 0 });
  const written: Written[] = [];
  const end = store.onCommit({
    committed({ revision, changes }) {
      const visible = changes.flatMap(({ key, value }): [string, string | undefined][] => {
        const resource = resourceOf(key);
        return resource === undefined ? [] : [[resource.name, contentOf(resource.name, value)]];
      });
      written.push({ revision, changes: new Map(visible) });
    },
    closed() {},
  });
  const readers = new Map<number, Reader>();
  const all: Reader[] = [];

  const hangUp = async (one: Reader | undefined): Promise<void> => {
    if (one?.now === undefined) return;
    one.now.cut();
    await one.now.ended;
    one.segments.push(one.now.segment());
    one.now = undefined;
  };

  async function open({ reader: number, scope, from }: Extract<Step, { kind: "open" }>): Promise<void> {
    let one = readers.get(number);
    await hangUp(one);
    const complete = one?.segments.length ? Math.max(...one.segments.map(completeRevision)) : 0;
    if (from === "future") {
      const request = { scope: SCOPES[scope]!, startRevision: store.revision + 1, revealEnv: false };
      expect(await readFeed(feed, request).ended).toMatchObject({ reason: "HISTORY_COMPACTED" });
      return;
    }
    const startRevision = from === "start" ? 0 : from === "early" ? Math.floor(complete / 2) : complete;
    if (one === undefined || startRevision === 0) {
      one = { scope: SCOPES[scope]!, segments: [], now: undefined };
      readers.set(number, one);
      all.push(one);
    }
    one.now = readFeed(feed, { scope: one.scope, startRevision, revealEnv: false });
    if (startRevision === 0 || startRevision >= store.compactedRevision) return;
    expect(await one.now.ended).toMatchObject({ name: "CompactedError" });
  }

  for (const next of steps) {
    switch (next.kind) {
      case "write": {
        const ops = new Map(next.ops.map((each) => [opOf(each).key, opOf(each)]));
        await store.txn([], [...ops.values()]);
        break;
      }
      case "open":
        await open(next);
        break;
      case "cut":
        await hangUp(readers.get(next.reader));
        break;
      case "stall":
      case "take":
      case "flow":
        readers.get(next.reader)?.now?.[next.kind]();
        break;
      case "compact":
        await store.compact(Math.max(0, store.revision - next.back));
        break;
      case "time":
        await clock.advance(next.ms);
        break;
      case "settle":
        for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
        break;
    }
  }
  // In the end everyone reads, and must have come to the end, or have been told that it cannot.
  for (const one of all) one.now?.flow();
  await store.txn([], [{ kind: "put", key: keys.journal(9), value: "end" }]);
  for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve));
  const streams = all.map((one, n): StreamLog => {
    const { scope } = one;
    const covers = (name: string): boolean => {
      const resource = resourceOf(keyOf(name));
      return resource !== undefined && inScope(scope, resource);
    };
    const live = one.now !== undefined && one.now.failure === undefined;
    if (one.now?.failure !== undefined) expect(one.now.failure).toMatchObject({ name: "CompactedError" });
    if (one.now !== undefined) one.segments.push(one.now.segment());
    const id = `${n} ${JSON.stringify([...scope.kinds])} ${scope.under}`;
    return { id, scope: id.slice(2), covers, segments: one.segments, ...(live && { reachedRevision: store.revision }) };
  });
  expect(checkHistory({ before: new Map([["instance", ""]]), written }, streams)).toEqual([]);
  feed.close();
  await Promise.all(all.map(({ now }) => now?.ended));
  end();
  expect(feed.active).toBe(0);
}

function keyOf(name: string): string {
  const [, application, , deployment, , replica] = name.split("/");
  if (application === undefined) return "instance";
  if (deployment === undefined) return `application/${application}`;
  return replica === undefined
    ? `deployment/${application}/${deployment}`
    : `replica/${application}/${deployment}/${replica}`;
}

describe("the feed, whatever its readers do", () => {
  it("keeps all its promises to each of them", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), run), { numRuns: 300, seed: 7 });
  });
});
