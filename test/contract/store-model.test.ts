import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { ChangeBatch, Compare, KeyValue, Op, Store, TxnResult } from "../../src/store/store.ts";

const KEYS = ["", "a", "a/1", "a/2", "b", "b/\uffff", "b/\u{10000}"];
const LIMITS = { queuedBatches: 2, queuedChars: 12, pageRevisions: 3 };

/** `guess`: which modRevision a compare names: the present one, none, or the one before the present. */
interface Step {
  readonly compares: readonly { readonly key: string; readonly guess: "present" | "absent" | "stale" }[];
  readonly ops: readonly Op[];
}

/** Transactions that are sent together, and what happens before them. */
interface Round {
  readonly before: "nothing" | "reopen" | "compact";
  readonly steps: readonly Step[];
}

const key = fc.constantFrom(...KEYS);
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value: fc.string({ unit: "binary", maxLength: 6 }) }),
  fc.record({ kind: fc.constant("delete" as const), key }),
);
const step: fc.Arbitrary<Step> = fc.record({
  compares: fc.array(
    fc.record({
      key,
      guess: fc.oneof({ weight: 6, arbitrary: fc.constant("present" as const) }, fc.constantFrom("absent", "stale")),
    }),
    { maxLength: 2 },
  ),
  ops: fc.uniqueArray(op, { maxLength: 4, selector: (one) => one.key }),
});
const rounds: fc.Arbitrary<Round[]> = fc.array(
  fc.record({
    before: fc.oneof({ weight: 4, arbitrary: fc.constant("nothing" as const) }, fc.constantFrom("reopen", "compact")),
    steps: fc.array(step, { maxLength: 8 }),
  }),
  { maxLength: 8 },
);
/** After how many batches a reader lets go and resumes; the last one repeats. */
const pauses = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 });

it.each([
  { name: "memory", runs: 300, open: async () => createMemoryStore({ watchLimits: LIMITS }), durable: false },
  {
    name: "embedded",
    runs: 60,
    open: (dir: string) => openEmbeddedStore({ path: join(dir, "s.db"), watchLimits: LIMITS }),
    durable: true,
  },
])(
  "the $name store and a plain map agree on random transactions, and readers that resume miss nothing",
  async (driver) => {
    await fc.assert(
      fc.asyncProperty(rounds, pauses, fc.constantFrom("", "a", "a/", "b/", "none"), async (plan, stops, prefix) => {
        const dir = mkdtempSync(join(tmpdir(), "wl-"));
        let store = await driver.open(dir);
        try {
          const model = new Model();
          for (const round of plan) {
            if (round.before === "reopen" && driver.durable) {
              await store.close();
              store = await driver.open(dir);
            }
            if (round.before === "compact") {
              model.compacted = Math.max(model.compacted, Math.floor(model.revision / 2));
              await store.compact(Math.floor(model.revision / 2));
            }
            const live = readAll(store, model, prefix, stops);
            const sent = round.steps.map(({ compares, ops }) => {
              const named = compares.map((compare) => model.guess(compare));
              return { real: store.txn(named, ops), expected: model.apply(named, ops) };
            });
            for (const { real, expected } of sent) expect(await real).toEqual(expected);
            expect(await live(model.revision)).toEqual(model.history(prefix));
            expect([store.revision, store.compactedRevision]).toEqual([model.revision, model.compacted]);
            expect(store.range(prefix)).toEqual(model.range(prefix));
            for (const one of KEYS) expect(store.get(one)).toEqual(model.values.get(one));
          }
          expect(await readAll(store, model, prefix, stops)(model.revision)).toEqual(model.history(prefix));
        } finally {
          await store.close();
          rmSync(dir, { recursive: true, force: true });
        }
      }),
      { numRuns: driver.runs },
    );
  },
);

/** The port's rules on a plain map. */
class Model {
  readonly values = new Map<string, KeyValue>();
  readonly log: ChangeBatch[] = [];
  compacted = 0;

  get revision(): number {
    return this.log.length;
  }

  guess({ key: name, guess }: Step["compares"][number]): Compare {
    const present = this.values.get(name)?.modRevision ?? 0;
    return {
      key: name,
      modRevision: guess === "present" ? present : guess === "absent" ? 0 : Math.max(0, present - 1),
    };
  }

  apply(compares: readonly Compare[], ops: readonly Op[]): TxnResult {
    const failed = compares.find((compare) => (this.values.get(compare.key)?.modRevision ?? 0) !== compare.modRevision);
    if (failed) return { ok: false, revision: this.revision, conflict: failed.key };
    const modRevision = this.revision + 1;
    const effective = ops.filter((one) => one.kind === "put" || this.values.has(one.key));
    for (const one of effective) {
      const createRevision = this.values.get(one.key)?.createRevision ?? modRevision;
      if (one.kind === "delete") this.values.delete(one.key);
      else this.values.set(one.key, { key: one.key, value: one.value, createRevision, modRevision });
    }
    const changes = effective.map((one) => ({ key: one.key, value: one.kind === "put" ? one.value : undefined }));
    this.log.push({ revision: modRevision, changes });
    return { ok: true, revision: modRevision };
  }

  range(prefix: string): KeyValue[] {
    const names = [...this.values.keys()].filter((name) => name.startsWith(prefix)).sort();
    return names.map((name) => this.values.get(name)!);
  }

  history(prefix: string): ChangeBatch[] {
    return this.log
      .slice(this.compacted)
      .map(({ revision, changes }) => ({
        revision,
        changes: changes.filter((change) => change.key.startsWith(prefix)),
      }))
      .filter((batch) => batch.changes.length > 0);
  }
}

/**
 * Reads from the compacted revision on, letting go and resuming at the last batch seen after each count of `stops`.
 * Call the result with the revision to read up to.
 */
function readAll(store: Store, model: Model, prefix: string, stops: readonly number[]) {
  const seen: ChangeBatch[] = [];
  const stop = new AbortController();
  let wanted = () => false;
  const reading = (async () => {
    let from = model.compacted;
    for (let turn = 0; !wanted() && !stop.signal.aborted; turn++) {
      let left = stops[Math.min(turn, stops.length - 1)]!;
      for await (const batch of store.watch(prefix, from, stop.signal)) {
        seen.push(batch);
        from = batch.revision;
        if (--left === 0 || wanted()) break;
      }
    }
  })();
  return async (upTo: number): Promise<ChangeBatch[]> => {
    const last = model.history(prefix).at(-1)?.revision ?? 0;
    wanted = () => (seen.at(-1)?.revision ?? 0) >= Math.min(last, upTo);
    // A reader that has all and waits for more would wait for ever.
    if (wanted()) stop.abort();
    await reading;
    return seen;
  };
}
