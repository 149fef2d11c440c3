/**
 * What replicas tell of themselves that nothing is decided on: their models, for routers, and what they counted; and what
 * proxies counted.
 */
import type { ReplicaName, ReplicaWordSink } from "../engine/engine.ts";
import type { MetricFamily } from "../observability/metric-set.ts";
import type { ProxyMetrics, ReplicaMetrics } from "../observability/replica-metrics.ts";
import type { ReplicaModels } from "./controller.ts";

/** See the file's comment. In memory alone: a replica tells it again to the next controller. */
export class ReplicaWords implements ReplicaWordSink {
  readonly #models = new Map<string, ReplicaModels & { readonly version: number }>();
  readonly #metrics = new Map<string, ReplicaMetrics>();
  readonly #proxies = new Map<string, ProxyMetrics>();
  readonly #onModels: () => void;
  #version = 0;

  /** `onModels` is called when there are new ones. */
  constructor(onModels: () => void) {
    this.#onModels = onModels;
  }

  /** Grows with each word on models. */
  get version(): number {
    return this.#version;
  }

  /** What was told of models after a version. */
  modelsSince(version: number): ReplicaModels[] {
    if (version >= this.#version) return [];
    return [...this.#models.values()].filter((told) => told.version > version);
  }

  /** The newest word of each replica on what it counted. */
  metrics(): readonly ReplicaMetrics[] {
    return [...this.#metrics.values()];
  }

  /** The newest word of each proxy on what it counted. */
  proxyMetrics(): readonly ProxyMetrics[] {
    return [...this.#proxies.values()];
  }

  proxyTold(id: string, families: readonly MetricFamily[]): void {
    this.#proxies.set(id, { id, families });
  }

  proxyGone(id: string): void {
    this.#proxies.delete(id);
  }

  modelsTold({ application, id }: ReplicaName, modelIds: readonly string[]): void {
    if (modelIds.length === 0 && !this.#models.has(id)) return;
    this.#version += 1;
    const { routingStatsJson } = this.#models.get(id) ?? {};
    const stats = routingStatsJson === undefined ? {} : { routingStatsJson };
    this.#models.set(id, { application, replicaId: id, modelIds, ...stats, version: this.#version });
    this.#onModels();
  }

  routingStatsTold({ application, id }: ReplicaName, routingStatsJson: string): void {
    this.#version += 1;
    const { modelIds = [] } = this.#models.get(id) ?? {};
    this.#models.set(id, { application, replicaId: id, modelIds, routingStatsJson, version: this.#version });
    this.#onModels();
  }

  metricsTold(replica: ReplicaName, families: readonly MetricFamily[]): void {
    this.#metrics.set(replica.id, { ...replica, families });
  }

  /** Routers forget it by its absence from the table. */
  replicaGone({ id }: ReplicaName): void {
    this.#models.delete(id);
    this.#metrics.delete(id);
  }
}
