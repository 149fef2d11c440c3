import type { Deadlines } from "../core/deadlines.ts";
import { errorText } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import type { EngineEvent } from "../engine/engine.ts";
import type { ProxyEvent } from "../engine/proxies.ts";
import type { Logger } from "../observability/logger.ts";
import { admitWaiting } from "./admit-waiting.ts";
import { stepApplication } from "./application-state.ts";
import { lookAfterCanary } from "./canary.ts";
import type { CanaryRoutes } from "./canary-routes.ts";
import { canaryReplicas } from "./canary-state.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import type { DeploymentAction, SocketPaths } from "./deployment-state.ts";
import { moved, stepDeployment } from "./deployment-state.ts";
import { Dirty } from "./dirty.ts";
import type { IncomingReplicaEvent, Touched } from "./events.ts";
import { takeBuildEvent, takeProxyEvent, takeReplicaEvent } from "./events.ts";
import type { HealthChecks } from "./health-checks.ts";
import { endLease, leaseEndsAt } from "./lease-state.ts";
import type { ApplicationRecord, DeploymentRecord } from "./records.ts";
import { keys, nameIn } from "./records.ts";
import { routerVersionOf } from "./request-routing.ts";
import type { NodeCapacity } from "./resources.ts";
import { deleteRevisions } from "./revisions.ts";
import { stepRevision } from "./rollback.ts";
import { endRouterFailure, routerFailureEndsAt } from "./router-failure-state.ts";
import type { TrafficSums } from "./traffic.ts";
import { remarkWaiting } from "./waiting.ts";
import type { Draft, World } from "./world.ts";

/** What the reconciler does once a turn is durable. */
export type Effect =
  | DeploymentAction
  | CommandAction
  | { readonly kind: "check-health"; readonly id: string; readonly timeoutMs: number }
  | { readonly kind: "start-proxies" }
  | { readonly kind: "stop-proxies" };

/** What happened, as far as it is not a command. */
export type Incoming =
  | { readonly kind: "engine"; readonly event: EngineEvent }
  | { readonly kind: "proxy"; readonly event: ProxyEvent }
  | { readonly kind: "unrouted"; readonly id: string }
  /** The verdict of health checks, where its turn was not stored. */
  | { readonly kind: "unhealthy"; readonly id: string; readonly error: string };

/** What a turn looks at besides its draft. */
export interface TurnContext {
  readonly world: World;
  readonly command: CommandContext;
  readonly random: Random;
  readonly sockets: SocketPaths;
  readonly health: HealthChecks;
  readonly logger: Logger;
  /** What the node has for replicas. */
  readonly capacity: NodeCapacity;
  /** How the requests of split applications ended. */
  readonly traffic: TrafficSums;
  /** Which canaries' replicas routers know. */
  readonly canaryRoutes: CanaryRoutes;
  /** When each deployment (by store key) needs a step although nothing happens. */
  readonly wakeAt: Deadlines;
}

/** When a step that threw is tried again. */
const STEP_RETRY_MS = 1_000;

/** The decisions of one turn, on a draft. Nothing here waits or does anything. */
export class Turn {
  readonly #c: TurnContext;
  readonly #draft: Draft;
  readonly effects: Effect[] = [];
  /** What is to be stepped in another turn at once. */
  readonly again = new Dirty();
  /** What was stepped, and what that has changed besides. */
  readonly stepped = new Dirty();
  /** Store keys of the deployments that were stepped and have replicas that wait. */
  readonly #haveWaiting = new Set<string>();
  /** What events come to that were taken in, where taking them in again would count them twice. */
  readonly #settled = new Map<Incoming, readonly Incoming[]>();

  constructor(draft: Draft, context: TurnContext) {
    this.#draft = draft;
    this.#c = context;
  }

  /** Takes one event in; returns what it touched. */
  take(item: Incoming): Touched | undefined {
    const draft = this.#draft;
    const context = this.#c.command;
    const replica = (id: string, event: IncomingReplicaEvent): Touched | undefined => {
      const touched = takeReplicaEvent(draft, id, event, context.now);
      this.effects.push(...(touched?.actions ?? []));
      return touched;
    };
    if (item.kind === "proxy") {
      takeProxyEvent(draft, item.event);
      return undefined;
    }
    if (item.kind === "unrouted") return replica(item.id, { kind: "unrouted" });
    if (item.kind === "unhealthy") return replica(item.id, { kind: "unhealthy", error: item.error });
    const { event } = item;
    if (event.kind === "built" || event.kind === "build-failed") return takeBuildEvent(draft, event, context);
    if (event.kind !== "health") return replica(event.id, event);
    const { nextAt, unhealthy } = this.#c.health.end(event.id, event.error);
    this.#settled.set(item, unhealthy === undefined ? [] : [{ kind: "unhealthy", id: event.id, error: unhealthy }]);
    if (unhealthy !== undefined) return replica(event.id, { kind: "unhealthy", error: unhealthy });
    const checked = draft.replica(event.id);
    if (checked === undefined || event.error !== null) return checked;
    // Nothing is new but when the next check is due: nothing has to be stepped.
    const key = keys.deployment(checked.application, checked.deployment);
    this.#c.wakeAt.set(key, Math.min(nextAt, this.#c.wakeAt.get(key)));
    return undefined;
  }

  /** What of an event is left to be taken in by a later turn when this one is not stored. */
  toRepeat(item: Incoming): readonly Incoming[] {
    return this.#settled.get(item) ?? [item];
  }

  /** Steps an application with all of its deployments. */
  stepApplication(name: string): void {
    this.stepped.addApplication(name);
    this.#step(name, this.#draft.deploymentsOf(name));
  }

  /** Steps some deployments of an application, by store key, and what follows from them for it. */
  stepDeployments(name: string, which: ReadonlySet<string>): void {
    const draft = this.#draft;
    const some: DeploymentRecord[] = [];
    for (const key of [...which].sort()) {
      const deployment = draft.deployment(name, nameIn(key));
      if (deployment !== undefined) some.push(deployment);
      else this.#c.wakeAt.delete(key);
    }
    // A canary moves all at once; a step that failed is reported on all, and so is that it succeeds again.
    const all =
      draft.application(name)?.canary !== undefined || some.some(({ trigger }) => trigger === "INTERNAL_ERROR");
    if (all) {
      this.stepApplication(name);
      return;
    }
    for (const key of which) this.stepped.addDeployment(name, key);
    this.#step(name, some);
  }

  /** An exception is undone, reported on the application, and stops no other. */
  #step(name: string, deployments: readonly DeploymentRecord[]): void {
    const draft = this.#draft;
    const { now } = this.#c.command;
    const effectsBefore = this.effects.length;
    const failure = draft.savepoint(() => {
      for (const deployment of deployments) this.#stepDeployment(deployment, now);
      const application = draft.application(name);
      if (!application) return;
      const next = stepApplication(application, draft.tellingOf(name), now);
      if (!next) {
        deleteRevisions(draft, name);
        draft.deleteApplication(name);
        return;
      }
      draft.setApplication(next);
      this.#stepRevision(next);
      this.#stepCanary(name);
    });
    if (!failure) return;
    for (const lost of this.effects.splice(effectsBefore)) {
      if (lost.kind === "check-health") this.#c.health.abandon(lost.id);
    }
    this.#c.logger.error("the step of an application failed", { application: name, error: errorText(failure.error) });
    for (const deployment of draft.deploymentsOf(name)) {
      // A wish of an earlier step that has passed would bring turn after turn without a pause.
      this.#c.wakeAt.set(keys.deployment(name, deployment.name), now + STEP_RETRY_MS);
      const message =
        "The controller met an error of its own while working on this deployment; its log has the details.";
      if (deployment.trigger !== "INTERNAL_ERROR") {
        draft.setDeployment(moved(deployment, { kind: "INTERNAL_ERROR", message }, now));
      }
    }
  }

  /** Notes how the revision in force fares. Where that takes it back, the next turn comes at once. */
  #stepRevision(application: ApplicationRecord): void {
    const step = stepRevision(this.#draft, application, this.#c.command);
    this.effects.push(...step.actions);
    if (!step.rolledBack) return;
    const { name } = application;
    this.stepped.addApplication(name);
    for (const deployment of this.#draft.deploymentsOf(name)) {
      this.#c.wakeAt.set(keys.deployment(name, deployment.name), this.#c.command.now);
    }
  }

  /** Looks after a canary; what it comes to is acted on in the next turn, which comes at once. */
  #stepCanary(name: string): void {
    const application = this.#draft.application(name)!;
    const { actions, again, wakeAt } = lookAfterCanary(this.#draft, application, this.#c, this.#c.command);
    this.effects.push(...actions);
    if (again) {
      this.again.addApplication(name);
      this.stepped.addApplication(name);
    }
    if (wakeAt === Infinity) return;
    const [first] = this.#draft.deploymentsOf(name);
    if (first === undefined) return;
    const key = keys.deployment(name, first.name);
    this.#c.wakeAt.set(key, Math.min(wakeAt, this.#c.wakeAt.get(key)));
  }

  #stepDeployment(stored: DeploymentRecord, now: number): void {
    const ended = endLease(stored, this.#draft.instance, now);
    if (ended !== undefined) this.#draft.journal(ended.entry);
    const leased = ended?.deployment ?? stored;
    const deployment = leased.routerFailure ? endRouterFailure(leased, routerVersionOf(leased), now) : leased;
    const { world, random, sockets, health, wakeAt } = this.#c;
    const draft = this.#draft;
    const { application, name } = deployment;
    const key = keys.deployment(application, name);
    const before = draft.replicasOf(application, name);
    const node = { capacity: this.#c.capacity, usage: draft.usage, mayTake: draft.freedBy.has(key) };
    const canary = draft.application(application)?.canary;
    const canaries = canary && deployment.stable ? canaryReplicas(canary, deployment.target.replicas) : 0;
    const step = stepDeployment({ deployment, replicas: before, now, random, sockets, node, canaries });
    if (step.replicas.some(({ state }) => state.kind === "waiting")) this.#haveWaiting.add(key);
    const left = new Set(step.replicas.map((replica) => replica.id));
    for (const replica of before) if (!left.has(replica.id)) draft.deleteReplica(replica);
    for (const replica of step.replicas) draft.setReplica(replica);
    this.effects.push(...step.actions);
    if (!step.deployment) {
      draft.deleteDeployment(application, name);
      wakeAt.delete(key);
      return;
    }
    const next = step.deployment;
    const was = world.deployments.get(key);
    if (was && (was.status !== next.status || was.trigger !== next.trigger)) {
      draft.journal({
        at: now,
        actor: "controller",
        kind: "transition",
        application,
        deployment: name,
        from: `${was.status}/${was.trigger}`,
        to: `${next.status}/${next.trigger}`,
        message: next.message,
      });
    }
    draft.setDeployment(was && sameRecord(next, was) ? was : { ...next, updatedAt: now });
    const checks = health.due(step.replicas, next, now);
    const timeoutMs = next.config.health_check_timeout_s * 1000;
    for (const id of checks.ids) this.effects.push({ kind: "check-health", id, timeoutMs });
    wakeAt.set(key, Math.min(step.wakeAt, checks.nextAt, leaseEndsAt(next), routerFailureEndsAt(next)));
  }

  /**
   * Starts what waits for room, once all deployments have made their steps; `always`: although nothing of this turn
   * changed what there is.
   */
  admitWaiting(always: boolean): void {
    const draft = this.#draft;
    const { capacity } = this.#c;
    const { now } = this.#c.command;
    if (always || draft.freedBy.size > 0 || draft.newlyWaiting.size > 0) {
      const { started, stuck } = admitWaiting(draft, capacity, now);
      for (const replica of started) {
        this.effects.push({ kind: "start", replica });
        this.#haveWaiting.add(keys.deployment(replica.application, replica.deployment));
      }
      for (const { application, name } of stuck) {
        this.again.addDeployment(application, keys.deployment(application, name));
      }
    }
    this.#noteTouchedWaiting();
    for (const key of this.#haveWaiting) {
      const [application = "", name = ""] = key.split("/").slice(1).map(decodeURIComponent);
      const deployment = draft.deployment(application, name);
      if (!deployment) continue;
      const node = { capacity, usage: draft.usage };
      const next = remarkWaiting(deployment, draft.replicasOf(application, name), node, now);
      const was = this.#c.world.deployments.get(key);
      const same = was && sameRecord({ ...next, updatedAt: was.updatedAt }, was);
      draft.setDeployment(same ? was : next);
    }
  }

  /** What waits in an application of which something was stepped says how much room there is now. */
  #noteTouchedWaiting(): void {
    const draft = this.#draft;
    if (draft.usage === this.#c.world.usage) return;
    const stepped = new Set(this.stepped.names());
    for (const { application, deployment } of draft.waiting()) {
      if (stepped.has(application)) this.#haveWaiting.add(keys.deployment(application, deployment));
    }
  }

  /** Brings the proxies of an instance that is made, and ends one that has nothing left. */
  stepInstance(): void {
    const draft = this.#draft;
    const { now } = this.#c.command;
    const { instance } = draft;
    if (instance.state === "running" && this.#c.world.instance.state === "absent") {
      this.effects.push({ kind: "start-proxies" });
    }
    if (instance.state !== "ending" || draft.applications().length > 0) return;
    const proxies = draft.proxies();
    if (proxies.length === 0) {
      draft.instance = { ...instance, state: "absent", httpAddress: "", updatedAt: now };
      draft.journal({ at: now, actor: "controller", kind: "instance", state: "absent" });
    } else if (proxies.some((proxy) => proxy.state !== "draining")) {
      for (const proxy of proxies) draft.setProxy({ ...proxy, state: "draining" });
      this.effects.push({ kind: "stop-proxies" });
    }
  }
}

/** Whether two records would be stored as the same document; nearly all of their parts are the same objects. */
function sameRecord(a: DeploymentRecord, b: DeploymentRecord): boolean {
  const parts = Object.entries(a);
  if (parts.length !== Object.keys(b).length) return false;
  const other = b as unknown as Readonly<Record<string, unknown>>;
  return parts.every(([name, part]) => part === other[name] || JSON.stringify(part) === JSON.stringify(other[name]));
}
