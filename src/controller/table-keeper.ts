/** The routing table as records change: only what concerns a change is made anew. */
import type { RoutingTableData } from "./controller.ts";
import type { LoadSampling } from "./load-sampling.ts";
import { type ApplicationRecord, keys } from "./records.ts";
import { instanceSettings, type TableEntry, tableEntry } from "./routing-table.ts";
import type { World } from "./world.ts";

/** A deployment of which a change says how its load is measured; undefined: it is not any more. */
export interface SamplingChange {
  readonly application: string;
  readonly deployment: string;
  readonly loadSampling?: LoadSampling | undefined;
}

/** What entries take of their application's record. */
type Basis = Pick<ApplicationRecord, "config" | "routePrefix" | "canary" | "deleting">;

interface Kept extends TableEntry {
  readonly key: string;
}

/** Follows a world; equal to `routingTable` of it after every change that it is told of. */
export class TableKeeper {
  readonly #world: World;
  readonly #entries = new Map<string, Kept>();
  /** In the order of the table. */
  #order: Kept[] = [];
  readonly #places = new Map<string, number>();
  readonly #bases = new Map<string, Basis>();
  #table: RoutingTableData = { routes: [], deployments: [], requestTimeoutS: null };
  #settings = "";

  constructor(world: World) {
    this.#world = world;
  }

  /** The same object until something of it differs. */
  get table(): RoutingTableData {
    return this.#table;
  }

  /** Looks at everything. Returns how the load of deployments is measured, where that changed. */
  rebuild(): SamplingChange[] {
    const { applications, deployments } = this.#world;
    return this.take([keys.instance, ...[...applications.keys()].map(keys.application), ...deployments.keys()]);
  }

  /** Looks at the records with these store keys, which were written. Returns what `rebuild` does. */
  take(written: Iterable<string>): SamplingChange[] {
    const touched = new Set<string>();
    let settings = false;
    for (const key of written) {
      const kind = key.slice(0, key.indexOf("/") === -1 ? undefined : key.indexOf("/"));
      if (kind === "deployment") touched.add(key);
      else if (kind === "replica") touched.add(`deployment${key.slice(kind.length, key.lastIndexOf("/"))}`);
      else if (kind === "application") this.#touch(decodeURIComponent(key.slice(kind.length + 1)), touched);
      else settings ||= key === keys.instance;
    }
    return this.#renew(touched, settings);
  }

  /** All of an application, where what entries take of it changed. */
  #touch(name: string, touched: Set<string>): void {
    const present = this.#world.applications.get(name);
    const before = this.#bases.get(name);
    if (present === undefined) this.#bases.delete(name);
    else if (before !== undefined && sameBasis(before, present)) return;
    else {
      const { config, routePrefix, canary, deleting } = present;
      this.#bases.set(name, { config, routePrefix, ...(canary ? { canary } : {}), deleting });
    }
    for (const key of this.#world.deploymentsOf.get(name) ?? []) touched.add(key);
  }

  #renew(touched: ReadonlySet<string>, settings: boolean): SamplingChange[] {
    const sampling: SamplingChange[] = [];
    let routes = false;
    let members = false;
    let changed = false;
    for (const key of touched) {
      const before = this.#entries.get(key);
      const entry = tableEntry(this.#world, key);
      if (before === undefined && entry === undefined) continue;
      if (before && entry && sameParts(before.deployment, entry.deployment) && same(before.route, entry.route))
        continue;
      changed = true;
      routes ||= !same(before?.route, entry?.route);
      const { application, deployment } = (entry ?? before)!.deployment;
      const loadSampling = entry?.deployment.loadSampling;
      if (!same(before?.deployment.loadSampling, loadSampling))
        sampling.push({ application, deployment, loadSampling });
      members ||= before === undefined || entry === undefined;
      if (entry === undefined) this.#entries.delete(key);
      else this.#put({ ...entry, key });
    }
    if (members) this.#arrange();
    if (changed || settings) this.#compose(routes || members, changed);
    return sampling;
  }

  #put(entry: Kept): void {
    const place = this.#places.get(entry.key);
    if (place !== undefined) this.#order[place] = entry;
    this.#entries.set(entry.key, entry);
  }

  /** Some came or went: those that stayed are in order, which makes sorting cheap. */
  #arrange(): void {
    const stayed = this.#order.filter(({ key }) => this.#entries.has(key));
    const came = [...this.#entries.values()].filter(({ key }) => !this.#places.has(key));
    this.#order = [...stayed, ...came.sort(byPlace)].sort(byPlace);
    this.#places.clear();
    for (const [place, { key }] of this.#order.entries()) this.#places.set(key, place);
  }

  #compose(routes: boolean, deployments: boolean): void {
    const settings = instanceSettings(this.#world);
    const text = JSON.stringify(settings);
    if (!deployments && text === this.#settings) return;
    this.#settings = text;
    this.#table = {
      routes: routes ? this.#order.flatMap(({ route }) => route ?? []) : this.#table.routes,
      deployments: deployments ? this.#order.map(({ deployment }) => deployment) : this.#table.deployments,
      ...settings,
    };
  }
}

/** By the application's name, then by key, as the whole table is. */
function byPlace({ deployment: a, key }: Kept, { deployment: b, key: other }: Kept): number {
  if (a.application !== b.application) return a.application < b.application ? -1 : 1;
  return key < other ? -1 : key === other ? 0 : 1;
}

function sameBasis(a: Basis, b: Basis): boolean {
  return a.config === b.config && a.routePrefix === b.routePrefix && a.canary === b.canary && a.deleting === b.deleting;
}

/** Nearly all parts are plain values. */
function sameParts(a: TableEntry["deployment"], b: TableEntry["deployment"]): boolean {
  const parts = Object.entries(a);
  if (parts.length !== Object.keys(b).length) return false;
  const other: Readonly<Record<string, unknown>> = b;
  return parts.every(([name, part]) => same(part, other[name]));
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
