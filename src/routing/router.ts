/**
 * Places requests on replicas: for proxies and for handles inside replicas. Follows the routing table, keeps exact
 * counts of its own requests, queues what no replica can take (docs/wire.md says what may be sent twice).
 */
import type { RoutingTable } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { ReplicaChannel } from "./channel.ts";
import { DeploymentQueue, type LoadWatcher, type RouterContext, type RouterFault } from "./deployment-queue.ts";
import { modelWaitMs as defaultModelWaitMs, Models } from "./models.ts";
import type { RouterCall, RouterReceiver } from "./outcome.ts";
import { Placement, type RouterRequest } from "./placement.ts";
import type { RouterEvents } from "./router-events.ts";
import type { RouterMetrics } from "./router-metrics.ts";
import { SESSION_HEADER } from "./session.ts";

export type { ResponseHead } from "./channel.ts";
export type { RouterFault } from "./deployment-queue.ts";
export type { RouterCall, RouterFailure, RouterReceiver } from "./outcome.ts";
export type { RouterRequest } from "./placement.ts";

/** A deployment as requests are addressed to it; stays good over tables. Get it from {@link Router.target}. */
export type RouterTarget = Pick<
  DeploymentQueue,
  | "application"
  | "deployment"
  | "queued"
  | "ongoing"
  | "split"
  | "used"
  | "replicas"
  | "running"
  | "ejected"
  | "reserved"
>;

/** The models that a replica has or loads (windlass.runtime.v1.ReplicaModels). */
export interface ReplicaModels {
  readonly replicaId: string;
  readonly modelIds: readonly string[];
  /** What its `recordRoutingStats()` returned last, as JSON; empty or absent: nothing. */
  readonly routingStatsJson?: string;
}

/** What a router needs. */
export interface RouterOptions {
  readonly channel: ReplicaChannel;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears what the autoscaler must know soon. */
  readonly watcher?: LoadWatcher | undefined;
  /** Hears of what else it decides. */
  readonly events?: RouterEvents | undefined;
  /** How long a request waits for a replica that has its model before another loads it. Default 1000 ms. */
  readonly modelWaitMs?: number | undefined;
  /** The header that names a request's session. Default `x-session-id`. */
  readonly sessionHeader?: string | undefined;
  /** Hears of each request that a user's request router failed. Must not throw. */
  readonly onRouterFault?: ((fault: RouterFault) => void) | undefined;
  /** What it counts with; absent: nothing is counted. */
  readonly metrics?: RouterMetrics | undefined;
}

/** Places requests; one for each process that sends any. */
export class Router {
  readonly #context: RouterContext;
  readonly #queues = new Map<string, DeploymentQueue>();
  #hasTable = false;
  #sequence = 0;
  readonly #unwatch: (() => void) | undefined;

  constructor(options: RouterOptions) {
    const { modelWaitMs = defaultModelWaitMs({}) } = options;
    this.#context = {
      ...options,
      models: new Models(),
      modelWaitMs,
      stats: new Map(),
      sessionHeader: options.sessionHeader ?? SESSION_HEADER,
    };
    this.#unwatch = options.metrics?.watch(() => this.#queues.values());
  }

  /** The header that names a request's session. */
  get sessionHeader(): string {
    return this.#context.sessionHeader;
  }

  /** Whether a table has come. */
  get ready(): boolean {
    return this.#hasTable;
  }

  /** Replaces the table. When it returns, no new request goes to a replica that the table does not have. */
  apply(table: Pick<RoutingTable, "deployments">): void {
    this.#hasTable = true;
    const gone = new Set(this.#queues.values());
    for (const targets of table.deployments) {
      const queue = this.#queueOf(targets.application, targets.deployment);
      gone.delete(queue);
      queue.apply(targets);
    }
    for (const queue of gone) {
      queue.apply(undefined);
      this.#queues.delete(key(queue.application, queue.deployment));
    }
  }

  /** Takes what replicas told of their models. `whole`: of those that are not in the table nothing holds any more. */
  applyModels(told: readonly ReplicaModels[], whole: boolean): void {
    const { models, clock, stats } = this.#context;
    for (const { replicaId, modelIds, routingStatsJson = "" } of told) {
      models.tell(replicaId, modelIds, clock.monotonic());
      if (routingStatsJson !== "") stats.set(replicaId, JSON.parse(routingStatsJson) as Record<string, unknown>);
    }
    models.hear();
    if (whole) {
      const present = new Set([...this.#queues.values()].flatMap((queue) => queue.replicaIds()));
      models.keep(present);
      for (const id of stats.keys()) if (!present.has(id)) stats.delete(id);
    }
    // Who waits for a model may find it elsewhere now.
    for (const queue of this.#queues.values()) queue.pump();
  }

  /** Nobody passes on what replicas tell of their models, until {@link applyModels} is called again. */
  withoutModels(): void {
    const { models, clock } = this.#context;
    models.goBlind(clock.monotonic());
  }

  /** Before the first table any name is good, and its requests wait. */
  target(application: string, deployment: string): RouterTarget {
    return this.#queueOf(application, deployment);
  }

  /**
   * Sends a request. The receiver may hear of a refusal before this returns. Expected failures are outcomes, never
   * exceptions.
   */
  send(target: RouterTarget, request: RouterRequest, receiver: RouterReceiver): RouterCall {
    let queue = target as DeploymentQueue;
    // A deployment that went and came back has a queue of its own.
    if (queue.absent) queue = this.#queues.get(key(queue.application, queue.deployment)) ?? queue;
    const nowMs = this.#context.clock.monotonic();
    queue.counts(nowMs);
    queue.metrics?.asked(request.route ?? "");
    this.#sequence += 1;
    const placement = new Placement(queue, request, receiver, this.#sequence, nowMs);
    placement.begin();
    return placement;
  }

  /** Load of each deployment: what waits here and what this router has in replicas. */
  *load(): Iterable<RouterTarget> {
    yield* this.#queues.values();
  }

  /** Fails what waits and breaks what runs. */
  async close(): Promise<void> {
    this.#unwatch?.();
    for (const queue of this.#queues.values()) queue.close();
    await this.#context.channel.close();
  }

  #queueOf(application: string, deployment: string): DeploymentQueue {
    const name = key(application, deployment);
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new DeploymentQueue(application, deployment, this.#context);
      if (this.#hasTable) queue.apply(undefined);
      this.#queues.set(name, queue);
    }
    return queue;
  }
}

function key(application: string, deployment: string): string {
  return `${application}\0${deployment}`;
}
