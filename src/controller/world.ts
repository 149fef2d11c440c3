import { applyWrite } from "./apply-write.ts";
import type { ScalingRecord } from "./autoscale-memory.ts";
import type { TraceChunk, TraceRange } from "./autoscale-record.ts";
import type { DecisionNews } from "./controller.ts";
import { Dirty } from "./dirty.ts";
import { DraftWrites } from "./draft-writes.ts";
import type {
  ApplicationRecord,
  DeploymentRecord,
  InstanceRecord,
  JournalRecord,
  ProxyRecord,
  ReplicaRecord,
  RevisionRecord,
} from "./records.ts";
import { ABSENT_INSTANCE, keys } from "./records.ts";
import { taken, takesTheSame, type Usage, withTaken } from "./resources.ts";
import { STANDOUTS, standoutKey } from "./standouts.ts";

/** Every record, by kind. Immutable records in maps that only {@link commit} changes. */
export interface World {
  instance: InstanceRecord;
  readonly applications: Map<string, ApplicationRecord>;
  /** By store key. */
  readonly deployments: Map<string, DeploymentRecord>;
  /** By replica id. */
  readonly replicas: Map<string, ReplicaRecord>;
  readonly proxies: Map<string, ProxyRecord>;
  /** Of each application by name, oldest first. */
  readonly revisions: Map<string, readonly RevisionRecord[]>;
  /** What the autoscaler remembers, by store key. */
  readonly scaling: Map<string, ScalingRecord>;
  /** Keys of {@link scaling} of an application. */
  readonly scalingOf: Map<string, Set<string>>;
  /** Numbers of the first recorded chunk of decisions and of the next one, by folder of store keys. */
  readonly traces: Map<string, TraceRange>;
  /** Deployment keys of an application. */
  readonly deploymentsOf: Map<string, Set<string>>;
  /** Keys of an application's deployments that stand out, by {@link standoutKey}. */
  readonly standouts: Map<string, Set<string>>;
  /** Replica ids of a deployment key. */
  readonly replicasOf: Map<string, Set<string>>;
  /** What the replicas take of the node. */
  usage: Usage;
  /** Ids of the replicas that wait for room. */
  readonly waiting: Set<string>;
  journalNext: number;
}

export type Write = { readonly key: string; readonly value: unknown | null };

export function emptyWorld(): World {
  return {
    instance: ABSENT_INSTANCE,
    applications: new Map(),
    deployments: new Map(),
    replicas: new Map(),
    proxies: new Map(),
    revisions: new Map(),
    scaling: new Map(),
    scalingOf: new Map(),
    traces: new Map(),
    deploymentsOf: new Map(),
    standouts: new Map(),
    replicasOf: new Map(),
    usage: new Map(),
    waiting: new Set(),
    journalNext: 1,
  };
}

/** Journal entries kept; older ones are deleted as new ones come. */
const JOURNAL_LIMIT = 10_000;

/**
 * A change of the world that is not made yet: reads see it, the world does not until `commit`. A draft can be thrown
 * away whole (the store refused) or in part (`savepoint`: one application's step threw).
 */
export class Draft {
  readonly #world: World;
  readonly #writes = new DraftWrites();
  /** Of what something was written, whatever became of the write. */
  readonly touched = new Dirty();
  readonly #journal: JournalRecord[] = [];
  #usage: Usage;
  /** Keys of the deployments of which a replica went that had taken room. */
  readonly freedBy = new Set<string>();
  /** Store keys of the replicas that this change made, by id. */
  readonly #newReplicas = new Map<string, string>();
  /** Store keys of the replicas that this change made wait. */
  readonly newlyWaiting = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.#usage = world.usage;
  }

  /** What the replicas take of the node, this change included. */
  get usage(): Usage {
    return this.#usage;
  }

  /** Replicas that wait for room, those that wait longest first. */
  waiting(): ReplicaRecord[] {
    const known = [...this.#world.waiting].map((id) => this.replica(id));
    const added = [...this.newlyWaiting].map((key) => this.#read<ReplicaRecord>(key, undefined));
    return [...known, ...added]
      .filter((replica) => replica?.state.kind === "waiting")
      .map((replica) => replica!)
      .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
  }

  get instance(): InstanceRecord {
    return this.#read(keys.instance, this.#world.instance) ?? this.#world.instance;
  }
  set instance(record: InstanceRecord) {
    this.#write(keys.instance, record, this.#world.instance);
  }

  application(name: string): ApplicationRecord | undefined {
    return this.#read(keys.application(name), this.#world.applications.get(name));
  }
  applications(): ApplicationRecord[] {
    const known = [...this.#world.applications.values()];
    return this.#list("application/", known, (record) => keys.application(record.name));
  }
  /** One of which `holds`; cheaper than a look through all of them in order. */
  findApplication(holds: (record: ApplicationRecord) => boolean): ApplicationRecord | undefined {
    for (const key of this.#writes.under("application/")) {
      const record = this.#writes.get(key) as ApplicationRecord | null;
      if (record !== null && holds(record)) return record;
    }
    for (const record of this.#world.applications.values()) {
      if (holds(record) && !this.#writes.has(keys.application(record.name))) return record;
    }
    return undefined;
  }
  setApplication(record: ApplicationRecord): void {
    this.touched.addApplication(record.name);
    this.#write(keys.application(record.name), record, this.#world.applications.get(record.name));
  }
  deleteApplication(name: string): void {
    this.#writes.set(keys.application(name), null);
  }

  /** Oldest first. */
  revisionsOf(application: string): RevisionRecord[] {
    const known = this.#world.revisions.get(application) ?? [];
    const prefix = `${keys.revision(application, 0).slice(0, -8)}`;
    return this.#list(prefix, known, (record) => keys.revision(record.application, record.number));
  }
  setRevision(record: RevisionRecord): void {
    const known = this.#world.revisions.get(record.application)?.find(({ number }) => number === record.number);
    this.#write(keys.revision(record.application, record.number), record, known);
  }
  deleteRevision(record: RevisionRecord): void {
    this.#writes.set(keys.revision(record.application, record.number), null);
  }

  deployment(application: string, name: string): DeploymentRecord | undefined {
    const key = keys.deployment(application, name);
    return this.#read(key, this.#world.deployments.get(key));
  }
  deploymentsOf(application: string): DeploymentRecord[] {
    const known = [...(this.#world.deploymentsOf.get(application) ?? [])].map(
      (key) => this.#world.deployments.get(key)!,
    );
    const prefix = keys.deployment(application, "");
    return this.#list(prefix, known, (record) => keys.deployment(record.application, record.name));
  }
  /**
   * Deployments of an application from which follows what follows from all of them: those that stand out by name, one of
   * each other kind, and those that were written. As many as there is something to tell of; in the order of their keys.
   */
  tellingOf(application: string): DeploymentRecord[] {
    const { standouts, deploymentsOf, deployments } = this.#world;
    const isKnown = (key: string): boolean => !this.#writes.has(key);
    const telling = new Set<string>();
    for (const kind of STANDOUTS) {
      const all = standouts.get(standoutKey(kind, application)) ?? [];
      for (const key of all) {
        if (!isKnown(key)) continue;
        telling.add(key);
        if (kind !== "named") break;
      }
    }
    for (const key of deploymentsOf.get(application) ?? []) {
      if (!isKnown(key)) continue;
      telling.add(key);
      break;
    }
    const known = [...telling].map((key) => deployments.get(key)!);
    return this.#list(keys.deployment(application, ""), known, (record) =>
      keys.deployment(record.application, record.name),
    );
  }
  setDeployment(record: DeploymentRecord): void {
    const key = keys.deployment(record.application, record.name);
    this.touched.addDeployment(record.application, key);
    this.#write(key, record, this.#world.deployments.get(key));
  }
  deleteDeployment(application: string, name: string): void {
    this.#writes.set(keys.deployment(application, name), null);
  }

  replica(id: string): ReplicaRecord | undefined {
    const known = this.#world.replicas.get(id);
    if (known) return this.#read(keys.replica(known.application, known.deployment, id), known);
    const key = this.#newReplicas.get(id);
    return key === undefined ? undefined : this.#read<ReplicaRecord>(key, undefined);
  }
  replicasOf(application: string, deployment: string): ReplicaRecord[] {
    const known: ReplicaRecord[] = [];
    for (const id of this.#world.replicasOf.get(keys.deployment(application, deployment)) ?? []) {
      known.push(this.#world.replicas.get(id)!);
    }
    const folder = keys.replicas(application, deployment);
    if (this.#writes.under(folder).size === 0) return known.sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.#list(folder, known, ({ id }) => folder + id);
  }
  setReplica(record: ReplicaRecord): void {
    const key = keys.replica(record.application, record.deployment, record.id);
    const known = this.#world.replicas.get(record.id);
    const before = this.#read(key, known);
    if (before !== record) this.#account(before, record);
    if (!known) this.#newReplicas.set(record.id, key);
    if (record.state.kind === "waiting" && !known) this.newlyWaiting.add(key);
    this.#write(key, record, known);
  }
  deleteReplica(record: ReplicaRecord): void {
    const key = keys.replica(record.application, record.deployment, record.id);
    this.#account(this.#read(key, this.#world.replicas.get(record.id)), undefined);
    if (record.state.kind !== "waiting") this.freedBy.add(keys.deployment(record.application, record.deployment));
    this.#writes.set(key, null);
  }

  /** What the autoscaler remembers of an application's deployments and their shadows. */
  scalingOf(application: string): ScalingRecord[] {
    const known = [...(this.#world.scalingOf.get(application) ?? [])].map((key) => this.#world.scaling.get(key)!);
    return [false, true].flatMap((shadow) =>
      this.#list(
        keys.scaling(application, "", shadow),
        known.filter(({ shadowTarget }) => (shadowTarget !== undefined) === shadow),
        (record) => keys.scaling(record.application, record.deployment, shadow),
      ),
    );
  }
  /** Whether the autoscaler remembers anything of a deployment, or of its shadow. */
  hasScaling(application: string, deployment: string, shadow: boolean): boolean {
    const key = keys.scaling(application, deployment, shadow);
    return this.#read(key, this.#world.scaling.get(key)) !== undefined;
  }
  setScaling(record: ScalingRecord): void {
    const { application, deployment, shadowTarget } = record;
    this.#writes.set(keys.scaling(application, deployment, shadowTarget !== undefined), record);
  }
  deleteScaling(application: string, deployment: string, shadow: boolean): void {
    this.#writes.set(keys.scaling(application, deployment, shadow), null);
  }

  /** Which chunks of recorded decisions there are of a deployment, or of its shadow. */
  traceRange(application: string, deployment: string, shadow: boolean): TraceRange {
    return this.#world.traces.get(keys.traces(application, deployment, shadow)) ?? { first: 0, next: 0 };
  }
  addTrace(application: string, deployment: string, shadow: boolean, chunk: TraceChunk, limit: number): void {
    const { first, next } = this.traceRange(application, deployment, shadow);
    this.#writes.set(keys.trace(application, deployment, next, shadow), chunk);
    // Two at a time are enough to come down to a limit that was lowered.
    for (let old = first; old < Math.min(first + 2, next - limit + 1); old++) {
      this.#writes.set(keys.trace(application, deployment, old, shadow), null);
    }
  }
  deleteTraces(application: string, deployment: string, shadow: boolean): void {
    const { first, next } = this.traceRange(application, deployment, shadow);
    for (let old = first; old <= next; old++) this.#writes.set(keys.trace(application, deployment, old, shadow), null);
  }

  /** What watches of decisions are told; null: nothing is decided on it any more. */
  setDecisions(application: string, deployment: string, shadow: boolean, news: DecisionNews | null): void {
    this.#writes.set(keys.decision(application, deployment, shadow), news);
  }

  proxies(): ProxyRecord[] {
    return this.#list("proxy/", [...this.#world.proxies.values()], (record) => keys.proxy(record.id));
  }
  setProxy(record: ProxyRecord): void {
    this.#write(keys.proxy(record.id), record, this.#world.proxies.get(record.id));
  }
  deleteProxy(id: string): void {
    this.#writes.set(keys.proxy(id), null);
  }

  journal(entry: JournalRecord): void {
    this.#journal.push(entry);
  }

  /** Runs `fn`; when it throws, undoes what it wrote and returns the error. */
  savepoint(fn: () => void): { error: unknown } | undefined {
    const usage = this.#usage;
    const journalLength = this.#journal.length;
    try {
      this.#writes.undone(fn);
      return undefined;
    } catch (error) {
      this.#usage = usage;
      this.#journal.length = journalLength;
      return { error };
    }
  }

  /** All writes, journal included, for one transaction. */
  writes(): Write[] {
    const writes: Write[] = [...this.#writes.entries()].map(([key, value]) => ({ key, value }));
    this.#journal.forEach((entry, index) => {
      const sequence = this.#world.journalNext + index;
      writes.push({ key: keys.journal(sequence), value: entry });
      if (sequence > JOURNAL_LIMIT) writes.push({ key: keys.journal(sequence - JOURNAL_LIMIT), value: null });
    });
    return writes;
  }

  /** Makes the change real. */
  commit(): void {
    for (const [key, value] of this.#writes.entries()) applyWrite(this.#world, key, value);
    this.#world.journalNext += this.#journal.length;
  }

  #read<T>(key: string, known: T | undefined): T | undefined {
    const written = this.#writes.get(key) as T | null | undefined;
    return written === undefined ? known : (written ?? undefined);
  }

  #account(before: ReplicaRecord | undefined, after: ReplicaRecord | undefined): void {
    if (takesTheSame(before, after)) return;
    const [gave, takes] = [taken(before), taken(after)];
    if (gave.length > 0) this.#usage = withTaken(this.#usage, gave, -1);
    if (takes.length > 0) this.#usage = withTaken(this.#usage, takes);
  }

  /** An unchanged record is no write. */
  #write<T>(key: string, record: T, known: T | undefined): void {
    if (record === known) this.#writes.delete(key);
    else this.#writes.set(key, record);
  }

  /** Those under a folder of keys, in the order of their keys. */
  #list<T>(folder: string, known: readonly T[], keyOf: (record: T) => string): T[] {
    const written = this.#writes.under(folder);
    if (known.length < 2 && written.size === 0) return known.slice();
    const found: { readonly key: string; readonly record: T }[] = [];
    for (const record of known) {
      const key = keyOf(record);
      if (!written.has(key)) found.push({ key, record });
    }
    for (const key of written) {
      const record = this.#writes.get(key) as T | null;
      if (record !== null) found.push({ key, record });
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ record }) => record);
  }
}
