import { rmSync } from "node:fs";
import { toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { ReplicaSettings, ReplicaSpec } from "../../gen/windlass/runtime/v1/replica_runtime_service_pb.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { logSettings } from "../observability/log-settings.ts";
import { watchEventLoop } from "../observability/loop-monitor.ts";
import { batchesOf } from "../sdk/batch.ts";
import { runtime } from "../sdk/runtime.ts";
import { userErrorLine } from "../sdk/user-error.ts";
import { Admission } from "./admission.ts";
import { type DataServer, serveData } from "./data-server.ts";
import { loadServable } from "./load.ts";
import { type LoadMessage, LoadReport } from "./load-report.ts";
import { OpenWebsockets } from "./open-websockets.ts";
import type { ReplicaLog } from "./replica-log.ts";
import { createRequestMetrics, type RequestMetrics } from "./request-metrics.ts";
import { RoutingStats } from "./routing-stats.ts";
import type { Servable } from "./servable.ts";
import { ToldModels } from "./told-models.ts";

/** Milliseconds in which requests that routers sent just before they dropped the replica still arrive. */
const QUIET_MS = 50;
/** Milliseconds in which routers read what was sent to them before the replica ends. */
const LEAVE_MS = 1_000;
/** Milliseconds a failed replica lives on, for the controller to hear why. */
const FAILED_LINGER_MS = 2_000;
const DEFAULT_ORPHAN_TTL_S = 300;

/** Where a replica stands; `failed` and `draining` end in the exit of the process. */
export type Phase = "idle" | "initializing" | "ready" | "failed" | "draining";

/** What a replica needs from the process around it. */
export interface ReplicaContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: ReplicaLog;
  /** Ends the process. */
  readonly exit: (code: number) => void;
}

/** The life of one replica: idle → initializing → ready → draining → exit, or initializing → failed → exit. */
export class Replica {
  readonly #context: ReplicaContext;
  readonly #admission: Admission;
  readonly #websockets = new OpenWebsockets();
  /** How long websockets may live on while the replica drains. */
  #drainWaitMs = 0;
  #phase: Phase = "idle";
  #error = "";
  #spec: ReplicaSpec | null = null;
  #servable: Servable | null = null;
  /** The user's metrics, where there are any. */
  #load: LoadReport | null = null;
  readonly #models: ToldModels;
  /** What request routers are to know, where the user's code says anything. */
  #routingStats: RoutingStats | null = null;
  readonly #requests: RequestMetrics;
  #server: DataServer | null = null;
  #settingsVersion = "";
  #userConfig = "null";
  /** Settings are taken over one after the other, the first ones at the start. */
  #settling: Promise<void> = Promise.resolve();
  #attached = 0;
  #orphan: Timer | undefined;
  #changes = 0;
  #waiting: (() => void)[] = [];

  constructor(context: ReplicaContext) {
    this.#context = context;
    this.#admission = new Admission(0, context.clock);
    this.#requests = createRequestMetrics(runtime().metrics, {
      clock: context.clock,
      ongoing: () => this.#admission.ongoing,
      maxOngoing: () => this.#admission.max,
    });
    this.#models = new ToldModels(runtime().models, context.clock, () => this.#changed());
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The work; null before the first {@link begin}. */
  get spec(): ReplicaSpec | null {
    return this.#spec;
  }

  /** The user's error in one line, when failed. */
  get error(): string {
    return this.#error;
  }

  /** Version of the settings in force. */
  get settingsVersion(): string {
    return this.#settingsVersion;
  }

  /** Requests in the replica. */
  get ongoing(): number {
    return this.#admission.ongoing;
  }

  /** The newest report of the user's metrics. */
  get load(): LoadMessage | undefined {
    return this.#load?.latest;
  }

  /** Ids of the models it has or loads; undefined: there never were any. Another object each time they change. */
  get models(): readonly string[] | undefined {
    return this.#models.ids;
  }

  /** What request routers are to know, as JSON; empty: nothing. */
  get routingStats(): string {
    return this.#routingStats?.latest ?? "";
  }

  /** Counts the changes of what the getters above return, but {@link ongoing}. */
  get changes(): number {
    return this.#changes;
  }

  /** Resolves when {@link changes} is above `seen`, after `timeoutMs`, or when `signal` aborts. */
  async changed(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#changes > seen || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#context.clock.timer(timeoutMs, resolve);
    this.#waiting.push(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    timer.cancel();
    this.#waiting = this.#waiting.filter((one) => one !== resolve);
  }

  /** Takes the work and starts; the outcome is a phase. */
  begin(spec: ReplicaSpec): void {
    this.#spec = spec;
    const { application, deployment, replicaId: actorId } = spec;
    const { clock } = this.#context;
    watchEventLoop(runtime().metrics, clock, { component: "replica", actorId, deployment, application });
    this.#phase = "initializing";
    this.#changed();
    this.#settling = this.#start(spec);
  }

  /** A controller is there. */
  attach(): void {
    this.#attached += 1;
    this.#orphan?.cancel();
  }

  /** A controller has gone; without one for too long the replica ends. */
  detach(): void {
    this.#attached -= 1;
    if (this.#attached > 0) return;
    const ttlS = this.#spec?.orphanTtlS || DEFAULT_ORPHAN_TTL_S;
    this.#orphan = this.#context.clock.timer(ttlS * 1000, () => {
      this.#context.log.logger.warn("no controller came back: draining", { orphan_ttl_s: ttlS });
      this.drain();
    });
  }

  /** Takes live settings over. Rejects with the user's error in one line. */
  async reconfigure(settings: ReplicaSettings): Promise<void> {
    const settled = this.#settling.then(() => {
      if (this.#phase === "failed") throw new UserError(this.#error);
      return this.#apply(settings);
    });
    this.#settling = settled.catch(() => {});
    await settled;
  }

  /** Runs the user's health check, if there is one. Rejects with the user's error in one line. */
  async checkHealth(): Promise<void> {
    await this.#inUserCode(async () => this.#servable?.checkHealth?.());
  }

  /** Finishes what was begun, runs the disposer and ends the process. May be called again, without effect. */
  drain(): void {
    if (this.#phase === "draining") return;
    if (this.#phase === "failed") {
      this.#end(1);
      return;
    }
    const constructed = this.#phase === "ready";
    this.#load?.stop();
    this.#routingStats?.stop();
    this.#phase = "draining";
    this.#changed();
    void this.#drain(constructed);
  }

  /** Ends a replica that threw outside any request. */
  fail(error: string): void {
    if (this.#phase !== "initializing") return;
    this.#phase = "failed";
    this.#load?.stop();
    this.#routingStats?.stop();
    this.#error = error;
    this.#context.log.critical("could not start", { reason: error });
    this.#context.clock.timer(FAILED_LINGER_MS, () => this.#end(1));
    this.#changed();
  }

  /** The controller has heard of the failure. */
  failureDelivered(): void {
    if (this.#phase === "failed") this.#end(1);
  }

  async #start(spec: ReplicaSpec): Promise<void> {
    try {
      this.#applyLogging(spec.settings, spec);
      this.#servable = await loadServable(spec, this.#context);
      this.#load = this.#makeLoadReport(this.#servable, spec);
      this.#routingStats = this.#makeRoutingStats(this.#servable, spec);
      this.#server = await serveData({
        socketPath: spec.dataSocket,
        servable: this.#servable,
        admission: this.#admission,
        log: this.#context.log,
        clock: this.#context.clock,
        routePrefix: spec.routePrefix,
        websockets: this.#websockets,
        requests: this.#requests,
      });
      if (spec.settings !== undefined) await this.#apply(spec.settings);
      await this.checkHealth();
    } catch (error) {
      if (!(error instanceof UserError)) this.#context.log.logger.error("could not start", { error });
      this.fail(error instanceof UserError ? error.message : userErrorLine(error, spec.baseDir));
      return;
    }
    if (this.#phase !== "initializing") return;
    this.#phase = "ready";
    this.#requests.started();
    this.#changed();
  }

  async #apply(settings: ReplicaSettings): Promise<void> {
    const servable = this.#servable;
    if (servable === null) return;
    if (this.#spec !== null) this.#applyLogging(settings, this.#spec);
    const userConfig = jsonOf(settings.userConfig);
    const text = JSON.stringify(userConfig);
    if (text !== this.#userConfig && userConfig !== null) {
      if (servable.reconfigure === null) {
        const name = this.#spec?.deployment;
        throw new UserError(
          `user_config is set, but ${name} has no method reconfigure(userConfig): add it or leave user_config out`,
        );
      }
      await this.#inUserCode(async () => servable.reconfigure?.(userConfig));
    }
    this.#userConfig = text;
    this.#admission.setMax(settings.maxOngoingRequests);
    this.#warnOfBatches(servable, settings.maxOngoingRequests);
    this.#drainWaitMs = settings.gracefulShutdownWaitLoopS * 1_000;
    this.#load?.configure(settings.loadSampling);
    this.#routingStats?.configure(settings.routingStats);
    this.#settingsVersion = settings.version;
    this.#changed();
  }

  /** A batch cannot be larger than what the replica lets in. */
  #warnOfBatches({ object }: Servable, maxOngoing: number): void {
    for (const { name, settings } of batchesOf(object)) {
      const calls = settings.maxBatchSize * settings.maxConcurrent;
      if (settings.sizeOf !== undefined || calls <= maxOngoing) continue;
      const needs = { max_ongoing_requests: maxOngoing, needed: calls, function: name };
      this.#context.log.logger.warn("max_ongoing_requests is too low for full batches", needs);
    }
  }

  #applyLogging(settings: ReplicaSettings | undefined, spec: ReplicaSpec): void {
    try {
      this.#context.log.apply(logSettings(settings?.logging), spec);
    } catch (error) {
      throw new UserError(errorText(error));
    }
  }

  #makeLoadReport({ recordAutoscalingStats: record }: Servable, { baseDir }: ReplicaSpec): LoadReport | null {
    const { clock, log } = this.#context;
    if (record === null) return null;
    return new LoadReport({ clock, logger: log.logger, record, baseDir, onReport: () => this.#changed() });
  }

  #makeRoutingStats({ recordRoutingStats: record }: Servable, { baseDir }: ReplicaSpec): RoutingStats | null {
    const { clock, log } = this.#context;
    if (record === null) return null;
    const { metrics } = runtime();
    return new RoutingStats({ clock, logger: log.logger, record, baseDir, metrics, onNews: () => this.#changed() });
  }

  async #inUserCode(run: () => Promise<unknown>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#context.log.logger.error("user code failed", { error });
      throw new UserError(userErrorLine(error, this.#spec?.baseDir ?? ""));
    }
  }

  async #drain(constructed: boolean): Promise<void> {
    const { clock, log } = this.#context;
    await clock.sleep(QUIET_MS);
    if (constructed) {
      // What routers still send goes elsewhere, instead of keeping it from its end.
      this.#admission.close();
      this.#server?.goodbye();
      const websockets = clock.timer(this.#drainWaitMs, () => this.#websockets.leave());
      await this.#admission.idle();
      websockets.cancel();
      try {
        await this.#servable?.dispose?.();
      } catch (error) {
        log.logger.error("the disposer failed", { error });
      }
      await this.#models.close();
      await Promise.race([this.#server?.leave(), clock.sleep(LEAVE_MS)]);
    }
    this.#end(0);
  }

  #end(code: number): void {
    // Node removes sockets only of servers that are closed in order.
    if (this.#server !== null && this.#spec !== null) rmSync(this.#spec.dataSocket, { force: true });
    this.#context.exit(code);
  }

  #changed(): void {
    this.#changes += 1;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** An error that is one line for the user already. */
export class UserError extends Error {
  override readonly name = "UserError";
}

function jsonOf(value: Value | undefined): unknown {
  return value === undefined || value.kind.case === undefined ? null : toJson(ValueSchema, value);
}
