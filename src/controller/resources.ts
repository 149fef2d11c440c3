/** What the node has, what replicas take of it, and whether one more fits. Pure. */
import { requiredResources } from "../config/effective.ts";
import type { EffectiveDeploymentConfig } from "../config/types.ts";
import type { ReplicaRecord } from "./records.ts";

/** What `windlass start` says the node has. What it does not name is counted, but never limits. */
export interface NodeCapacity {
  /** null: no limit. */
  readonly cpus: number | null;
  /** Ids of the devices, as CUDA_VISIBLE_DEVICES names them; null: no limit, and none is handed out. */
  readonly gpus: readonly string[] | null;
  /** Custom resources by name; null: no limit. Once given, one that is not named is not there. */
  readonly custom: Readonly<Record<string, number>> | null;
}

/** A node on which nothing limits. */
export const UNLIMITED: NodeCapacity = { cpus: null, gpus: null, custom: null };

/** Amounts by the reference's names: CPU, GPU, memory (bytes), custom ones. */
export type Amounts = Readonly<Record<string, number>>;

/** Units in use by resource; "GPU#<id>" is one device. A unit is a ten-thousandth, so that sums are exact. */
export type Usage = ReadonlyMap<string, number>;

/** What a replica is given. */
export interface Grant {
  readonly resources: Amounts;
  /** Devices that are its own, or of which it has a share. */
  readonly gpus: readonly string[];
}

const UNITS = 10_000;
const units = (amount: number): number => Math.round(amount * UNITS);

/** What one replica takes: the sum of its placement group bundles where it has any, else its actor options. */
export function needsOf(
  config: Pick<EffectiveDeploymentConfig, "ray_actor_options" | "placement_group_bundles">,
): Amounts {
  const bundles = config.placement_group_bundles ?? [];
  if (bundles.length === 0) return requiredResources(config);
  const sum: Record<string, number> = {};
  for (const bundle of bundles) {
    for (const [name, amount] of Object.entries(bundle)) {
      sum[name] = (units(sum[name] ?? 0) + units(amount)) / UNITS;
    }
  }
  return sum;
}

/** What a replica takes now. From its start until it is gone; one that waits takes nothing. */
export function taken(replica: ReplicaRecord | undefined): readonly (readonly [name: string, units: number])[] {
  if (!replica?.resources || replica.state.kind === "waiting") return [];
  const gpuUnits = Math.min(UNITS, units(replica.resources["GPU"] ?? 0));
  return [
    ...Object.entries(replica.resources).map(([name, amount]) => [name, units(amount)] as const),
    ...(replica.gpus ?? []).map((id) => [`GPU#${id}`, gpuUnits] as const),
  ];
}

/** Whether nothing is taken or given back by a change, seen without counting. */
export function takesTheSame(a: ReplicaRecord | undefined, b: ReplicaRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const waits = a.state.kind === "waiting";
  return waits === (b.state.kind === "waiting") && (waits || (a.resources === b.resources && a.gpus === b.gpus));
}

/** Usage after `add` more is taken, or given back with `sign` -1. */
export function withTaken(usage: Usage, add: ReturnType<typeof taken>, sign: 1 | -1 = 1): Usage {
  const next = new Map(usage);
  for (const [name, amount] of add) next.set(name, (next.get(name) ?? 0) + sign * amount);
  return next;
}

/** Whether the node has a limit on anything that is needed. */
export function isLimited(needs: Amounts, capacity: NodeCapacity): boolean {
  return Object.entries(needs).some(([name, amount]) => amount > 0 && limitOf(name, capacity) !== Infinity);
}

/** What a replica that needs this is given beside what is in use; undefined when it does not fit. */
export function place(needs: Amounts, usage: Usage, capacity: NodeCapacity): Grant | undefined {
  for (const [name, amount] of Object.entries(needs)) {
    if (amount > 0 && (usage.get(name) ?? 0) + units(amount) > units(limitOf(name, capacity))) return undefined;
  }
  const gpus = chooseGpus(needs["GPU"] ?? 0, usage, capacity);
  return gpus && { resources: needs, gpus };
}

/** Devices for an amount: whole ones that nobody uses, or a share of one, the fullest that has room. */
function chooseGpus(amount: number, usage: Usage, capacity: NodeCapacity): readonly string[] | undefined {
  if (capacity.gpus === null || amount <= 0) return [];
  const used = (id: string): number => usage.get(`GPU#${id}`) ?? 0;
  if (amount < 1) {
    const fitting = capacity.gpus.filter((id) => used(id) + units(amount) <= UNITS);
    const fullest = fitting.reduce<string | undefined>(
      (best, id) => (best === undefined || used(id) > used(best) ? id : best),
      undefined,
    );
    return fullest === undefined ? undefined : [fullest];
  }
  const count = Math.ceil(amount);
  const unused = capacity.gpus.filter((id) => used(id) === 0).slice(0, count);
  return unused.length === count ? unused : undefined;
}

function limitOf(name: string, { cpus, gpus, custom }: NodeCapacity): number {
  if (name === "CPU") return cpus ?? Infinity;
  if (name === "GPU") return gpus?.length ?? Infinity;
  if (name === "memory") return Infinity;
  return custom === null ? Infinity : (custom[name] ?? 0);
}

/**
 * How many of `candidates`, in this order, must leave before a replica fits that needs this; those that are leaving
 * already are counted on. 0: none has to; also when no number would do.
 */
export function leaversNeeded(input: {
  readonly needs: Amounts;
  readonly usage: Usage;
  readonly capacity: NodeCapacity;
  /** Replicas of the deployment that are stopping. */
  readonly leaving: readonly ReplicaRecord[];
  readonly candidates: readonly ReplicaRecord[];
  /** How many replicas the deployment may have above those that run now; Infinity: any. */
  readonly headroom: number;
}): number {
  let { usage, headroom } = input;
  const leave = (replica: ReplicaRecord): void => {
    usage = withTaken(usage, taken(replica), -1);
    headroom += 1;
  };
  const fits = (): boolean => headroom >= 1 && place(input.needs, usage, input.capacity) !== undefined;
  for (const replica of input.leaving) leave(replica);
  if (fits()) return 0;
  for (const [index, replica] of input.candidates.entries()) {
    leave(replica);
    if (fits()) return index + 1;
  }
  return 0;
}

/** How many more replicas of a deployment one node may have beside those it has, whatever their state. */
export function headroomOf(
  config: Pick<EffectiveDeploymentConfig, "max_replicas_per_node">,
  replicas: readonly ReplicaRecord[],
): number {
  if (config.max_replicas_per_node === undefined) return Infinity;
  return config.max_replicas_per_node - replicas.filter(({ state }) => state.kind !== "waiting").length;
}

const WAITING_MESSAGE = /^\d+ of \d+ replicas (?:waits?|can never start)\b/;

/** Whether a status message is one of {@link waitingMessage}. */
export function isWaitingMessage(message: string): boolean {
  return WAITING_MESSAGE.test(message);
}

/** Why replicas of a deployment wait, for its status. */
export function waitingMessage(input: {
  readonly waiting: number;
  readonly target: number;
  readonly needs: Amounts;
  readonly usage: Usage;
  readonly capacity: NodeCapacity;
  readonly maxPerNode: number | undefined;
  readonly headroom: number;
}): string {
  const { waiting, needs, usage, capacity } = input;
  const who = `${waiting} of ${input.target} replicas`;
  const waits = waiting === 1 ? "waits" : "wait";
  const limits = Object.entries(needs)
    .filter(([name, amount]) => amount > 0 && limitOf(name, capacity) !== Infinity)
    .map(([name, amount]) => ({ name, amount, limit: limitOf(name, capacity) }));
  const takes = `each takes ${limits.map(({ name, amount }) => `${name} ${amount}`).join(", ")}`;
  if (!place(needs, new Map(), capacity)) {
    const has = limits.map(({ name, limit }) => `${name} ${limit}`).join(", ");
    return `${who} can never start: ${takes}, but the node has ${has} in all; lower ray_actor_options or raise what start gives.`;
  }
  if (input.maxPerNode !== undefined && input.headroom < 1) {
    return `${who} ${waits} for a node: max_replicas_per_node is ${input.maxPerNode}, and there is one node; raise it.`;
  }
  const free = limits.map(({ name, limit }) => {
    const left = Math.max(0, units(limit) - (usage.get(name) ?? 0)) / UNITS;
    return `${name} ${left} of ${limit}`;
  });
  return `${who} ${waits} for resources: ${takes}; free ${free.length === 1 ? "is" : "are"} ${free.join(", ")}.`;
}
