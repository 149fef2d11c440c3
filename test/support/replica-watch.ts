import { keys, type ReplicaRecord } from "../../src/controller/records.ts";
import { isRoutable } from "../../src/controller/replica-state.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";

/** A deployment's replicas while they are watched. */
export interface Extremes {
  /** The most that were live, those that stop or wait not counted. */
  mostLive: number;
  /** The least that served. */
  leastServing: number;
}

/** A memory store that knows, after each transaction, how many replicas of each deployment there are. */
export interface WatchedStore {
  readonly store: Store;
  /** Forgets the extremes; what is there now does not count. */
  forget(): void;
  extremes(application: string, deployment: string): Extremes;
}

/** Makes one. */
export function watchedStore(): WatchedStore {
  const replicas = new Map<string, Map<string, ReplicaRecord>>();
  let seen = new Map<string, Extremes>();
  const inner = createMemoryStore();
  const note = (): void => {
    for (const [deployment, records] of replicas) {
      const all = [...records.values()];
      const live = all.filter(({ state }) => state.kind !== "stopping" && state.kind !== "waiting").length;
      const serving = all.filter(({ state }) => isRoutable(state)).length;
      const before = seen.get(deployment) ?? { mostLive: 0, leastServing: Infinity };
      seen.set(deployment, {
        mostLive: Math.max(before.mostLive, live),
        leastServing: Math.min(before.leastServing, serving),
      });
    }
  };
  const store = new Proxy(inner, {
    get(target, property) {
      if (property === "txn") {
        return async (...args: Parameters<Store["txn"]>) => {
          const result = await target.txn(...args);
          for (const op of args[1]) {
            if (!op.key.startsWith("replica/")) continue;
            const deployment = op.key.slice("replica/".length, op.key.lastIndexOf("/"));
            const records = replicas.get(deployment) ?? new Map<string, ReplicaRecord>();
            replicas.set(deployment, records);
            if (op.kind === "put") records.set(op.key, JSON.parse(op.value) as ReplicaRecord);
            else records.delete(op.key);
          }
          note();
          return result;
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    store,
    forget: () => {
      seen = new Map();
    },
    extremes: (application, deployment) =>
      seen.get(keys.deployment(application, deployment).slice("deployment/".length)) ?? {
        mostLive: 0,
        leastServing: Infinity,
      },
  };
}
