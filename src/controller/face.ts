import { loadBetween, recordedLoad } from "../autoscaling/recorded-load.ts";
import type { Clock } from "../core/clock.ts";
import type { ProxyMetrics, ReplicaMetrics } from "../observability/replica-metrics.ts";
import type { ScalingFigures } from "../observability/scaling-metrics.ts";
import type { Store } from "../store/store.ts";
import { decisionShown, recordedEntries } from "./autoscale-decisions.ts";
import type { Autoscaler } from "./autoscaler.ts";
import { type CanaryStanding, canaryStanding, changeCanary } from "./canary.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import { applyConfig, deleteApplication, endInstance, putOneApplication, rotateToken } from "./commands.ts";
import type {
  ApplyConfigRequest,
  ApplyPlanRequest,
  CanaryRequest,
  Controller,
  DeleteApplicationRequest,
  Plan,
  PlanRequest,
  PutOneApplicationRequest,
  PutOneApplicationResult,
  RecordedLoad,
  RetryRequest,
  RollbackRequest,
  RollbackResult,
  ScaleRequest,
  ScalingDecision,
  Snapshot,
} from "./controller.ts";
import { DecisionHistory, type DecisionSubject } from "./decision-history.ts";
import { applyPlan, makePlan, type Planning } from "./make-plan.ts";
import type { ApplicationRecord, DeploymentRecord, RevisionRecord } from "./records.ts";
import { keys } from "./records.ts";
import type { ReplicaWords } from "./replica-words.ts";
import { retryApplication } from "./retry.ts";
import { rollbackApplication } from "./rollback.ts";
import { scale } from "./scale.ts";
import type { TrafficSums } from "./traffic.ts";
import { Draft, type World } from "./world.ts";

/** What a command does to a draft: its answer, and what the engine is to do. */
export type CommandRun<T> = (draft: Draft, context: CommandContext) => { result: T; actions: readonly CommandAction[] };

/** The outside of the controller: reads from memory, writes through whoever makes them durable. */
export abstract class ControllerFace implements Controller {
  protected abstract readonly world: World;
  protected abstract readonly revision: number;
  protected abstract readonly proxyWorkers: number;
  protected abstract readonly traffic: TrafficSums;
  protected abstract readonly words: ReplicaWords;
  protected abstract readonly clock: Clock;
  protected abstract readonly planning: Planning;
  protected abstract readonly autoscaler: Autoscaler;
  protected abstract readonly store: Store;
  #decisionHistory: DecisionHistory | undefined;
  /** Resolves once what the command did is durable, rejects with what it threw. */
  protected abstract submit<T>(run: CommandRun<T>): Promise<{ revision: number; result: T }>;
  /** Resolves after the first turn at whose end `holds`, or when `signal` aborts. */
  protected abstract until(holds: () => boolean, signal?: AbortSignal): Promise<void>;

  snapshot(): Snapshot {
    const world = this.world;
    const by =
      <T>(key: (record: T) => string) =>
      (a: T, b: T) =>
        key(a) < key(b) ? -1 : 1;
    return {
      revision: this.revision,
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
    return this.world.applications.get(name);
  }

  deployment(application: string, name: string): DeploymentRecord | undefined {
    return this.world.deployments.get(keys.deployment(application, name));
  }

  async applyConfig(request: ApplyConfigRequest): Promise<{ revision: number; warnings: string[] }> {
    const { revision, result } = await this.submit((draft, context) => {
      const { warnings, actions } = applyConfig(draft, request, context);
      return { result: warnings, actions };
    });
    return { revision, warnings: result };
  }

  async putOneApplication(request: PutOneApplicationRequest): Promise<PutOneApplicationResult> {
    const { revision, result } = await this.submit((draft, context) => {
      const { application, actions } = putOneApplication(draft, request, context);
      return { result: application, actions };
    });
    return { revision, application: result };
  }

  plan({ withoutToken = false, ...writes }: PlanRequest, signal: AbortSignal): Promise<Plan> {
    const { config, baseDir, actor, onlyListed } = writes;
    return makePlan(this.world, this.planning, { config, baseDir, actor, onlyListed }, { keep: !withoutToken, signal });
  }

  async applyPlan(request: ApplyPlanRequest): Promise<{ revision: number; warnings: string[] }> {
    const { plans } = this.planning;
    const { revision, result } = await this.submit((draft, context) => applyPlan(draft, plans, request, context));
    const { basis, earlier } = result;
    const warnings = [...result.warnings];
    if (basis) plans.noteApplied(request.token, { revision, basis, warnings });
    return { revision: earlier ?? revision, warnings };
  }

  plannedPaths(): readonly string[] {
    return this.planning.plans.builtPaths(this.clock.now());
  }

  async scale(request: ScaleRequest): Promise<{ revision: number; previous: number; deployment: DeploymentRecord }> {
    const { revision, result } = await this.submit((draft, { now }) => ({
      result: scale(draft, request, now),
      actions: [],
    }));
    return { revision, ...result };
  }

  async deleteApplication(request: DeleteApplicationRequest): Promise<{ revision: number }> {
    const { revision } = await this.submit((draft, { now }) => ({
      result: undefined,
      actions: deleteApplication(draft, request, now),
    }));
    return { revision };
  }

  revisions(application: string): readonly RevisionRecord[] {
    return this.world.revisions.get(application) ?? [];
  }

  async rollback(request: RollbackRequest): Promise<RollbackResult> {
    const { revision, result } = await this.submit((draft, context) => {
      const { actions, ...outcome } = rollbackApplication(draft, request, context);
      return { result: outcome, actions };
    });
    return { revision, ...result };
  }

  async retry(request: RetryRequest): Promise<{ revision: number; application: ApplicationRecord }> {
    const { revision, result } = await this.submit((draft, context) => {
      const { application, actions } = retryApplication(draft, request, context);
      return { result: application, actions };
    });
    return { revision, application: result };
  }

  async endInstance(actor: string): Promise<{ revision: number }> {
    const { revision } = await this.submit((draft, { now }) => ({
      result: undefined,
      actions: endInstance(draft, actor, now),
    }));
    return { revision };
  }

  async rotateToken(application: string, actor: string): Promise<ApplicationRecord> {
    const { result } = await this.submit((draft, { now }) => ({
      result: rotateToken(draft, application, actor, now),
      actions: [],
    }));
    return result;
  }

  async changeCanary(request: CanaryRequest): Promise<{ revision: number; application: ApplicationRecord }> {
    const { revision, result } = await this.submit((draft, context) => {
      const { application, actions } = changeCanary(draft, request, this.traffic, context);
      return { result: application, actions };
    });
    return { revision, application: result };
  }

  canary(name: string): CanaryStanding | undefined {
    const application = this.application(name);
    return application && canaryStanding(new Draft(this.world), application, this.traffic, this.clock.now());
  }

  async decisions(application: string, deployment: string, shadow = false): Promise<readonly ScalingDecision[]> {
    const subject = this.#decisionsOn(application, deployment, shadow);
    return subject === undefined ? [] : this.#history().list(subject);
  }

  async decisionAt(
    application: string,
    deployment: string,
    atS: number,
    shadow = false,
  ): Promise<ScalingDecision | undefined> {
    const subject = this.#decisionsOn(application, deployment, shadow);
    return subject === undefined ? undefined : this.#history().at(subject, atS);
  }

  #history(): DecisionHistory {
    this.#decisionHistory ??= new DecisionHistory({ store: this.store, clock: this.clock });
    return this.#decisionHistory;
  }

  #decisionsOn(application: string, deployment: string, shadow: boolean): DecisionSubject | undefined {
    if (this.deployment(application, deployment) === undefined) return undefined;
    const draft = new Draft(this.world);
    return {
      application,
      deployment,
      shadow,
      log: () => this.autoscaler.log(application, deployment, shadow),
      unstored: () => this.autoscaler.unstored(application, deployment, shadow),
      range: () => draft.traceRange(application, deployment, shadow),
    };
  }

  onDecision(
    application: string,
    deployment: string,
    listener: (decision: ScalingDecision) => void,
    shadow = false,
  ): () => void {
    const wanted = keys.scaling(application, deployment, shadow);
    return this.autoscaler.onDecision((key, decision) => {
      if (key === wanted) listener(decisionShown({ first: decision, last: decision, turns: 1 }, shadow));
    });
  }

  recordedLoad(application: string, deployment: string, fromS: number, toS: number): RecordedLoad | undefined {
    if (this.deployment(application, deployment) === undefined) return undefined;
    const unstored = this.autoscaler.unstored(application, deployment);
    const entries = [...recordedEntries(this.store, application, deployment), ...unstored];
    const load = recordedLoad(entries, this.clock.now() / 1_000);
    return load && loadBetween(load, fromS, toS);
  }

  scalingFigures(): readonly ScalingFigures[] {
    return this.autoscaler.figures();
  }

  replicaMetrics(): readonly ReplicaMetrics[] {
    return this.words.metrics();
  }

  proxyMetrics(): readonly ProxyMetrics[] {
    return this.words.proxyMetrics();
  }

  instanceEnded(signal: AbortSignal): Promise<void> {
    return this.until(() => this.world.instance.state === "absent", signal);
  }

  /** Resolves when every wanted proxy listens; at once when none is wanted. */
  proxiesReady(): Promise<void> {
    return this.until(() => {
      const { instance, proxies } = this.world;
      if (instance.state !== "running" || instance.proxyLocation === "Disabled") return true;
      return proxies.size === this.proxyWorkers && [...proxies.values()].every(({ state }) => state === "healthy");
    });
  }

  /** Resolves when no proxy is left. */
  proxiesGone(): Promise<void> {
    return this.until(() => this.world.proxies.size === 0);
  }
}
