import type { LoggingInForce } from "../config/types.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { Deadlines } from "../core/deadlines.ts";
import { errorText, WindlassError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { randomId } from "../core/random.ts";
import type { Engine } from "../engine/engine.ts";
import type { ProxyFleet } from "../engine/proxies.ts";
import type { Logger } from "../observability/logger.ts";
import type { Store } from "../store/store.ts";
import { Autoscaler } from "./autoscaler.ts";
import { buildAction } from "./builds.ts";
import { CanaryRoutes } from "./canary-routes.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import { type Committed, commitDraft } from "./commit.ts";
import type { SocketPaths } from "./deployment-state.ts";
import { Dirty } from "./dirty.ts";
import { performEffect } from "./effects.ts";
import { performDeploymentAction } from "./engine-requests.ts";
import type { Touched } from "./events.ts";
import { type CommandRun, ControllerFace } from "./face.ts";
import { HealthChecks } from "./health-checks.ts";
import type { Planning } from "./make-plan.ts";
import { planningWith } from "./make-planning.ts";
import type { PolicyRunner } from "./policy-runner.ts";
import type { InstanceRecord } from "./records.ts";
import { applicationIn, keys } from "./records.ts";
import { loadWorld, planRecovery, type RecoveryOptions } from "./recovery.ts";
import type { ReplicaWords } from "./replica-words.ts";
import { type NodeCapacity, UNLIMITED } from "./resources.ts";
import type { RouteHub } from "./route-hub.ts";
import { RoutePublisher } from "./route-publisher.ts";
import type { TakenFaults } from "./router-faults.ts";
import { stopAllReplicas, withoutProcesses } from "./stop-replicas.ts";
import type { TrafficSums } from "./traffic.ts";
import { TrialBuilds } from "./trial-builds.ts";
import { type Effect, type Incoming, Turn } from "./turn.ts";
import type { World } from "./world.ts";
import { Draft, emptyWorld } from "./world.ts";

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
  /**
   * Revisions of history that watches can resume from; up to as many more are kept for a while, as compacting costs a
   * sync. Default 10,000.
   */
  readonly watchHistory?: number;
  /** What the node has for replicas; absent: nothing limits. */
  readonly capacity?: NodeCapacity;
  /** Runs scaling policies but the built-in one; absent: their deployments keep their targets. */
  readonly policies?: PolicyRunner;
  /** Told the instance's `logging_config` with each turn that changed something; null: none was given. */
  readonly onLogging?: (logging: LoggingInForce | null) => void;
  /** Told when a turn began and ended, monotonic ms. */
  readonly onTurn?: (beganMs: number, endedMs: number) => void;
}

type Inbox = { readonly kind: "command"; readonly command: Command } | Incoming;

interface Command {
  run(draft: Draft, context: CommandContext): readonly CommandAction[];
  done(revision: number): void;
  failed(error: unknown): void;
}

/** How long the store gets after it refused a write. */
const STORE_RETRY_MS = 500;

/**
 * The one effectful loop of the controller. A turn drains the inbox, lets the pure step functions decide on a draft
 * (turn.ts), makes the draft durable in one transaction, and only then performs the actions and answers the callers.
 */
export class Reconciler extends ControllerFace {
  readonly #o: ReconcilerOptions;
  protected readonly world: World = emptyWorld();
  protected readonly planning: Planning;
  readonly #health: HealthChecks;
  protected readonly autoscaler: Autoscaler;
  readonly #wakeAt = new Deadlines();
  readonly #routes: RoutePublisher;
  readonly #canaryRoutes: CanaryRoutes;
  #inbox: Inbox[] = [];
  #dirty = new Dirty();
  #running = false;
  #timer: Timer | undefined;
  /** When the timer fires, epoch ms. */
  #timerAt = Infinity;
  #stopped = false;
  /** Replicas of an earlier controller may wait although there is room by now. */
  #lookForRoom = true;
  /** Called after each turn. */
  readonly #afterTurn = new Set<() => void>();

  constructor(options: ReconcilerOptions) {
    super();
    this.#o = options;
    this.#routes = new RoutePublisher(this.world, options);
    this.#health = new HealthChecks(options.random);
    const { clock, engine, random, routes, sockets } = options;
    this.#canaryRoutes = new CanaryRoutes({
      published: () => routes.latest.revision,
      appliedEverywhere: () => routes.appliedEverywhere(),
    });
    const { logger, policies } = options;
    const { load } = options.routes;
    const stored = (key: string): string | undefined => options.store.get(key)?.value;
    this.autoscaler = new Autoscaler({ load, clock, logger, policies, stored });
    load.onChange((application, deployment) => this.#wakeBy(this.autoscaler.reported(application, deployment)));
    options.routes.faults.onTold((atMs) => this.#wakeBy(atMs));
    policies?.onAnswer((answer) => {
      this.autoscaler.answered(answer);
      this.#schedule(0);
    });
    const builds = new TrialBuilds(engine);
    this.planning = planningWith({
      random,
      sockets,
      capacity: options.capacity ?? UNLIMITED,
      builds,
      revision: () => this.revision,
      context: () => this.#context(clock.now()),
    });
    engine.onEvent((event) => {
      if (!builds.take(event)) this.#post({ kind: "engine", event });
    });
    options.proxies.onEvent((event) => this.#post({ kind: "proxy", event }));
    options.routes.onApplied(() => this.#lookForUnrouted());
  }

  protected get revision(): number {
    return this.#o.store.revision;
  }

  protected get store(): Store {
    return this.#o.store;
  }

  protected get traffic(): TrafficSums {
    return this.#o.routes.traffic;
  }

  protected get words(): ReplicaWords {
    return this.#o.routes.words;
  }

  protected get clock(): Clock {
    return this.#o.clock;
  }

  protected get proxyWorkers(): number {
    return this.#o.proxyWorkers;
  }

  /**
   * Reads the store and takes up what runs: replicas are adopted, builds begun again. Resolves when that is durable
   * and the first routing table is out.
   */
  async recover(options: Omit<RecoveryOptions, "proxyLocation" | "hasBundle">): Promise<void> {
    const { clock, engine, store, proxyLocation } = this.#o;
    loadWorld(store, this.world);
    const hasBundle = (path: string): boolean => engine.hasBundle(path);
    const all = { ...options, proxyLocation, hasBundle };
    const { draft, adopt, bundleLost } = planRecovery(this.world, all, this.#context(clock.now()));
    await this.#commit(draft);
    // What has no bundle could only fail to start: the end of its build makes it dirty.
    for (const { name } of this.world.applications.values()) {
      if (!bundleLost.has(name)) this.#dirty.addApplication(name);
    }
    this.#routes.recovered();
    this.autoscaler.recover(this.world);
    for (const replica of adopt) performDeploymentAction(engine, this.world, { kind: "adopt", replica });
    for (const application of this.world.applications.values()) {
      if (application.build.kind === "building") this.#perform(buildAction(application));
    }
    // An instance that was ending goes on ending; proxies of an earlier controller may still run.
    this.#perform({ kind: this.world.instance.state === "running" ? "start-proxies" : "stop-proxies" });
    this.#schedule(0);
  }

  /** Ends the loop; nothing is stopped, so that a successor can adopt it. Waits for the turn under way. */
  async close(): Promise<void> {
    this.#stopped = true;
    this.planning.builds.close();
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
    await this.#saveAutoscaler();
    await stopAllReplicas(this.world, engine, clock);
    await this.#commit(withoutProcesses(this.world, clock.now()));
  }

  /** The end of what it has recorded, which turns write within a second. Replicas stop all the same without it. */
  async #saveAutoscaler(): Promise<void> {
    try {
      const draft = new Draft(this.world);
      const saved = this.autoscaler.saveAll(draft);
      await this.#commit(draft);
      this.autoscaler.commit(saved);
    } catch (error) {
      this.#o.logger.error("the autoscaler's last second was not stored", { error: errorText(error) });
    }
  }

  protected until(holds: () => boolean, signal?: AbortSignal): Promise<void> {
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

  protected submit<T>(run: CommandRun<T>): Promise<{ revision: number; result: T }> {
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
    this.#timerAt = Infinity;
    if (delayMs === Infinity) return;
    if (delayMs <= 0) {
      this.#running = true;
      setImmediate(() => void this.#run());
    } else {
      this.#timerAt = this.#o.clock.now() + delayMs;
      this.#timer = this.#o.clock.timer(delayMs, () => this.#schedule(0));
    }
  }

  /** Takes care that there is a turn then, epoch ms. */
  #wakeBy(at: number): void {
    if (at < this.#timerAt) this.#schedule(at - this.#o.clock.now());
  }

  async #run(): Promise<void> {
    let retryMs = 0;
    const { clock, onTurn } = this.#o;
    const beganMs = clock.monotonic();
    try {
      retryMs = await this.#turn();
    } catch (error) {
      this.#o.logger.error("a turn of the controller failed", { error: errorText(error) });
      retryMs = STORE_RETRY_MS;
    }
    onTurn?.(beganMs, clock.monotonic());
    this.#running = false;
    if (retryMs > 0) this.#schedule(retryMs);
    else if (this.#inbox.length > 0 || this.#dirty.size > 0) this.#schedule(0);
    else this.#schedule(this.#nextWake() - this.#o.clock.now());
  }

  /** Returns 0, or how long to wait before trying again. */
  async #turn(): Promise<number> {
    const { clock, logger, random, routes, sockets } = this.#o;
    const now = clock.now();
    const context = this.#context(now);
    const batch = this.#inbox;
    this.#inbox = [];
    const draft = new Draft(this.world);
    const turn = new Turn(draft, {
      world: this.world,
      command: context,
      random,
      sockets,
      logger,
      health: this.#health,
      capacity: this.#o.capacity ?? UNLIMITED,
      traffic: routes.traffic,
      canaryRoutes: this.#canaryRoutes,
      wakeAt: this.#wakeAt,
    });
    const answers: Command[] = [];
    for (const key of this.#wakeAt.due(now)) {
      this.#dirty.addDeployment(applicationIn(key), key);
    }
    for (const item of batch) {
      const failure = draft.savepoint(() => {
        if (item.kind === "command") {
          turn.effects.push(...item.command.run(draft, context));
          answers.push(item.command);
        } else {
          this.#note(turn.take(item));
        }
      });
      if (!failure) continue;
      if (item.kind === "command") item.command.failed(failure.error);
      else logger.error("an event was dropped", { kind: item.kind, error: errorText(failure.error) });
    }
    let faults: readonly TakenFaults[] = [];
    let scaling: ReturnType<Autoscaler["decide"]> | undefined;
    const toStep = this.#dirty;
    let decided = false;
    let committed: Committed;
    try {
      faults = routes.faults.take(draft, now);
      scaling = this.autoscaler.decide(draft);
      toStep.addAll(draft.touched);
      this.#dirty = new Dirty();
      for (const [name, which] of toStep.entries()) {
        if (which === "all") turn.stepApplication(name);
        else turn.stepDeployments(name, which);
      }
      turn.admitWaiting(this.#lookForRoom);
      turn.stepInstance();
      this.autoscaler.look(draft, scaling, turn.stepped);
      decided = true;
      committed = await this.#commit(draft);
    } catch (error) {
      const what = decided ? "the store refused a write" : "a turn of the controller could not decide";
      logger.error(what, { error: errorText(error) });
      const refusal = decided
        ? new WindlassError("STORE_UNAVAILABLE", `the change was not stored: ${errorText(error)}`)
        : error;
      for (const command of answers) command.failed(refusal);
      for (const effect of turn.effects) if (effect.kind === "check-health") this.#health.abandon(effect.id);
      // What happened stays to be taken in; what was asked for was refused.
      const events = batch.flatMap((item) => (item.kind === "command" ? [] : turn.toRepeat(item)));
      this.#inbox = [...events, ...this.#inbox];
      this.#lookForRoom = true;
      if (toStep !== this.#dirty) this.#dirty.addAll(toStep);
      if (scaling !== undefined) this.autoscaler.abandon(scaling);
      return STORE_RETRY_MS;
    }
    this.#lookForRoom = false;
    this.#dirty.addAll(turn.again);
    try {
      routes.faults.settle(faults, now);
      const questions = this.autoscaler.commit(scaling);
      this.#routes.written(committed.writes);
      for (const effect of turn.effects) this.#attempt(effect);
      for (const question of questions) this.#o.policies?.ask(question);
    } finally {
      // It is durable, whatever became of the actions.
      for (const command of answers) command.done(committed.revision);
    }
    this.#lookForUnrouted();
    for (const look of [...this.#afterTurn]) look();
    return 0;
  }

  #commit(draft: Draft): Promise<Committed> {
    return commitDraft(draft, this.#o);
  }

  /** Something of it is to be stepped in this turn. */
  #note(touched: Touched | undefined): void {
    if (touched === undefined) return;
    const { application, deployment } = touched;
    if (deployment === undefined) this.#dirty.addApplication(application);
    else this.#dirty.addDeployment(application, keys.deployment(application, deployment));
  }

  /** Posts `unrouted` for the replicas that no router knows any more. */
  #lookForUnrouted(): void {
    if (!this.#routes.waits) return;
    const done = this.#routes.takeUnrouted();
    for (const id of done) this.#post({ kind: "unrouted", id });
    if (done.length === 0 && !this.#running) this.#schedule(this.#nextWake() - this.#o.clock.now());
  }

  #nextWake(): number {
    const { faults } = this.#o.routes;
    return Math.min(this.#routes.wakeAt(), this.autoscaler.wakeAt(), this.#wakeAt.earliest(), faults.wakeAt());
  }

  /** An action that cannot even be begun costs no other one its own. */
  #attempt(effect: Effect): void {
    try {
      this.#perform(effect);
    } catch (error) {
      this.#o.logger.error("an action could not be begun", { kind: effect.kind, error: errorText(error) });
    }
  }

  #perform(effect: Effect): void {
    performEffect(effect, this.world, this.#o);
  }

  #context(now: number): CommandContext {
    const { random, bind, engine } = this.#o;
    return { now, newId: (length) => randomId(random, length), bind, hasBundle: (path) => engine.hasBundle(path) };
  }
}
