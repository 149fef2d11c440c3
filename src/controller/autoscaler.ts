/**
 * The autoscaler in the controller's turn. It decides on a deployment at ticks of 0.1 s, but only at those where the
 * decision may differ from the last one: when a report came, replicas began or ceased to run, or something was deployed,
 * and when time alone changes the outcome. A turn's decisions become real with its transaction.
 */
import type { Decision } from "../autoscaling/decide.ts";
import { DecisionLog } from "../autoscaling/decision-log.ts";
import { emptyReports } from "../autoscaling/reports.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";
import type { Clock } from "../core/clock.ts";
import { Deadlines } from "../core/deadlines.ts";
import { errorText } from "../core/errors.ts";
import type { Logger } from "../observability/logger.ts";
import type { FollowedFigures, ScalingFigures } from "../observability/scaling-metrics.ts";
import { type Autoscaled, isAutoscaled } from "./autoscale-inputs.ts";
import { restoredReports, SAVE_INTERVAL_MS, type ScalingRecord } from "./autoscale-memory.ts";
import { applicationPolicy } from "./autoscale-policies.ts";
import type { TraceChunk } from "./autoscale-record.ts";
import { inputsChanged, isDue, newScaler, recoveredScaler, type Scaler } from "./autoscale-scaler.ts";
import { firstShadowTarget, shadowOf, withTarget } from "./autoscale-shadow.ts";
import { nextTick, TICK_MS } from "./autoscale-ticks.ts";
import { DecidingTurn, type LoadReports, type PendingDecisions, replyKey, type Standing } from "./autoscale-turn.ts";
import type { DecisionNews } from "./controller.ts";
import type { Dirty } from "./dirty.ts";
import type { PolicyQuestion, PolicyReply, PolicyRunner } from "./policy-runner.ts";
import { type ApplicationRecord, type DeploymentRecord, keys, nameIn } from "./records.ts";
import { Draft, type World } from "./world.ts";

export interface AutoscalerOptions {
  readonly load: LoadReports;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent: only the built-in policies decide. */
  readonly policies?: PolicyRunner | undefined;
  /** What the store has of a key. */
  readonly stored: (key: string) => string | undefined;
}

/** When a decision that failed by a fault of ours is tried again. */
const RETRY_MS = 1_000;

export class Autoscaler {
  readonly #o: AutoscalerOptions;
  readonly #scalers = new Map<string, Scaler>();
  /** How many of them are shadows. */
  #shadows = 0;
  /** Their keys by application. */
  readonly #keysOf = new Map<string, Set<string>>();
  /** When to look at each though nothing happens, to decide or to save: the earliest of all that it waits for. */
  readonly #dueAt = new Deadlines();
  /** When the last decision was made; later than now only where the clock was set back. */
  #latestMs = Number.NEGATIVE_INFINITY;
  /** When to decide because of reports that came since the last decision, epoch ms. */
  readonly #reported = new Map<string, number>();
  /** Ids of the questions without an answer, by key of a deployment or application. */
  readonly #asked = new Map<string, string>();
  readonly #replies = new Map<string, PolicyReply>();
  /** When they were asked, monotonic ms, and how long the last answers took, by the same keys. */
  readonly #askedMs = new Map<string, number>();
  readonly #took = new Map<string, { readonly atMs: number; readonly tookMs: number }>();
  readonly #logs = new Map<string, DecisionLog>();
  /** Called with each decision that differs from the one before it. */
  readonly #listeners = new Set<(key: string, decision: Decision) => void>();
  readonly #standing: Standing;
  #questions = 0;

  constructor(options: AutoscalerOptions) {
    this.#o = options;
    const { load, clock, policies, stored } = options;
    const nextId = (): string => String(++this.#questions);
    this.#standing = {
      load,
      clock,
      policies,
      scalers: this.#scalers,
      scalersOf: (application, shadow) => this.#scalersOf(application, shadow),
      reported: this.#reported,
      asked: this.#asked,
      nextId,
      toldLast: (application, deployment, shadow) => {
        const value = stored(keys.decision(application, deployment, shadow));
        return value === undefined ? undefined : (JSON.parse(value) as DecisionNews).decisions.at(-1);
      },
    };
  }

  /** Takes up what an earlier controller remembered; the deployments of the world are followed already. */
  recover(world: World): void {
    const { clock, load } = this.#o;
    for (const [key, record] of world.scaling) {
      const deployment = world.deployments.get(keys.deployment(record.application, record.deployment));
      if (deployment?.uid !== record.uid) continue;
      const saved = restoredReports(record, () => this.#recorded(world, record), clock.now(), clock.monotonic());
      this.#set(key, recoveredScaler(record, saved ?? emptyReports(), clock.now()));
      if (saved !== null) load.restore(record.application, record.deployment, saved);
    }
  }

  /** What was recorded of a deployment's decisions from the last entry on that tells all. */
  #recorded(world: World, { application, deployment, shadowTarget }: ScalingRecord): TraceEntry[] {
    const shadow = shadowTarget !== undefined;
    const { first, next } = new Draft(world).traceRange(application, deployment, shadow);
    const found: TraceEntry[] = [];
    for (let sequence = next - 1; sequence >= first; sequence--) {
      const value = this.#o.stored(keys.trace(application, deployment, sequence, shadow));
      const entries = value === undefined ? [] : (JSON.parse(value) as TraceChunk).entries;
      const whole = entries.findLastIndex((entry) => entry.whole);
      found.push(...entries.slice(Math.max(0, whole)).reverse());
      if (whole >= 0) break;
    }
    return found.reverse();
  }

  /** Reports on a deployment changed. Returns when a turn is needed for it, epoch ms; Infinity: it needs none. */
  reported(application: string, deployment: string): number {
    const dueMs = this.#reportedOn(keys.scaling(application, deployment));
    if (this.#shadows === 0) return dueMs;
    return Math.min(dueMs, this.#reportedOn(keys.scaling(application, deployment, true)));
  }

  #reportedOn(key: string): number {
    const scaler = this.#scalers.get(key);
    if (scaler === undefined) return Number.POSITIVE_INFINITY;
    const now = this.#o.clock.now();
    // What waits while nothing runs is not kept waiting for the tick; no moment is decided on twice.
    const dueMs = scaler.seen?.running.length === 0 ? Math.max(now, scaler.lastMs + 1) : nextTick(now, scaler.lastMs);
    const before = this.#reported.get(key) ?? Number.POSITIVE_INFINITY;
    if (dueMs < before) {
      this.#reported.set(key, dueMs);
      this.#plan(key, scaler);
    }
    return Math.min(dueMs, before);
  }

  /** A policy answered. The next turn decides on it. */
  answered(reply: PolicyReply): void {
    const { id, application, deployment } = reply;
    const key = [false, true]
      .map((shadow) => replyKey(application, deployment, shadow))
      .find((asked) => this.#asked.get(asked) === id);
    if (key === undefined) return;
    this.#asked.delete(key);
    this.#replies.set(key, reply);
    const askedMs = this.#askedMs.get(key);
    this.#askedMs.delete(key);
    const atMs = this.#o.clock.monotonic();
    if (askedMs !== undefined) this.#took.set(key, { atMs, tookMs: atMs - askedMs });
  }

  /** When the next turn is needed although nothing happens, epoch ms. */
  wakeAt(): number {
    return this.#replies.size > 0 ? 0 : this.#dueAt.earliest();
  }

  /** Decides on the deployments that are due, and writes what follows to the draft. */
  decide(draft: Draft): PendingDecisions {
    const now = this.#o.clock.now();
    const pending: PendingDecisions = {
      scalers: new Map(),
      decisions: [],
      questions: [],
      reported: new Map(),
      replies: new Map(this.#replies),
    };
    this.#replies.clear();
    const turn = new DecidingTurn(this.#standing, draft, pending);
    const together = new Map<string, { readonly name: string; readonly shadow: boolean }>();
    const looked = this.#toLookAt(pending, now);
    // Those of one application come one after the other, mostly.
    let found: ApplicationRecord | undefined;
    for (const [key, scaler] of looked) {
      const reported = this.#reported.get(key) ?? Number.POSITIVE_INFINITY;
      const answered = pending.replies.has(key);
      if (!isDue(scaler, now) && reported > now && !answered) continue;
      if (found?.name !== scaler.application) found = draft.application(scaler.application);
      const application = found;
      if (application === undefined) continue;
      const shadow = scaler.shadowTarget !== null;
      if (applicationPolicy(application, shadow) !== undefined) {
        together.set(replyKey(application.name, null, shadow), { name: application.name, shadow });
      } else this.#guarded(draft, pending, turn, [key], () => turn.decideOne(application, key, scaler));
    }
    for (const [key, { application: name, deployment }] of pending.replies) {
      if (deployment === null) together.set(key, { name, shadow: key !== replyKey(name, null) });
    }
    for (const { name, shadow } of together.values()) {
      const application = draft.application(name);
      const policy = application && applicationPolicy(application, shadow);
      // Who answered may be deployed no more.
      if (policy === undefined) continue;
      const members = this.#scalersOf(name, shadow).map(([key]) => key);
      this.#guarded(draft, pending, turn, members, () => turn.decideTogether(application!, policy, shadow));
    }
    for (const [key, scaler] of looked) {
      if (scaler.unsaved && !pending.scalers.has(key) && scaler.savedMs + SAVE_INTERVAL_MS <= now) {
        pending.scalers.set(key, turn.saved(scaler));
      }
    }
    return pending;
  }

  /** The last turn: writes what each remembers and has recorded, so that it is known to have held until now. */
  saveAll(draft: Draft): PendingDecisions {
    const pending: PendingDecisions = {
      scalers: new Map(),
      decisions: [],
      questions: [],
      reported: new Map(),
      replies: new Map(),
    };
    const turn = new DecidingTurn(this.#standing, draft, pending);
    for (const [key, scaler] of this.#scalers) {
      if (scaler.seen !== null) pending.scalers.set(key, turn.saved(scaler));
    }
    return pending;
  }

  /** Those of which something is due, or answered; all where the clock was set back, since nothing else would hold then. */
  #toLookAt(pending: PendingDecisions, now: number): Map<string, Scaler> {
    if (now < this.#latestMs - TICK_MS) return new Map(this.#scalers);
    const found = new Map<string, Scaler>();
    for (const key of [...this.#dueAt.due(now), ...pending.replies.keys()]) {
      const scaler = this.#scalers.get(key);
      if (scaler !== undefined) found.set(key, scaler);
    }
    return found;
  }

  /** After steps: takes up who is autoscaled now, and sees whose inputs changed. */
  look(draft: Draft, pending: PendingDecisions, stepped: Dirty): void {
    for (const [name, which] of stepped.entries()) {
      const application = draft.application(name);
      if (which !== "all") {
        for (const key of which) this.#lookAtOne(draft, pending, application, name, nameIn(key));
        continue;
      }
      const wanted = new Set<string>();
      for (const deployment of application === undefined ? [] : draft.deploymentsOf(name)) {
        for (const key of this.#follow(draft, pending, application!, deployment)) wanted.add(key);
      }
      for (const { deployment, shadowTarget } of draft.scalingOf(name)) {
        const shadow = shadowTarget !== undefined;
        const key = keys.scaling(name, deployment, shadow);
        if (!wanted.has(key)) forget(draft, pending, key, name, deployment, shadow);
      }
      for (const key of this.#keysOf.get(name) ?? []) if (!wanted.has(key)) pending.scalers.set(key, null);
    }
  }

  #lookAtOne(
    draft: Draft,
    pending: PendingDecisions,
    application: ApplicationRecord | undefined,
    name: string,
    deploymentName: string,
  ): void {
    const deployment = application && draft.deployment(name, deploymentName);
    const wanted = deployment === undefined ? [] : this.#follow(draft, pending, application!, deployment);
    for (const shadow of [false, true]) {
      const key = keys.scaling(name, deploymentName, shadow);
      if (wanted.includes(key)) continue;
      if (draft.hasScaling(name, deploymentName, shadow)) forget(draft, pending, key, name, deploymentName, shadow);
      else if (this.#scalers.has(key)) pending.scalers.set(key, null);
    }
  }

  /** Looks at a deployment and its shadow, as far as they are decided on. Returns their keys. */
  #follow(
    draft: Draft,
    pending: PendingDecisions,
    application: ApplicationRecord,
    deployment: DeploymentRecord,
  ): string[] {
    const followed: string[] = [];
    const look = (seen: Autoscaled, shadowTarget: number | null): void => {
      followed.push(this.#lookAt(draft, pending, application, seen, shadowTarget));
    };
    if (isAutoscaled(application, deployment)) look(deployment, null);
    const shadow = shadowOf(application, deployment);
    if (shadow === undefined) return followed;
    const key = keys.scaling(application.name, deployment.name, true);
    const known = pending.scalers.get(key) ?? this.#scalers.get(key);
    const own = known?.uid === deployment.uid ? known.shadowTarget : null;
    const target = own ?? firstShadowTarget(shadow, draft.instance);
    look(withTarget(shadow, target), target);
    return followed;
  }

  /** Takes a deployment up, or has it decided on once more where its inputs changed. Returns its key. */
  #lookAt(
    draft: Draft,
    pending: PendingDecisions,
    application: ApplicationRecord,
    deployment: Autoscaled,
    shadowTarget: number | null,
  ): string {
    const now = this.#o.clock.now();
    const key = keys.scaling(application.name, deployment.name, shadowTarget !== null);
    const known = pending.scalers.get(key) ?? this.#scalers.get(key);
    if (known?.uid !== deployment.uid) pending.scalers.set(key, newScaler(deployment, now, shadowTarget));
    else {
      const context = { application, instance: draft.instance };
      if (!inputsChanged(known, deployment, context, draft.replicasOf(application.name, deployment.name))) return key;
      const dueMs = Math.min(known.dueMs, nextTick(now, known.lastMs));
      if (dueMs !== known.dueMs) pending.scalers.set(key, { ...known, dueMs });
    }
    return key;
  }

  /** The turn is stored. Returns what policies are to be asked. */
  commit(pending: PendingDecisions): readonly PolicyQuestion[] {
    for (const [key, scaler] of pending.scalers) {
      if (scaler === null) {
        this.#drop(key);
        this.#reported.delete(key);
        this.#logs.delete(key);
      } else this.#set(key, scaler);
    }
    for (const key of pending.reported.keys()) if (!pending.scalers.has(key)) this.#plan(key);
    this.#noticeClock();
    const atMs = this.#o.clock.monotonic();
    for (const { key, decision, tookMs } of pending.decisions) {
      this.#log(key, decision);
      if (tookMs !== undefined) this.#took.set(key, { atMs, tookMs });
    }
    for (const question of pending.questions) {
      const key = replyKey(question.application, question.deployment, question.shadow);
      this.#asked.set(key, question.id);
      this.#askedMs.set(key, this.#o.clock.monotonic());
    }
    return pending.questions;
  }

  /** The turn is not stored: its decisions were never made. */
  abandon(pending: PendingDecisions): void {
    for (const [key, dueMs] of pending.reported) {
      this.#reported.set(key, Math.min(dueMs, this.#reported.get(key) ?? Number.POSITIVE_INFINITY));
      this.#plan(key);
    }
    for (const [key, reply] of pending.replies) if (!this.#replies.has(key)) this.#replies.set(key, reply);
  }

  /** The last decisions on a deployment that differ, oldest first; those of this process alone. */
  log(application: string, deployment: string, shadow = false): ReturnType<DecisionLog["list"]> {
    return this.#logs.get(keys.scaling(application, deployment, shadow))?.list() ?? [];
  }

  /** What was recorded of its decisions and is not stored yet. */
  unstored(application: string, deployment: string, shadow = false): readonly TraceEntry[] {
    return this.#scalers.get(keys.scaling(application, deployment, shadow))?.recording.entries ?? [];
  }

  /** Calls back with the store key and each decision that says something new; returns how to end that. */
  onDecision(listener: (key: string, decision: Decision) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The newest decisions of this process in numbers, of each deployment at most one entry. */
  figures(): ScalingFigures[] {
    const figures = new Map<string, ScalingFigures>();
    for (const { application, deployment, seen, shadowTarget } of this.#scalers.values()) {
      if (!seen?.decision) continue;
      const key = keys.scaling(application, deployment);
      const known = figures.get(key) ?? { application, deployment };
      const figure =
        shadowTarget === null
          ? { followed: this.#followed(key, application, deployment, seen.decision) }
          : { shadowReplicas: shadowTarget };
      figures.set(key, { ...known, ...figure });
    }
    return [...figures.values()];
  }

  #followed(key: string, application: string, deployment: string, decision: Decision): FollowedFigures {
    const { proposed, result, total, rules } = decision;
    const own = this.#took.get(key);
    const shared = this.#took.get(replyKey(application, null));
    // The policies of both may have answered once; the later one is in force.
    const scope = shared === undefined || (own !== undefined && own.atMs > shared.atMs) ? "deployment" : "application";
    const took = scope === "deployment" ? own : shared;
    const { handleMs, replicaMs, calls } = this.#o.load.delays(application, deployment);
    return {
      desired: proposed,
      target: result,
      totalRequests: total,
      targetOngoingRequests: rules.targetOngoingRequests,
      policy: took === undefined ? undefined : { scope, tookMs: took.tookMs },
      handleDelayMs: handleMs,
      replicaDelayMs: replicaMs,
      ...(calls === undefined ? {} : { stats: { latencyMs: calls.latencyMs, failures: new Map(calls.failures) } }),
    };
  }

  #scalersOf(application: string, shadow: boolean): (readonly [string, Scaler])[] {
    return [...(this.#keysOf.get(application) ?? [])]
      .map((key) => [key, this.#scalers.get(key)!] as const)
      .filter(([, { shadowTarget }]) => (shadowTarget !== null) === shadow);
  }

  #set(key: string, scaler: Scaler): void {
    if (!this.#scalers.has(key)) {
      if (scaler.shadowTarget !== null) this.#shadows += 1;
      const others = this.#keysOf.get(scaler.application);
      if (others === undefined) this.#keysOf.set(scaler.application, new Set([key]));
      else others.add(key);
    }
    this.#scalers.set(key, scaler);
    this.#latestMs = Math.max(this.#latestMs, scaler.lastMs);
    this.#plan(key, scaler);
  }

  /** Notes when a deployment is to be looked at next. */
  #plan(key: string, scaler = this.#scalers.get(key)): void {
    if (scaler === undefined) {
      this.#dueAt.delete(key);
      return;
    }
    const savedMs = scaler.unsaved ? scaler.savedMs + SAVE_INTERVAL_MS : Number.POSITIVE_INFINITY;
    this.#dueAt.set(key, Math.min(scaler.dueMs, savedMs, this.#reported.get(key) ?? Number.POSITIVE_INFINITY));
  }

  /** Once all were decided on after the clock was set back, there is no need to look at all any more. */
  #noticeClock(): void {
    if (this.#o.clock.now() >= this.#latestMs - TICK_MS) return;
    this.#latestMs = Number.NEGATIVE_INFINITY;
    for (const { lastMs } of this.#scalers.values()) this.#latestMs = Math.max(this.#latestMs, lastMs);
  }

  #drop(key: string): void {
    const scaler = this.#scalers.get(key);
    if (scaler === undefined) return;
    this.#scalers.delete(key);
    this.#dueAt.delete(key);
    if (scaler.shadowTarget !== null) this.#shadows -= 1;
    const others = this.#keysOf.get(scaler.application)!;
    others.delete(key);
    this.#took.delete(key);
    if (others.size > 0) return;
    this.#keysOf.delete(scaler.application);
    for (const shadow of [false, true]) this.#took.delete(replyKey(scaler.application, null, shadow));
  }

  #log(key: string, decision: Decision): void {
    let log = this.#logs.get(key);
    if (log === undefined) {
      log = new DecisionLog();
      this.#logs.set(key, log);
    }
    if (log.add(decision)) for (const listener of this.#listeners) listener(key, decision);
  }

  #guarded(
    draft: Draft,
    pending: PendingDecisions,
    turn: DecidingTurn,
    keysOf: readonly string[],
    decideThem: () => void,
  ): void {
    const told = { decisions: pending.decisions.length, questions: pending.questions.length };
    const failure = draft.savepoint(decideThem);
    if (!failure) return;
    // What was not decided is not told of, and nobody is asked for it.
    pending.decisions.length = told.decisions;
    pending.questions.length = told.questions;
    const now = this.#o.clock.now();
    for (const key of keysOf) {
      const scaler = this.#scalers.get(key);
      if (scaler) pending.scalers.set(key, { ...scaler, dueMs: nextTick(now + RETRY_MS, now) });
      turn.take(key);
    }
    this.#o.logger.error("a scaling decision failed", { deployments: keysOf, error: errorText(failure.error) });
  }
}

/** One that is not decided on any more: what is remembered, recorded and told of it goes. */
function forget(
  draft: Draft,
  pending: PendingDecisions,
  key: string,
  application: string,
  deployment: string,
  shadow: boolean,
): void {
  draft.deleteScaling(application, deployment, shadow);
  draft.deleteTraces(application, deployment, shadow);
  draft.setDecisions(application, deployment, shadow, null);
  pending.scalers.set(key, null);
}
