/** What users' request routers are given and give back. The SDK passes this on. */

/** A replica as a request router sees it. The same object for as long as the process knows the replica. */
export interface RoutableReplica {
  /** Unique within the instance. */
  readonly id: string;
  /** Requests it works on, as far as this process knows: its own exactly, those of others as last reported. */
  readonly queueLength: number;
  /** Requests it works on at once. */
  readonly maxOngoingRequests: number;
  /** Whether it would be sent a request now. */
  readonly hasRoom: boolean;
  /** Ids of the models that it has or loads, as it told. */
  readonly modelIds: readonly string[];
  /** What its `recordRoutingStats()` returned last; empty before. */
  readonly routingStats: Readonly<Record<string, unknown>>;
}

/** A request that a replica is looked for. The same object each time. */
export interface PendingRequest {
  /** Of the request, as in its header `x-request-id`; calls that are made for it have the same. */
  readonly requestId: string;
  /** A handle's call, or how it came in. */
  readonly kind: "http" | "call" | "websocket" | "grpc";
  /** Of HTTP; POST otherwise. */
  readonly method: string;
  /** With the query; `/<method>` of a call, `/<service>/<method>` of gRPC. */
  readonly path: string;
  /** The model it is for; empty: none. */
  readonly modelId: string;
  /** The session it belongs to; empty: none. */
  readonly sessionId: string;
  /** The value of a header or of metadata, by its name in lower case; undefined: there is none. */
  header(name: string): string | undefined;
  /** Arguments of a handle's call; else none. */
  readonly args: readonly unknown[];
  /** The body of an HTTP request that came in whole with its head (small ones do); undefined: another or none. */
  readonly body: Uint8Array | undefined;
  /** How often a replica was chosen for it before. */
  readonly attempt: number;
}

/** Replicas in the order of preference: of the first list that has one with room the least busy is taken. */
export type ReplicaRanks = readonly (readonly RoutableReplica[])[];

/**
 * Chooses replicas for the requests of one deployment, in each proxy and in each process that calls it. Named by
 * `request_router_config.request_router_class`; a class without arguments of its constructor. A request for which it
 * throws, answers nonsense or takes longer than a second goes where the power of two choices sends it.
 */
export interface RequestRouter {
  /** Called first, with `request_router_kwargs`. */
  initializeState?(kwargs: Readonly<Record<string, unknown>>): void | Promise<void>;
  /**
   * Ranks some of the candidates for a request. Where none of those has room, the request waits for one, and after a
   * pause (`initial_backoff_s` and so on) this is asked again.
   */
  chooseReplicas(candidates: readonly RoutableReplica[], request: PendingRequest): ReplicaRanks | Promise<ReplicaRanks>;
  /** The replicas are these from now on. */
  updateReplicas?(replicas: readonly RoutableReplica[]): void;
  /** A replica took a request in. */
  onRequestRouted?(request: PendingRequest, replica: RoutableReplica): void;
  /** A request that was sent is over at a replica, however it ended; exactly once each time one was sent. */
  onRequestCompleted?(replica: RoutableReplica, request: PendingRequest): void;
  /** A replica's process is gone. It leaves the candidates by the next `updateReplicas`. */
  onReplicaDied?(replica: RoutableReplica): void;
  /** A replica said how many requests it has. */
  onNewQueueLength?(replica: RoutableReplica, queueLength: number): void;
}

/** What a `request_router_class` is. */
export type RequestRouterClass = new () => RequestRouter;

/** Those that would be sent a request now. */
export function selectAvailable(replicas: readonly RoutableReplica[]): RoutableReplica[] {
  return replicas.filter(({ hasRoom }) => hasRoom);
}

/** All in one rank: replicas run on one machine. */
export function rankByLocality(replicas: readonly RoutableReplica[]): RoutableReplica[][] {
  return [[...replicas]];
}

/** First those that have a model, then those with the fewest models, then the rest. Without a model all in one rank. */
export function rankByModels(replicas: readonly RoutableReplica[], modelId: string): RoutableReplica[][] {
  if (modelId === "") return [[...replicas]];
  const warm = replicas.filter(({ modelIds }) => modelIds.includes(modelId));
  const cold = replicas.filter((replica) => !warm.includes(replica));
  const fewest = Math.min(...cold.map(({ modelIds }) => modelIds.length));
  const next = cold.filter(({ modelIds }) => modelIds.length === fewest);
  const rest = cold.filter((replica) => !next.includes(replica));
  return [warm, next, rest].filter((rank) => rank.length > 0);
}
