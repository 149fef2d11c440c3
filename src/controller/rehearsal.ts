/**
 * Carries a write out in the mind: the controller's own turns on a copy of the world, in which whatever is started
 * serves and whatever is stopped is gone by the next turn. Nothing of it is stored or performed.
 */
import type { Course } from "./plan.ts";
import { type ApplicationRecord, type DeploymentRecord, keys, type ReplicaRecord } from "./records.ts";
import { isRoutable } from "./replica-state.ts";
import { isWaitingMessage } from "./resources.ts";
import { type Incoming, Turn, type TurnContext } from "./turn.ts";
import { Draft, type World } from "./world.ts";

/**
 * A rehearsal is ended after this much work, events times replicas beside each: well below a second. An update is at its
 * extremes in its first turns, so only of what waits there is nothing to say then.
 */
const MAX_WORK = 1_000_000;

/** Events of one turn: what it takes must not keep the controller from its own work. */
const EVENTS_AT_ONCE = 32;

/** What a write leads to. */
export interface Rehearsed {
  /** Right after the write, by application; undefined: there is none. */
  readonly applications: ReadonlyMap<string, ApplicationRecord | undefined>;
  readonly deployments: ReadonlyMap<string, readonly DeploymentRecord[]>;
  readonly instance: World["instance"];
  /** By store key of the deployment. */
  readonly courses: ReadonlyMap<string, Course>;
}

/**
 * Rehearses `write` for these applications in `context.world`, a copy that is spoilt by it. `pause` lets others have
 * their turn in between; it throws when there is no more need.
 */
export async function rehearse(
  names: ReadonlySet<string>,
  context: TurnContext,
  write: (draft: Draft) => void,
  pause: () => Promise<void>,
): Promise<Rehearsed> {
  const { world } = context;
  const courses = new Map<string, Course>();
  for (const name of names) {
    for (const key of world.deploymentsOf.get(name) ?? []) courses.set(key, beginning(replicasOf(world, key)));
  }
  const draft = new Draft(world);
  write(draft);
  const applications = new Map([...names].map((name) => [name, draft.application(name)] as const));
  const deployments = new Map([...names].map((name) => [name, draft.deploymentsOf(name)] as const));
  const { instance } = draft;
  let again = finish(new Turn(draft, context), draft, names);
  note(courses, world, names);
  let work = 0;
  let over = false;
  while (!over) {
    const { leaving, coming } = eventsOf(world, names);
    if (leaving.length + coming.length + again.size === 0) break;
    const replicas = countReplicas(world, names);
    for (const events of [...chunks(leaving), ...chunks(coming), ...(again.size > 0 ? [[]] : [])]) {
      work += (events.length + 1) * (replicas + 100);
      over ||= work > MAX_WORK;
      if (over) break;
      await pause();
      const next = new Draft(world);
      const turn = new Turn(next, context);
      for (const event of events) turn.take(event);
      again = finish(turn, next, names);
      note(courses, world, names);
    }
  }
  if (over) for (const [key, course] of courses) courses.set(key, { ...course, waiting: "" });
  return { applications, deployments, instance, courses };
}

/** The rest of a turn, as the reconciler does it, for whole applications; returns who is to be stepped again. */
function finish(turn: Turn, draft: Draft, names: ReadonlySet<string>): Set<string> {
  for (const name of names) turn.stepApplication(name);
  turn.admitWaiting(true);
  draft.commit();
  return new Set([...turn.again.names()].filter((name) => names.has(name)));
}

function replicasOf(world: World, key: string): ReplicaRecord[] {
  return [...(world.replicasOf.get(key) ?? [])].map((id) => world.replicas.get(id)!);
}

function countReplicas(world: World, names: ReadonlySet<string>): number {
  const keysOf = [...names].flatMap((name) => [...(world.deploymentsOf.get(name) ?? [])]);
  return keysOf.reduce((sum, key) => sum + (world.replicasOf.get(key)?.size ?? 0), 0);
}

function chunks(events: readonly Incoming[]): Incoming[][] {
  const count = Math.ceil(events.length / EVENTS_AT_ONCE);
  return Array.from({ length: count }, (_, index) =>
    events.slice(index * EVENTS_AT_ONCE, (index + 1) * EVENTS_AT_ONCE),
  );
}

/** What comes next of itself, on the way out and on the way in. */
function eventsOf(world: World, names: ReadonlySet<string>): { leaving: Incoming[]; coming: Incoming[] } {
  const leaving: Incoming[] = [];
  const coming: Incoming[] = [];
  for (const name of names) {
    const replicas = [...(world.deploymentsOf.get(name) ?? [])].flatMap((key) => replicasOf(world, key));
    for (const { id, state, dataSocket } of replicas) {
      if (state.kind === "stopping") {
        if (state.stage === "unrouting") leaving.push({ kind: "unrouted", id });
        else leaving.push({ kind: "engine", event: { kind: "exited", id, detail: "" } });
      } else if (state.kind === "starting" || state.kind === "recovering") {
        coming.push({ kind: "engine", event: { kind: "ready", id, address: dataSocket } });
      } else if (state.kind === "updating") {
        coming.push({ kind: "engine", event: { kind: "reconfigured", id, settings: state.to.settings } });
      }
    }
  }
  return { leaving, coming };
}

function beginning(replicas: readonly ReplicaRecord[]): Course {
  return { replicasBefore: countLive(replicas), mostLive: 0, leastServing: Infinity, waiting: "" };
}

/** Takes the present state into the courses. */
function note(courses: Map<string, Course>, world: World, names: ReadonlySet<string>): void {
  for (const name of names) {
    for (const key of world.deploymentsOf.get(name) ?? []) {
      const replicas = replicasOf(world, key);
      const course = courses.get(key) ?? beginning([]);
      const { message } = world.deployments.get(key)!;
      courses.set(key, {
        ...course,
        mostLive: Math.max(course.mostLive, countLive(replicas)),
        leastServing: Math.min(course.leastServing, replicas.filter(({ state }) => isRoutable(state)).length),
        waiting: isWaitingMessage(message) ? message : "",
      });
    }
  }
}

function countLive(replicas: readonly ReplicaRecord[]): number {
  return replicas.filter(({ state }) => state.kind !== "stopping" && state.kind !== "waiting").length;
}

/** The course of each deployment of an application, by name. */
export function coursesOf(courses: ReadonlyMap<string, Course>, application: string): Map<string, Course> {
  const prefix = keys.deployment(application, "");
  const own = [...courses].filter(([key]) => key.startsWith(prefix));
  return new Map(own.map(([key, course]) => [decodeURIComponent(key.slice(prefix.length)), course] as const));
}
