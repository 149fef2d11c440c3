/** What the store holds, put into the world record by record, with all that is kept to find records by. */
import type { ScalingRecord } from "./autoscale-memory.ts";
import type {
  ApplicationRecord,
  DeploymentRecord,
  InstanceRecord,
  ProxyRecord,
  ReplicaRecord,
  RevisionRecord,
} from "./records.ts";
import { ABSENT_INSTANCE } from "./records.ts";
import { taken, takesTheSame, withTaken } from "./resources.ts";
import { standoutKey, standoutsOf } from "./standouts.ts";
import type { World } from "./world.ts";

/** Puts one record of the store into the world; null removes it. */
export function applyWrite(world: World, key: string, value: unknown): void {
  const kind = key.slice(0, key.indexOf("/") === -1 ? undefined : key.indexOf("/"));
  switch (kind) {
    case "instance":
      world.instance = (value as InstanceRecord | null) ?? ABSENT_INSTANCE;
      return;
    case "application": {
      const name = decodeURIComponent(key.slice("application/".length));
      if (value === null) world.applications.delete(name);
      else world.applications.set(name, value as ApplicationRecord);
      return;
    }
    case "deployment": {
      const application = decodeURIComponent(key.split("/")[1]!);
      const known = world.deployments.get(key);
      if ((known !== undefined) !== (value !== null)) index(world.deploymentsOf, application, key, value !== null);
      const before = standoutsOf(known);
      const after = standoutsOf((value as DeploymentRecord | null) ?? undefined);
      for (const kind of before) {
        if (!after.includes(kind)) index(world.standouts, standoutKey(kind, application), key, false);
      }
      for (const kind of after) {
        if (!before.includes(kind)) index(world.standouts, standoutKey(kind, application), key, true);
      }
      if (value === null) world.deployments.delete(key);
      else world.deployments.set(key, value as DeploymentRecord);
      return;
    }
    case "replica": {
      const [, application, deployment, id] = key.split("/") as [string, string, string, string];
      if (world.replicas.has(id) !== (value !== null)) {
        index(world.replicasOf, `deployment/${application}/${deployment}`, id, value !== null);
      }
      account(world, id, value as ReplicaRecord | null);
      if (value === null) world.replicas.delete(id);
      else world.replicas.set(id, value as ReplicaRecord);
      return;
    }
    case "revision": {
      const application = decodeURIComponent(key.split("/")[1]!);
      const number = Number(key.split("/")[2]);
      const others = (world.revisions.get(application) ?? []).filter((record) => record.number !== number);
      const next = value === null ? others : [...others, value as RevisionRecord];
      if (next.length === 0) world.revisions.delete(application);
      else
        world.revisions.set(
          application,
          next.sort((a, b) => a.number - b.number),
        );
      return;
    }
    case "autoscaling":
    case "shadow":
      if (world.scaling.has(key) !== (value !== null)) {
        index(world.scalingOf, decodeURIComponent(key.split("/")[1]!), key, value !== null);
      }
      if (value === null) world.scaling.delete(key);
      else world.scaling.set(key, value as ScalingRecord);
      return;
    case "trace":
    case "shadow-trace": {
      const folder = key.slice(0, key.lastIndexOf("/") + 1);
      const sequence = Number(key.slice(folder.length));
      const range = world.traces.get(folder) ?? { first: sequence, next: sequence };
      const next = Math.max(range.next, sequence + 1);
      const first = value === null ? Math.max(range.first, sequence + 1) : range.first;
      if (first === next) world.traces.delete(folder);
      else world.traces.set(folder, { first, next });
      return;
    }
    case "proxy":
      if (value === null) world.proxies.delete(key.slice("proxy/".length));
      else world.proxies.set(key.slice("proxy/".length), value as ProxyRecord);
      return;
    case "journal":
      world.journalNext = Math.max(world.journalNext, Number(key.slice("journal/".length)) + 1);
  }
}

/** Keeps what the replicas take, and who waits, up to date with one of them. */
function account(world: World, id: string, next: ReplicaRecord | null): void {
  const before = world.replicas.get(id);
  if (!takesTheSame(before, next ?? undefined)) {
    world.usage = withTaken(withTaken(world.usage, taken(before), -1), taken(next ?? undefined));
  }
  if (next?.state.kind === "waiting") world.waiting.add(id);
  else world.waiting.delete(id);
}

function index(map: Map<string, Set<string>>, owner: string, member: string, present: boolean): void {
  const set = map.get(owner) ?? new Set();
  if (present) set.add(member);
  else set.delete(member);
  if (set.size === 0) map.delete(owner);
  else map.set(owner, set);
}
