/** What the public sees of stored records, decoded and encoded once, however many watch. */
import type { InstanceRecord, ProxyRecord } from "../controller/records.ts";
import type { Store } from "../store/store.ts";
import { encodedEvent } from "./feed-encoding.ts";
import type { ResourceEvent } from "./feed-event.ts";
import { type FeedScope, inScope, type Resource, resourceOf } from "./feed-scope.ts";
import { applicationView, deploymentView, instanceView, replicaView } from "./views.ts";

/** One resource as the public sees it. */
export interface View {
  readonly resource: Resource;
  readonly event: ResourceEvent;
  /** Its encoding, to tell whether what the public sees has changed. */
  readonly bytes: Uint8Array;
}

/** The views of one store. */
export interface Views {
  /** The event of a changed key; undefined for keys the public does not see. */
  viewOf(key: string, value: string | undefined): View | undefined;
  /** Everything that is in scope, parents first. */
  snapshot(scope: FeedScope): View[];
}

/** A bound against watchers that bring long gone values back into the cache. */
const MAX_CACHED_VIEWS = 250_000;

/** Makes the {@link Views}; `revealEnv`: values of environment variables are shown. */
export function createViews(store: Store, revealEnv: boolean): Views {
  const cache = new Map<string, { value: string; view: View }>();

  const instance = (): View => {
    // Two kinds of keys make up the instance, so it is always read as it is now.
    const value = store.get("instance")?.value;
    const record = value === undefined ? undefined : (JSON.parse(value) as InstanceRecord);
    const proxies = store.range("proxy/").map((entry) => JSON.parse(entry.value) as ProxyRecord);
    const resource = { kind: "instance", name: "instance" } as const;
    return viewed(resource, { case: "instance", value: instanceView(record, proxies) });
  };

  const viewOf = (key: string, value: string | undefined): View | undefined => {
    const resource = resourceOf(key);
    if (resource === undefined) return undefined;
    if (resource.kind === "instance") return instance();
    if (value === undefined) {
      cache.delete(key);
      return viewed(resource, { case: "deleted", value: resource.name });
    }
    const cached = cache.get(key);
    if (cached?.value === value) return cached.view;
    const view = viewed(resource, eventOf(resource.kind, value, revealEnv));
    if (cache.size >= MAX_CACHED_VIEWS) cache.clear();
    cache.set(key, { value, view });
    return view;
  };

  return {
    viewOf,
    snapshot(scope) {
      // Keys and names escape alike, so that a watch of one application need not look at the others.
      const application = typeof scope.under === "string" ? (scope.under.split("/")[1] ?? "") : "";
      const below = (["application", "deployment", "replica"] as const).flatMap((kind) =>
        scope.kinds.has(kind) ? store.range(`${kind}/${application}`).map(({ key, value }) => viewOf(key, value)!) : [],
      );
      return [instance(), ...below].filter(({ resource }) => inScope(scope, resource));
    },
  };
}

function viewed(resource: Resource, event: ResourceEvent): View {
  return { resource, event, bytes: encodedEvent(event) };
}

function eventOf(kind: "application" | "deployment" | "replica", value: string, revealEnv: boolean): ResourceEvent {
  const record = JSON.parse(value);
  switch (kind) {
    case "application":
      return { case: kind, value: applicationView(record, revealEnv) };
    case "deployment":
      return { case: kind, value: deploymentView(record, revealEnv) };
    case "replica":
      return { case: kind, value: replicaView(record) };
  }
}

/** What was last shown of resources, by name. */
export type Shown = Map<string, Uint8Array>;

/** Whether who was shown what `shown` holds does not know this yet; notes that they do now. */
export function isNews(shown: Shown, { resource, event, bytes }: View): boolean {
  if (sameBytes(shown.get(resource.name), bytes)) return false;
  if (event.case === "deleted") shown.delete(resource.name);
  else shown.set(resource.name, bytes);
  return true;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a === undefined || a.length !== b.length) return false;
  return a === b || Buffer.compare(a, b) === 0;
}
