/** What routers are told of the records, and which replicas wait until all of them know. */

import type { LoggingInForce } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { Store } from "../store/store.ts";
import type { ReplicaRecord } from "./records.ts";
import type { RouteHub } from "./route-hub.ts";
import { type SamplingChange, TableKeeper } from "./table-keeper.ts";
import { Unrouting } from "./unrouting.ts";
import type { World, Write } from "./world.ts";

/** What it needs of the controller. */
export interface RoutePublisherOptions {
  readonly routes: RouteHub;
  readonly store: Store;
  readonly clock: Clock;
  /** See there in the reconciler's. */
  readonly onLogging?: (logging: LoggingInForce | null) => void;
}

/** Publishes the routing table of a world; what a change costs is what it touches. */
export class RoutePublisher {
  readonly #o: RoutePublisherOptions;
  readonly #world: World;
  readonly #keeper: TableKeeper;
  readonly #unrouting = new Unrouting();

  constructor(world: World, options: RoutePublisherOptions) {
    this.#o = options;
    this.#world = world;
    this.#keeper = new TableKeeper(world);
  }

  /** The world was read from the store. */
  recovered(): void {
    this.#publish(this.#keeper.rebuild());
    for (const replica of this.#world.replicas.values()) this.#note(replica.id, replica);
  }

  /** These writes are durable, and in the world. */
  written(writes: readonly Write[]): void {
    if (writes.length === 0) return;
    this.#publish(this.#keeper.take(writes.map(({ key }) => key)));
    for (const { key, value } of writes) {
      if (!key.startsWith("replica/")) continue;
      this.#note(key.slice(key.lastIndexOf("/") + 1), value as ReplicaRecord | null);
    }
  }

  /** Ids of the replicas that no router knows any more, or that waited too long for that; each is told once. */
  takeUnrouted(): string[] {
    if (this.#unrouting.size === 0) return [];
    return this.#unrouting.done(this.#o.routes.appliedEverywhere(), this.#o.clock.now());
  }

  /** When there will be some although no router says anything, epoch ms; Infinity: never. */
  wakeAt(): number {
    return this.#unrouting.wakeAt();
  }

  /** Whether any replica waits for routers. */
  get waits(): boolean {
    return this.#unrouting.size > 0;
  }

  #publish(sampling: readonly SamplingChange[]): void {
    const { routes, store, onLogging } = this.#o;
    const { table } = this.#keeper;
    routes.publish(Math.max(1, store.revision), table, sampling);
    onLogging?.(table.logging ?? null);
  }

  #note(id: string, replica: ReplicaRecord | null): void {
    this.#unrouting.note(id, replica, this.#o.routes.latest.revision, this.#o.clock.now());
  }
}
