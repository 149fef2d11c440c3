import type { GrpcOptions, HttpOptions } from "../config/types.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText, WindlassError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { randomId } from "../core/random.ts";
import type { Engine, EngineEvent } from "../engine/engine.ts";
import type { ProxyEvent, ProxyFleet } from "../engine/proxies.ts";
import type { Logger } from "../observability/logger.ts";
import type { Op, Store } from "../store/store.ts";
import { stepApplication } from "./application-state.ts";
import type { CommandAction, CommandContext } from "./commands.ts";
import {
  applyConfig,
  buildAction,
  deleteApplication,
  endInstance,
  newInstance,
  rotateToken,
  scale,
} from "./commands.ts";
import type { ApplyConfigRequest, Controller, DeleteApplicationRequest, ScaleRequest, Snapshot } from "./controller.ts";
import type { DeploymentAction, SocketPaths } from "./deployment-state.ts";
import { moved, stepDeployment } from "./deployment-state.ts";
import { performDeploymentAction } from "./engine-requests.ts";
import type { IncomingReplicaEvent } from "./events.ts";
import { takeBuildEvent, takeProxyEvent, takeReplicaEvent } from "./events.ts";
import { HealthChecks } from "./health-checks.ts";
import type { ApplicationRecord, DeploymentRecord, InstanceRecord } from "./records.ts";
import { keys } from "./records.ts";
import { recoverReplica } from "./replica-state.ts";
import type { RouteHub } from "./route-hub.ts";
import { routingTable } from "./routing-table.ts";
import type { World } from "./world.ts";
import { applyWrite, Draft, emptyWorld } from "./world.ts";

export interface ReconcilerOptions {
  readonly store: Store;
  readonly engine: Engine;
  readonly proxies: ProxyFleet;
  readonly routes: RouteHub;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sockets: SocketPaths;
  readonly bind: CommandContext["bind"];
  readonly proxyWorkers: number;
  /** Where proxies run unless a config says otherwise. */
  readonly proxyLocation: InstanceRecord["proxyLocation"];
}

type Inbox =
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "engine"; readonly event: EngineEvent }
  | { readonly kind: "proxy"; readonly event: ProxyEvent }
  | { readonly kind: "unrouted"; readonly id: string };

interface Command {
  run(draft: Draft, context: CommandContext): readonly CommandAction[];
  done(revision: number): void;
  failed(error: unknown): void;
}

type Effect = DeploymentAction | CommandAction | { kind: "start-proxies" } | { kind: "stop-proxies" };

/** A router that has not applied a table after this long is not waited for: it is stuck, and rejects are retried. */
const UNROUTE_TIMEOUT_MS = 5_000;

/** Revisions of history that watches can resume from; more are kept for a while, as compacting costs a sync. */
const HISTORY_REVISIONS = 10_000;

/** How long the store gets after it refused a write. */
const STORE_RETRY_MS = 500;

/**
 * The one effectful loop of the controller. A turn drains the inbox, lets the pure step functions decide on a draft,
 * makes the draft durable in one transaction, and only then performs the actions and answers the callers. One
 * application's exception is reported on that application and stops no other.
 */
export class Reconciler implements Controller {
  readonly #o: ReconcilerOptions;
  readonly #world: World = emptyWorld();
  readonly #health: HealthChecks;
  #inbox: Inbox[] = [];
  /** Deployments whose replicas are being unrouted: id → table revision to be applied, and since when. */
  readonly #unrouting = new Map<string, { revision: number; since: number }>();
  /** When each deployment (by store key) needs a step although nothing happened. */
  readonly #wakeAt = new Map<string, number>();
  #dirty = new Set<string>();
  #running = false;
  #timer: Timer | undefined;
  #stopped = false;
  /** Called after each turn. */
  readonly #afterTurn = new Set<() => void>();

  constructor(options: ReconcilerOptions) {
    this.#o = options;
    this.#health = new HealthChecks(options.random);
    options.engine.onEvent((event) => this.#post({ kind: "engine", event }));
    options.proxies.onEvent((event) => this.#post({ kind: "proxy", event }));
    options.routes.onApplied(() => this.#lookForUnrouted());
  }

  /**
   * Reads the store and takes up what runs: replicas are adopted, builds begun again, an instance made where there is
   * none (`makeInstance`). Resolves when all that is durable and the first routing table is out.
   */
  async recover(options: {
    readonly makeInstance: boolean;
    /** Of the config that is deployed first; they replace the stored ones. */
    readonly httpOptions?: HttpOptions;
    readonly grpcOptions?: GrpcOptions;
  }): Promise<void> {
    const { clock, engine, store } = this.#o;
    for (const prefix of ["instance", "application/", "deployment/", "replica/", "proxy/", "journal/"]) {
      for (const { key, value } of store.range(prefix)) applyWrite(this.#world, key, JSON.parse(value));
    }
    const now = clock.now();
    const draft = new Draft(this.#world);
    const adopt = [...this.#world.replicas.values()].map((replica) => recoverReplica(replica, now));
    for (const replica of adopt) draft.setReplica(replica);
    for (const proxy of draft.proxies()) draft.deleteProxy(proxy.id);
    if (draft.instance.state === "absent" && options.makeInstance) {
      const { httpOptions = {}, grpcOptions = {} } = options;
      draft.instance = newInstance(
        { http_options: httpOptions, grpc_options: grpcOptions, proxy_location: this.#o.proxyLocation },
        this.#context(now),
      );
    } else if (draft.instance.state === "running") {
      const { instance } = draft;
      const fresh = newInstance(
        {
          http_options: options.httpOptions ?? instance.httpOptions,
          grpc_options: options.grpcOptions ?? instance.grpcOptions,
          proxy_location: instance.proxyLocation,
        },
        this.#context(now),
      );
      const { httpOptions, grpcOptions, httpAddress } = fresh;
      draft.instance = { ...instance, httpOptions, grpcOptions, httpAddress };
    }
    const bundleLost = new Set<string>();
    for (const application of draft.applications()) {
      const { built, build, deleting } = application;
      if (!built || built.bundlePath === "" || deleting || engine.hasBundle(built.bundlePath)) continue;
      bundleLost.add(application.name);
      if (build.kind === "building") continue;
      const buildId = randomId(this.#o.random, 12);
      draft.setApplication({ ...application, build: { kind: "building", buildId, check: true, since: now } });
    }
    await this.#commit(draft);
    // What has no bundle could only fail to start: the end of its build makes it dirty.
    for (const { name } of this.#world.applications.values()) if (!bundleLost.has(name)) this.#dirty.add(name);
    this.#publishRoutes();
    for (const replica of adopt) {
      performDeploymentAction(engine, this.#world, { kind: "adopt", replica });
    }
    for (const application of this.#world.applications.values()) {
      if (application.build.kind === "building") this.#perform(buildAction(application));
    }
    // An instance that was ending goes on ending; proxies of an earlier controller may still run.
    this.#perform({ kind: this.#world.instance.state === "running" ? "start-proxies" : "stop-proxies" });
    this.#schedule(0);
  }

  /** Ends the loop; nothing is stopped, so that a successor can adopt it. Waits for the turn under way. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    while (this.#running) await this.#o.clock.sleep(5);
    const refusal = new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping; try again");
    for (const item of this.#inbox) if (item.kind === "command") item.command.failed(refusal);
    this.#inbox = [];
  }

  /**
   * Ends the loop and stops every replica with its own grace, keeping the desired state: the next controller starts
   * them anew. Call after the proxies have drained.
   */
  async stopReplicas(): Promise<void> {
    await this.close();
    const { clock, engine } = this.#o;
    const now = clock.now();
    const alive = new Map<string, number>();
    for (const replica of this.#world.replicas.values()) {
      const deployment = this.#world.deployments.get(keys.deployment(replica.application, replica.deployment));
      alive.set(replica.id, now + (deployment?.config.graceful_shutdown_timeout_s ?? 0) * 1000);
    }
    engine.onEvent((event) => {
      if (event.kind === "exited") alive.delete(event.id);
    });
    for (const [id, deadline] of alive) engine.stop(id, deadline - now);
    const lastDeadline = Math.max(now, ...alive.values());
    while (alive.size > 0 && clock.now() < lastDeadline + 2_000) {
      for (const [id, deadline] of alive) if (clock.now() >= deadline) engine.kill(id);
      await clock.sleep(20);
    }
    const draft = new Draft(this.#world);
    for (const replica of this.#world.replicas.values()) draft.deleteReplica(replica);
    for (const proxy of draft.proxies()) draft.deleteProxy(proxy.id);
    for (const deployment of this.#world.deployments.values()) {
      if (deployment.deleting) continue;
      const stopped = { ...deployment, replicaCounts: {} };
      const kept = deployment.status === "DEPLOY_FAILED";
      draft.setDeployment(kept ? stopped : moved(stopped, { kind: "CONFIG_UPDATE" }, clock.now()));
    }
    await this.#commit(draft);
  }

  snapshot(): Snapshot {
    const world = this.#world;
    const by =
      <T>(key: (record: T) => string) =>
      (a: T, b: T) =>
        key(a) < key(b) ? -1 : 1;
    return {
      revision: this.#o.store.revision,
      instance: world.instance,
      applications: [...world.applications.values()].sort(by((record) => record.name)),
      deployments: [...world.deployments.values()].sort(
        by((record) => keys.deployment(record.application, record.name)),
      ),
      replicas: [...world.replicas.values()].sort(
        by((record) => keys.replica(record.application, record.deployment, record.id)),
      ),
      proxies: [...world.proxies.values()].sort(by((record) => record.id)),
    };
  }

  application(name: string): ApplicationRecord | undefined {
    return this.#world.applications.get(name);
  }

  deployment(application: string, name: string): DeploymentRecord | undefined {
    return this.#world.deployments.get(keys.deployment(application, name));
  }

  async applyConfig(request: ApplyConfigRequest): Promise<{ revision: number; warnings: string[] }> {
    const { revision, result } = await this.#submit((draft, context) => {
      const { warnings, actions } = applyConfig(draft, request, context);
      return { result: warnings, actions };
    });
    return { revision, warnings: result };
  }

  async scale(request: ScaleRequest): Promise<{ revision: number; previous: number; deployment: DeploymentRecord }> {
    const { revision, result } = await this.#submit((draft, { now }) => ({
      result: scale(draft, request, now),
      actions: [],
    }));
    return { revision, ...result };
  }

  async deleteApplication(request: DeleteApplicationRequest): Promise<{ revision: number }> {
    const { revision } = await this.#submit((draft, { now }) => ({
      result: undefined,
      actions: deleteApplication(draft, request, now),
    }));
    return { revision };
  }

  async endInstance(actor: string): Promise<{ revision: number }> {
    const { revision } = await this.#submit((draft, { now }) => ({
      result: undefined,
      actions: endInstance(draft, actor, now),
    }));
    return { revision };
  }

  async rotateToken(application: string, actor: string): Promise<ApplicationRecord> {
    const { result } = await this.#submit((draft, { now }) => ({
      result: rotateToken(draft, application, actor, now),
      actions: [],
    }));
    return result;
  }

  instanceEnded(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#world.instance.state === "absent", signal);
  }

  /** Resolves when every wanted proxy listens; at once when none is wanted. */
  proxiesReady(): Promise<void> {
    return this.#until(() => {
      const { instance, proxies } = this.#world;
      if (instance.state !== "running" || instance.proxyLocation === "Disabled") return true;
      return proxies.size === this.#o.proxyWorkers && [...proxies.values()].every(({ state }) => state === "healthy");
    });
  }

  /** Resolves when no proxy is left. */
  proxiesGone(): Promise<void> {
    return this.#until(() => this.#world.proxies.size === 0);
  }

  /** Resolves after the first turn at whose end `holds`, or when `signal` aborts. */
  #until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (holds() || signal?.aborted) return resolve();
      const done = (): void => {
        this.#afterTurn.delete(look);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const look = (): void => {
        if (holds()) done();
      };
      this.#afterTurn.add(look);
      signal?.addEventListener("abort", done, { once: true });
    });
  }

  #submit<T>(
    run: (draft: Draft, context: CommandContext) => { result: T; actions: readonly CommandAction[] },
  ): Promise<{ revision: number; result: T }> {
    return new Promise((resolve, reject) => {
      let result: T;
      const command: Command = {
        run(draft, context) {
          const outcome = run(draft, context);
          result = outcome.result;
          return outcome.actions;
        },
        done: (revision) => resolve({ revision, result }),
        failed: reject,
      };
      if (this.#stopped) reject(new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping; try again"));
      else this.#post({ kind: "command", command });
    });
  }

  #post(item: Inbox): void {
    this.#inbox.push(item);
    this.#schedule(0);
  }

  /** At most one timer: the earliest wish wins. 0 is the next turn of the event loop. */
  #schedule(delayMs: number): void {
    if (this.#running || this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (delayMs === Infinity) return;
    if (delayMs <= 0) {
      this.#running = true;
      setImmediate(() => void this.#run());
    } else {
      this.#timer = this.#o.clock.timer(delayMs, () => this.#schedule(0));
    }
  }

  async #run(): Promise<void> {
    let retryMs = 0;
    try {
      retryMs = await this.#turn();
    } catch (error) {
      this.#o.logger.error("a turn of the controller failed", { error: errorText(error) });
      retryMs = STORE_RETRY_MS;
    }
    this.#running = false;
    if (retryMs > 0) this.#schedule(retryMs);
    else if (this.#inbox.length > 0 || this.#dirty.size > 0) this.#schedule(0);
    else this.#schedule(this.#nextWake() - this.#o.clock.now());
  }

  /** Returns 0, or how long to wait before trying again. */
  async #turn(): Promise<number> {
    const { clock, logger } = this.#o;
    const now = clock.now();
    const context = this.#context(now);
    const batch = this.#inbox;
    this.#inbox = [];
    const draft = new Draft(this.#world);
    const effects: Effect[] = [];
    const answers: Command[] = [];
    for (const [key, at] of this.#wakeAt) {
      if (at <= now) this.#dirty.add(decodeURIComponent(key.split("/")[1]!));
    }
    for (const item of batch) {
      const failure = draft.savepoint(() => {
        if (item.kind === "command") {
          effects.push(...item.command.run(draft, context));
          answers.push(item.command);
        } else {
          const touched = this.#take(draft, item, context, effects);
          if (touched !== undefined) this.#dirty.add(touched);
        }
      });
      if (!failure) continue;
      if (item.kind === "command") item.command.failed(failure.error);
      else logger.error("an event was dropped", { kind: item.kind, error: errorText(failure.error) });
    }
    const stepped = new Set([...this.#dirty, ...draft.touched]);
    this.#dirty = new Set();
    for (const name of stepped) this.#stepApplication(draft, name, now, effects);
    this.#stepInstance(draft, now, effects);

    let committed: { revision: number; changed: boolean };
    try {
      committed = await this.#commit(draft);
    } catch (error) {
      logger.error("the store refused a write", { error: errorText(error) });
      const refusal = new WindlassError("STORE_UNAVAILABLE", `the change was not stored: ${errorText(error)}`);
      for (const command of answers) command.failed(refusal);
      // What happened stays to be taken in; what was asked for was refused.
      this.#inbox = [...batch.filter((item) => item.kind !== "command"), ...this.#inbox];
      for (const name of stepped) this.#dirty.add(name);
      return STORE_RETRY_MS;
    }
    if (committed.changed) this.#publishRoutes();
    for (const effect of effects) this.#perform(effect);
    for (const command of answers) command.done(committed.revision);
    this.#lookForUnrouted();
    for (const look of [...this.#afterTurn]) look();
    return 0;
  }

  /** Takes one event in; returns the application it touched. */
  #take(
    draft: Draft,
    item: Exclude<Inbox, { kind: "command" }>,
    context: CommandContext,
    effects: Effect[],
  ): string | undefined {
    const replica = (id: string, event: IncomingReplicaEvent): string | undefined => {
      const touched = takeReplicaEvent(draft, id, event, context.now);
      effects.push(...(touched?.actions ?? []));
      return touched?.application;
    };
    if (item.kind === "proxy") {
      takeProxyEvent(draft, item.event);
      return undefined;
    }
    if (item.kind === "unrouted") return replica(item.id, { kind: "unrouted" });
    const { event } = item;
    if (event.kind === "built" || event.kind === "build-failed") return takeBuildEvent(draft, event, context);
    if (event.kind !== "health") return replica(event.id, event);
    const { unhealthy } = this.#health.end(event.id, event.error);
    if (unhealthy !== undefined) return replica(event.id, { kind: "unhealthy", error: unhealthy });
    return draft.replica(event.id)?.application;
  }

  #stepApplication(draft: Draft, name: string, now: number, effects: Effect[]): void {
    const mine: Effect[] = [];
    const failure = draft.savepoint(() => {
      for (const deployment of draft.deploymentsOf(name)) this.#stepDeployment(draft, deployment, now, mine);
      const application = draft.application(name);
      if (!application) return;
      const next = stepApplication(application, draft.deploymentsOf(name), now);
      if (next) draft.setApplication(next);
      else draft.deleteApplication(name);
    });
    if (!failure) {
      effects.push(...mine);
      return;
    }
    this.#o.logger.error("the step of an application failed", { application: name, error: errorText(failure.error) });
    for (const deployment of draft.deploymentsOf(name)) {
      const message =
        "The controller met an error of its own while working on this deployment; its log has the details.";
      if (deployment.trigger !== "INTERNAL_ERROR") {
        draft.setDeployment(moved(deployment, { kind: "INTERNAL_ERROR", message }, now));
      }
    }
  }

  #stepDeployment(draft: Draft, deployment: DeploymentRecord, now: number, effects: Effect[]): void {
    const { application, name } = deployment;
    const key = keys.deployment(application, name);
    const before = draft.replicasOf(application, name);
    const step = stepDeployment({
      deployment,
      replicas: before,
      now,
      random: this.#o.random,
      sockets: this.#o.sockets,
    });
    const left = new Set(step.replicas.map((replica) => replica.id));
    for (const replica of before) if (!left.has(replica.id)) draft.deleteReplica(replica);
    for (const replica of step.replicas) draft.setReplica(replica);
    effects.push(...step.actions);
    if (!step.deployment) {
      draft.deleteDeployment(application, name);
      this.#wakeAt.delete(key);
      return;
    }
    const next = step.deployment;
    const was = this.#world.deployments.get(key);
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
    draft.setDeployment(was && JSON.stringify(next) === JSON.stringify(was) ? was : { ...next, updatedAt: now });
    const checks = this.#health.due(step.replicas, next, now);
    for (const id of checks.ids) {
      this.#o.engine.checkHealth(id, next.config.health_check_timeout_s * 1000);
    }
    this.#wakeAt.set(key, Math.min(step.wakeAt, checks.nextAt));
  }

  #stepInstance(draft: Draft, now: number, effects: Effect[]): void {
    const { instance } = draft;
    if (instance.state === "running" && this.#world.instance.state === "absent")
      effects.push({ kind: "start-proxies" });
    if (instance.state !== "ending" || draft.applications().length > 0) return;
    const proxies = draft.proxies();
    if (proxies.length === 0) {
      draft.instance = { ...instance, state: "absent", httpAddress: "", updatedAt: now };
      draft.journal({ at: now, actor: "controller", kind: "instance", state: "absent" });
      return;
    }
    if (proxies.some((proxy) => proxy.state !== "draining")) {
      for (const proxy of proxies) draft.setProxy({ ...proxy, state: "draining" });
      effects.push({ kind: "stop-proxies" });
    }
  }

  async #commit(draft: Draft): Promise<{ revision: number; changed: boolean }> {
    const writes = draft.writes();
    if (writes.length > 0) {
      const ops: Op[] = writes.map(({ key, value }) =>
        value === null ? { kind: "delete", key } : { kind: "put", key, value: JSON.stringify(value) },
      );
      await this.#o.store.txn([], ops);
      draft.commit();
    }
    const { store, logger } = this.#o;
    if (store.revision - store.compactedRevision > 2 * HISTORY_REVISIONS) {
      store.compact(store.revision - HISTORY_REVISIONS).catch((error: unknown) => {
        logger.warn("history was not compacted", { error: errorText(error) });
      });
    }
    return { revision: store.revision, changed: writes.length > 0 };
  }

  #publishRoutes(): void {
    const now = this.#o.clock.now();
    const revision = this.#o.routes.publish(Math.max(1, this.#o.store.revision), routingTable(this.#world));
    for (const [id, { revision: needed }] of this.#unrouting) {
      const replica = this.#world.replicas.get(id);
      if (needed > 0 && (replica?.state.kind !== "stopping" || replica.state.stage !== "unrouting")) {
        this.#unrouting.delete(id);
      }
    }
    for (const replica of this.#world.replicas.values()) {
      if (replica.state.kind !== "stopping" || replica.state.stage !== "unrouting") continue;
      if (!this.#unrouting.has(replica.id)) this.#unrouting.set(replica.id, { revision, since: now });
    }
  }

  /** Posts `unrouted` for the replicas that no router knows any more, or that were waited for long enough. */
  #lookForUnrouted(): void {
    const applied = this.#o.routes.appliedEverywhere();
    const now = this.#o.clock.now();
    for (const [id, { revision, since }] of this.#unrouting) {
      if (revision > applied && now - since < UNROUTE_TIMEOUT_MS) continue;
      this.#unrouting.delete(id);
      this.#post({ kind: "unrouted", id });
    }
    if (this.#unrouting.size > 0 && !this.#running) this.#schedule(this.#nextWake() - now);
  }

  #nextWake(): number {
    let at = Infinity;
    for (const wakeAt of this.#wakeAt.values()) at = Math.min(at, wakeAt);
    for (const { since } of this.#unrouting.values()) at = Math.min(at, since + UNROUTE_TIMEOUT_MS);
    return at;
  }

  #perform(effect: Effect): void {
    const { engine, proxies } = this.#o;
    switch (effect.kind) {
      case "build":
        engine.build(effect.request);
        return;
      case "cancel-build":
        engine.cancelBuild(effect.buildId);
        return;
      case "start-proxies": {
        const { instance } = this.#world;
        if (instance.proxyLocation === "Disabled") return;
        proxies.start({
          host: this.#o.bind.host,
          port: this.#o.bind.httpPort,
          grpcPort: this.#o.bind.grpcPort,
          rootPath: instance.httpOptions.root_path ?? "",
          keepAliveTimeoutS: instance.httpOptions.keep_alive_timeout_s ?? 90,
          count: this.#o.proxyWorkers,
        });
        return;
      }
      case "stop-proxies":
        proxies.stop();
        return;
      default:
        performDeploymentAction(engine, this.#world, effect);
    }
  }

  #context(now: number): CommandContext {
    const { random, bind } = this.#o;
    return { now, newId: (length) => randomId(random, length), bind };
  }
}
