/** How calls of users' recordAutoscalingStats went, over all replicas of a deployment. */
import type { StatsCalls } from "../engine/engine.ts";

/** What replicas have told; changed in place by {@link noteCalls}. */
export interface CallStats {
  /** How long the last call took that was told of; null: none was. */
  latencyMs: number | null;
  /** Failed calls by the name of the error, those of replicas that are gone among them. */
  readonly failures: Map<string, number>;
  /** What each replica told last. */
  readonly told: Map<string, ReadonlyMap<string, number>>;
}

/** Nothing was told yet. */
export function newCallStats(): CallStats {
  return { latencyMs: null, failures: new Map(), told: new Map() };
}

/** Takes in what a replica tells of all its calls until now. */
export function noteCalls(stats: CallStats, replica: string, { latencyMs, failures }: StatsCalls): void {
  stats.latencyMs = latencyMs;
  const before = stats.told.get(replica);
  for (const [name, count] of failures) {
    const more = Math.max(0, count - (before?.get(name) ?? 0));
    stats.failures.set(name, (stats.failures.get(name) ?? 0) + more);
  }
  stats.told.set(replica, failures);
}
