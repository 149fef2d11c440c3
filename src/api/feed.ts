/**
 * Watches: what is, then `synced`, then each change, ordered by revision and resumable.
 *
 * A watch reads on only when its client has taken what was read, so every change is sent once and in order, and a slow
 * client holds no memory and delays no writer: the store catches it up from the log. One that falls behind what the
 * log still has is cut with HISTORY_COMPACTED.
 */
import { toBinary } from "@bufbuild/protobuf";
import { ApplicationSchema } from "../../gen/windlass/v1/application_pb.ts";
import { DeploymentSchema, ReplicaSchema } from "../../gen/windlass/v1/deployment_pb.ts";
import { InstanceSchema } from "../../gen/windlass/v1/instance_pb.ts";
import type { InstanceRecord, ProxyRecord } from "../controller/records.ts";
import type { Clock } from "../core/clock.ts";
import type { Change, Store } from "../store/store.ts";
import { type DecisionEvent, type DecisionScope, decisionReader, watchedDecisions } from "./decision-feed.ts";
import type { ResourceEvent } from "./feed-event.ts";
import { type WatchMessage, watchMessages } from "./feed-loop.ts";
import { type FeedScope, inScope, resourceOf } from "./feed-scope.ts";
import { applicationView, deploymentView, instanceView, replicaView } from "./views.ts";

export { MIN_PROGRESS_INTERVAL_MS, PROGRESS_INTERVAL_MS } from "./feed-loop.ts";

/** One message of a watch of resources. Without an event it is progress. */
export type FeedItem = WatchMessage<ResourceEvent>;

/** One message of a watch of scaling decisions. */
export type DecisionItem = WatchMessage<DecisionEvent>;

/** What to watch, and from where. */
export interface FeedRequest {
  readonly scope: FeedScope;
  /** Resume after this revision; 0 sends what is first. */
  readonly startRevision: number;
  readonly revealEnv: boolean;
  /** How long to stay silent before progress is told. Default: 20 s. */
  readonly progressIntervalMs?: number;
}

/** The same of scaling decisions. */
export interface DecisionFeedRequest {
  readonly scope: DecisionScope;
  readonly startRevision: number;
  readonly progressIntervalMs?: number;
}

/** All watches of a server. */
export interface Feed {
  /**
   * Ends quietly when `signal` aborts. Throws INVALID_REQUEST for a negative revision or an interval out of bounds, HISTORY_COMPACTED for one that
   * cannot be resumed from, and INSTANCE_UNAVAILABLE when the feed closes, so that clients come back.
   */
  watch(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedItem>;
  /** The newest decision of each deployment, then each as it is stored; else as {@link watch}. */
  watchDecisions(request: DecisionFeedRequest, signal: AbortSignal): AsyncGenerator<DecisionItem>;
  /** Watches open now. */
  readonly active: number;
  /** Aborts when the feed closes. */
  readonly closed: AbortSignal;
  /** Ends every watch. */
  close(): void;
}

/** Makes a {@link Feed} over a store. */
export function createFeed(store: Store, clock: Clock): Feed {
  const views = { hidden: createViews(store, false), revealed: createViews(store, true) };
  const readDecisions = decisionReader();
  const closing = new AbortController();
  let active = 0;

  async function* counted<T>(items: AsyncGenerator<T>): AsyncGenerator<T> {
    active++;
    try {
      yield* items;
    } finally {
      active--;
    }
  }

  function watch(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedItem> {
    const { scope, startRevision, progressIntervalMs } = request;
    const { viewOf, snapshot } = request.revealEnv ? views.revealed : views.hidden;
    const sent = new Map<string, Uint8Array>();
    const eventsOf = (all: readonly (View | undefined)[]): ResourceEvent[] =>
      all.flatMap((view) =>
        view !== undefined && inScope(scope, view.resource) && isNews(sent, view) ? [view.event] : [],
      );
    const watched = {
      store,
      clock,
      prefix: "",
      startRevision,
      progressIntervalMs,
      snapshot: () => eventsOf(snapshot()),
      newsOf: (changes: readonly Change[]) => eventsOf(changes.map(({ key, value }) => viewOf(key, value))),
    };
    return counted(watchMessages<ResourceEvent>(watched, signal, closing.signal));
  }

  function watchDecisions(request: DecisionFeedRequest, signal: AbortSignal): AsyncGenerator<DecisionItem> {
    const { scope, startRevision, progressIntervalMs } = request;
    const watched = {
      ...watchedDecisions(store, scope, readDecisions),
      store,
      clock,
      startRevision,
      progressIntervalMs,
    };
    return counted(watchMessages<DecisionEvent>(watched, signal, closing.signal));
  }

  return {
    watch,
    watchDecisions,
    get active() {
      return active;
    },
    closed: closing.signal,
    close: () => closing.abort(),
  };
}

interface View {
  readonly resource: NonNullable<ReturnType<typeof resourceOf>>;
  readonly event: ResourceEvent;
  /** Its encoding, to tell whether what the public sees has changed. */
  readonly bytes: Uint8Array;
}

interface Views {
  /** The event of a changed key; undefined for keys the public does not see. */
  viewOf(key: string, value: string | undefined): View | undefined;
  /** Everything that is, parents first. */
  snapshot(): View[];
}

const NO_BYTES = new Uint8Array(0);

/** A bound against watchers that bring long gone values back into the cache. */
const MAX_CACHED_VIEWS = 250_000;

/** Each change is decoded and encoded once, however many watch. */
function createViews(store: Store, revealEnv: boolean): Views {
  const cache = new Map<string, { value: string; view: View }>();

  const instance = (): View => {
    // Two kinds of keys make up the instance, so it is always read as it is now.
    const value = store.get("instance")?.value;
    const record = value === undefined ? undefined : (JSON.parse(value) as InstanceRecord);
    const proxies = store.range("proxy/").map((entry) => JSON.parse(entry.value) as ProxyRecord);
    const message = instanceView(record, proxies);
    const resource = { kind: "instance", name: "instance" } as const;
    return { resource, event: { case: "instance", value: message }, bytes: toBinary(InstanceSchema, message) };
  };

  const viewOf = (key: string, value: string | undefined): View | undefined => {
    const resource = resourceOf(key);
    if (resource === undefined) return undefined;
    if (resource.kind === "instance") return instance();
    if (value === undefined) {
      cache.delete(key);
      return { resource, event: { case: "deleted", value: resource.name }, bytes: NO_BYTES };
    }
    const cached = cache.get(key);
    if (cached?.value === value) return cached.view;
    const view = { resource, ...encode(resource.kind, value, revealEnv) };
    if (cache.size >= MAX_CACHED_VIEWS) cache.clear();
    cache.set(key, { value, view });
    return view;
  };

  return {
    viewOf,
    snapshot: () => [
      instance(),
      ...["application/", "deployment/", "replica/"].flatMap((prefix) =>
        store.range(prefix).map(({ key, value }) => viewOf(key, value)!),
      ),
    ],
  };
}

function encode(
  kind: "application" | "deployment" | "replica",
  value: string,
  revealEnv: boolean,
): { event: ResourceEvent; bytes: Uint8Array } {
  const record = JSON.parse(value);
  switch (kind) {
    case "application": {
      const message = applicationView(record, revealEnv);
      return { event: { case: kind, value: message }, bytes: toBinary(ApplicationSchema, message) };
    }
    case "deployment": {
      const message = deploymentView(record, revealEnv);
      return { event: { case: kind, value: message }, bytes: toBinary(DeploymentSchema, message) };
    }
    case "replica": {
      const message = replicaView(record);
      return { event: { case: kind, value: message }, bytes: toBinary(ReplicaSchema, message) };
    }
  }
}

/** Whether a watch that has sent what `sent` holds does not know this yet; notes that it does now. */
function isNews(sent: Map<string, Uint8Array>, { resource, event, bytes }: View): boolean {
  if (sameBytes(sent.get(resource.name), bytes)) return false;
  if (event.case === "deleted") sent.delete(resource.name);
  else sent.set(resource.name, bytes);
  return true;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a === undefined || a.length !== b.length) return false;
  return a === b || Buffer.compare(a, b) === 0;
}
