// Sends the calls for a shelf to the replicas that have it, and lets no more than `spread` of them fetch it.
import type { PendingRequest, ReplicaRanks, RequestRouter, RoutableReplica } from "windlass";

export class ShelfRouter implements RequestRouter {
  #spread = 1;
  /** Where this process sent calls for a shelf, before replicas told of it. */
  readonly #sent = new Map<string, Set<string>>();

  initializeState({ spread }: Readonly<Record<string, unknown>>): void {
    if (typeof spread === "number") this.#spread = spread;
  }

  chooseReplicas(candidates: readonly RoutableReplica[], { args }: PendingRequest): ReplicaRanks {
    const shelf = String(args[0]);
    const sent = this.#sent.get(shelf);
    const home = candidates.filter(
      ({ id, routingStats }) => sent?.has(id) || (routingStats["shelves"] as string[] | undefined)?.includes(shelf),
    );
    if (home.length >= this.#spread) return [home];
    return [home, candidates];
  }

  onRequestRouted({ args }: PendingRequest, { id }: RoutableReplica): void {
    const shelf = String(args[0]);
    const sent = this.#sent.get(shelf) ?? new Set();
    this.#sent.set(shelf, sent.add(id));
  }

  updateReplicas(replicas: readonly RoutableReplica[]): void {
    const present = new Set(replicas.map(({ id }) => id));
    for (const sent of this.#sent.values()) for (const id of sent) if (!present.has(id)) sent.delete(id);
  }
}
