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
import { WindlassError } from "../core/errors.ts";
import { CompactedError, type Store } from "../store/store.ts";
import type { ResourceEvent } from "./feed-event.ts";
import { type FeedScope, inScope, resourceOf } from "./feed-scope.ts";
import { applicationView, deploymentView, instanceView, replicaView } from "./views.ts";
import { within } from "./within.ts";

/** How long a watch stays silent before it says which revision it has reached, unless its request says; also the most. */
export const PROGRESS_INTERVAL_MS = 20_000;
/** The least. */
export const MIN_PROGRESS_INTERVAL_MS = 100;

/** One message of a watch. Without an event it is progress. */
export interface FeedItem {
  readonly revision: number;
  /** Whether nothing more of this revision follows, so that a watch may be resumed after it without losing any. */
  readonly complete: boolean;
  readonly event?: ResourceEvent | { readonly case: "synced"; readonly value: true };
}

/** What to watch, and from where. */
export interface FeedRequest {
  readonly scope: FeedScope;
  /** Resume after this revision; 0 sends what is first. */
  readonly startRevision: number;
  readonly revealEnv: boolean;
  /** How long to stay silent before progress is told. Default {@link PROGRESS_INTERVAL_MS}. */
  readonly progressIntervalMs?: number;
}

/** All watches of a server. */
export interface Feed {
  /**
   * Ends quietly when `signal` aborts. Throws INVALID_REQUEST for a negative revision or an interval out of bounds, HISTORY_COMPACTED for one that
   * cannot be resumed from, and INSTANCE_UNAVAILABLE when the feed closes, so that clients come back.
   */
  watch(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedItem>;
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
  const closing = new AbortController();
  let active = 0;

  async function* watch(request: FeedRequest, signal: AbortSignal): AsyncGenerator<FeedItem> {
    const { scope, startRevision, progressIntervalMs = PROGRESS_INTERVAL_MS } = request;
    checkStart(store, startRevision);
    checkInterval(progressIntervalMs);
    const { viewOf, snapshot } = request.revealEnv ? views.revealed : views.hidden;
    const ended = new AbortController();
    const until = AbortSignal.any([signal, closing.signal, ended.signal]);
    const sent = new Map<string, Uint8Array>();
    let reached: number = startRevision === 0 ? store.revision : startRevision;
    const current = startRevision === 0 ? snapshot() : [];
    const batches = store.watch("", reached, until)[Symbol.asyncIterator]();

    active++;
    try {
      for (const view of current) {
        if (!inScope(scope, view.resource)) continue;
        sent.set(view.resource.name, view.bytes);
        yield { revision: reached, complete: false, event: view.event };
        if (signal.aborted) return;
      }
      if (startRevision === 0) yield { revision: reached, complete: true, event: { case: "synced", value: true } };
      else yield { revision: reached, complete: true };
      let next = batches.next();
      while (!signal.aborted) {
        const before = store.revision;
        const result = await within(next, progressIntervalMs, clock);
        if (result === undefined) {
          // What was written until then came long ago; or it was quiet, and who resumes need not ask for it.
          reached = Math.max(reached, before);
          yield { revision: reached, complete: true };
          continue;
        }
        if (result.done) {
          if (signal.aborted) return;
          throw new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping: watch again");
        }
        const { revision, changes } = result.value;
        const news = changes.flatMap(({ key, value }) => {
          const view = viewOf(key, value);
          return view !== undefined && inScope(scope, view.resource) && isNews(sent, view) ? [view.event] : [];
        });
        for (const [i, event] of news.entries()) {
          yield { revision, complete: i === news.length - 1, event };
          if (signal.aborted) return;
        }
        reached = revision;
        next = batches.next();
      }
    } finally {
      active--;
      ended.abort();
    }
  }

  return {
    watch,
    get active() {
      return active;
    },
    closed: closing.signal,
    close: () => closing.abort(),
  };
}

function checkStart(store: Store, startRevision: number): void {
  if (startRevision < 0) {
    throw new WindlassError("INVALID_REQUEST", `start_revision ${startRevision} must be >= 0`);
  }
  if (startRevision > 0 && startRevision < store.compactedRevision) throw new CompactedError(store.compactedRevision);
  if (startRevision > store.revision) {
    // Revisions never go back, so this one belongs to another store.
    throw new WindlassError(
      "HISTORY_COMPACTED",
      `start_revision ${startRevision} is above the present revision ${store.revision}: watch again from 0`,
    );
  }
}

function checkInterval(progressIntervalMs: number): void {
  if (progressIntervalMs >= MIN_PROGRESS_INTERVAL_MS && progressIntervalMs <= PROGRESS_INTERVAL_MS) return;
  const [least, most] = [MIN_PROGRESS_INTERVAL_MS / 1_000, PROGRESS_INTERVAL_MS / 1_000];
  throw new WindlassError(
    "INVALID_REQUEST",
    `progress_interval must be from ${least} to ${most} seconds, not ${progressIntervalMs / 1_000}`,
  );
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
