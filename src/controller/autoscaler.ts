/**
 * The autoscaler in the controller's turn. It decides on a deployment at ticks of 0.1 s, but only at those where the
 * decision may differ from the last one: when a report came, replicas began or ceased to run, or something was deployed,
 * and when time alone changes the outcome. A turn's decisions become real with its transaction.
 */

import { valueAt } from "../autoscaling/aggregate.ts";
import { decideApplication, type Member } from "../autoscaling/application.ts";
import { constantUntilS } from "../autoscaling/boundary.ts";
import {
  BUILT_IN,
  type Decision,
  decide,
  isColdStart,
  type PolicyAnswer,
  type Situation,
  shownTarget,
} from "../autoscaling/decide.ts";
import { loadOf } from "../autoscaling/load.ts";
import { type ApplicationAnswer, readApplicationOutput, readPolicyOutput } from "../autoscaling/policy-output.ts";
import { emptyReports, type Reports, restoreReports } from "../autoscaling/reports.ts";
import { askSchedule, type ScheduledWish, scheduleHoldsUntilS } from "../autoscaling/schedule.ts";
import { type ScalingState, worthSaving } from "../autoscaling/state.ts";
import { policyKind } from "../config/policy-kwargs.ts";
import type { Clock } from "../core/clock.ts";
import { errorText } from "../core/errors.ts";
import type { Logger } from "../observability/logger.ts";
import { applyDecision } from "./autoscale-apply.ts";
import { type Autoscaled, applicationPolicy, deploymentPolicy, isAutoscaled } from "./autoscale-inputs.ts";
import { reportsToSave, SAVE_INTERVAL_MS, type ScalingRecord } from "./autoscale-memory.ts";
import { type Asked, applicationQuestion, deploymentQuestion } from "./autoscale-questions.ts";
import {
  inputsChanged,
  inputsOf,
  isDue,
  mustSaveReports,
  newScaler,
  recoveredScaler,
  registered,
  type Scaler,
  type Seen,
} from "./autoscale-scaler.ts";
import { nextTick, TICK_MS, tickAt, tickFrom } from "./autoscale-ticks.ts";
import type { PolicyQuestion, PolicyReply, PolicyRunner } from "./policy-runner.ts";
import { type ApplicationRecord, keys, type ReplicaRecord } from "./records.ts";
import type { Draft, World } from "./world.ts";

/** Where the reports on load are; see load-ingest.ts. */
export interface LoadReports {
  reports(application: string, deployment: string): Reports | undefined;
  restore(application: string, deployment: string, reports: Reports): void;
}

export interface AutoscalerOptions {
  readonly load: LoadReports;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent: only the built-in policy decides. */
  readonly policies?: PolicyRunner | undefined;
}

/** Decisions of a turn that is not stored yet. */
export interface PendingDecisions {
  /** By store key; null: it is no longer autoscaled. */
  readonly scalers: Map<string, Scaler | null>;
  readonly questions: PolicyQuestion[];
  /** What was taken up, to be taken up again if the turn is not stored. */
  readonly reported: Map<string, number>;
  readonly replies: Map<string, PolicyReply>;
}

/** When a decision that failed by a fault of ours is tried again. */
const RETRY_MS = 1_000;

const NO_RUNNER = "this controller runs no policies but the built-in one; the target stays";

/** A deployment as a turn finds it. */
interface Found {
  readonly key: string;
  readonly deployment: Autoscaled;
  readonly replicas: readonly ReplicaRecord[];
  readonly scaler: Scaler;
  readonly seen: Omit<Seen, "decision">;
  readonly situation: Situation;
  readonly reports: Reports | undefined;
  readonly news: boolean;
  readonly atMs: number;
}

export class Autoscaler {
  readonly #o: AutoscalerOptions;
  readonly #scalers = new Map<string, Scaler>();
  /** When to decide because of reports that came since the last decision, epoch ms. */
  readonly #reported = new Map<string, number>();
  /** Ids of the questions without an answer, by key of a deployment or application. */
  readonly #asked = new Map<string, string>();
  readonly #replies = new Map<string, PolicyReply>();
  #questions = 0;

  constructor(options: AutoscalerOptions) {
    this.#o = options;
  }

  /** Takes up what an earlier controller remembered; the deployments of the world are followed already. */
  recover(world: World): void {
    const { clock, load } = this.#o;
    for (const [key, record] of world.scaling) {
      const deployment = world.deployments.get(keys.deployment(record.application, record.deployment));
      if (deployment?.uid !== record.uid) continue;
      this.#scalers.set(key, recoveredScaler(record, clock.now()));
      if (record.reports === null) continue;
      const reports = restoreReports(record.reports, clock.now() / 1_000, clock.monotonic() / 1_000);
      load.restore(record.application, record.deployment, reports);
    }
  }

  /** Reports on a deployment changed. Returns when a turn is needed for it, epoch ms; Infinity: it needs none. */
  reported(application: string, deployment: string): number {
    const key = keys.scaling(application, deployment);
    const scaler = this.#scalers.get(key);
    if (scaler === undefined) return Number.POSITIVE_INFINITY;
    const now = this.#o.clock.now();
    // What waits while nothing runs is not kept waiting for the tick.
    const dueMs = scaler.seen?.running.length === 0 ? now : nextTick(now, scaler.lastMs);
    const before = this.#reported.get(key) ?? Number.POSITIVE_INFINITY;
    if (dueMs < before) this.#reported.set(key, dueMs);
    return Math.min(dueMs, before);
  }

  /** A policy answered. The next turn decides on it. */
  answered(reply: PolicyReply): void {
    const key = replyKey(reply.application, reply.deployment);
    if (this.#asked.get(key) !== reply.id) return;
    this.#asked.delete(key);
    this.#replies.set(key, reply);
  }

  /** When the next turn is needed although nothing happens, epoch ms. */
  wakeAt(): number {
    let at = this.#replies.size > 0 ? 0 : Number.POSITIVE_INFINITY;
    for (const dueMs of this.#reported.values()) at = Math.min(at, dueMs);
    for (const { dueMs, unsaved, savedMs } of this.#scalers.values()) {
      at = Math.min(at, unsaved ? Math.min(dueMs, savedMs + SAVE_INTERVAL_MS) : dueMs);
    }
    return at;
  }

  /** Decides on the deployments that are due, and writes what follows to the draft. */
  decide(draft: Draft): PendingDecisions {
    const now = this.#o.clock.now();
    const pending: PendingDecisions = {
      scalers: new Map(),
      questions: [],
      reported: new Map(),
      replies: new Map(this.#replies),
    };
    this.#replies.clear();
    const applications = new Set<string>();
    for (const [key, scaler] of this.#scalers) {
      const reported = this.#reported.get(key) ?? Number.POSITIVE_INFINITY;
      const answered = pending.replies.has(replyKey(scaler.application, scaler.deployment));
      if (!isDue(scaler, now) && reported > now && !answered) continue;
      const application = draft.application(scaler.application);
      if (application === undefined) continue;
      if (applicationPolicy(application) !== undefined) applications.add(application.name);
      else this.#guarded(draft, pending, [key], () => this.#decideOne(draft, pending, application, key, scaler, now));
    }
    for (const { application: name, deployment } of pending.replies.values()) {
      if (deployment === null && draft.application(name) !== undefined) applications.add(name);
    }
    for (const name of applications) {
      const members = [...this.#scalers].filter(([, scaler]) => scaler.application === name);
      const membersKeys = members.map(([key]) => key);
      this.#guarded(draft, pending, membersKeys, () => this.#decideTogether(draft, pending, name, now));
    }
    for (const [key, scaler] of this.#scalers) {
      if (scaler.unsaved && !pending.scalers.has(key) && scaler.savedMs + SAVE_INTERVAL_MS <= now) {
        pending.scalers.set(key, this.#saved(draft, scaler, now));
      }
    }
    return pending;
  }

  /** After the steps of these applications: takes up who is autoscaled now, and sees whose inputs changed. */
  look(draft: Draft, pending: PendingDecisions, names: Iterable<string>): void {
    const now = this.#o.clock.now();
    for (const name of names) {
      const application = draft.application(name);
      const wanted = new Set<string>();
      for (const deployment of application === undefined ? [] : draft.deploymentsOf(name)) {
        if (!isAutoscaled(application, deployment)) continue;
        const key = keys.scaling(name, deployment.name);
        wanted.add(key);
        const known = pending.scalers.get(key) ?? this.#scalers.get(key);
        if (known?.uid !== deployment.uid) pending.scalers.set(key, newScaler(deployment, now));
        else {
          const context = { application: application!, instance: draft.instance };
          if (!inputsChanged(known, deployment, context, draft.replicasOf(name, deployment.name))) continue;
          const dueMs = Math.min(known.dueMs, nextTick(now, known.lastMs));
          if (dueMs !== known.dueMs) pending.scalers.set(key, { ...known, dueMs });
        }
      }
      for (const { deployment } of draft.scalingOf(name)) {
        const key = keys.scaling(name, deployment);
        if (wanted.has(key)) continue;
        draft.deleteScaling(name, deployment);
        pending.scalers.set(key, null);
      }
      for (const [key, scaler] of this.#scalers) {
        if (scaler.application === name && !wanted.has(key)) pending.scalers.set(key, null);
      }
    }
  }

  /** The turn is stored. Returns what policies are to be asked. */
  commit(pending: PendingDecisions): readonly PolicyQuestion[] {
    for (const [key, scaler] of pending.scalers) {
      if (scaler === null) {
        this.#scalers.delete(key);
        this.#reported.delete(key);
      } else this.#scalers.set(key, scaler);
    }
    for (const question of pending.questions) {
      this.#asked.set(replyKey(question.application, question.deployment), question.id);
    }
    return pending.questions;
  }

  /** The turn is not stored: its decisions were never made. */
  abandon(pending: PendingDecisions): void {
    for (const [key, dueMs] of pending.reported) {
      this.#reported.set(key, Math.min(dueMs, this.#reported.get(key) ?? Number.POSITIVE_INFINITY));
    }
    for (const [key, reply] of pending.replies) if (!this.#replies.has(key)) this.#replies.set(key, reply);
  }

  #guarded(draft: Draft, pending: PendingDecisions, keysOf: readonly string[], decideThem: () => void): void {
    const failure = draft.savepoint(decideThem);
    if (!failure) return;
    const now = this.#o.clock.now();
    for (const key of keysOf) {
      const scaler = this.#scalers.get(key);
      if (scaler) pending.scalers.set(key, { ...scaler, dueMs: nextTick(now + RETRY_MS, now) });
      this.#take(pending, key);
    }
    this.#o.logger.error("a scaling decision failed", { deployments: keysOf, error: errorText(failure.error) });
  }

  /** Ends what reports asked for; true when they did. */
  #take(pending: PendingDecisions, key: string): boolean {
    const dueMs = this.#reported.get(key);
    if (dueMs === undefined) return false;
    this.#reported.delete(key);
    pending.reported.set(key, dueMs);
    return true;
  }

  /** What a decision at this moment is made on; undefined: nothing is to be decided. */
  #find(
    draft: Draft,
    pending: PendingDecisions,
    application: ApplicationRecord,
    key: string,
    before: Scaler,
    now: number,
  ): Found | undefined {
    const deployment = draft.deployment(before.application, before.deployment);
    if (deployment === undefined || deployment.uid !== before.uid || !isAutoscaled(application, deployment))
      return undefined;
    const reportedMs = this.#reported.get(key);
    const news = this.#take(pending, key);
    const context = { application, instance: draft.instance };
    const scaler = registered(before, deployment, context);
    const replicas = draft.replicasOf(application.name, deployment.name);
    const inputs = inputsOf(scaler, deployment, context, replicas);
    const reports = this.#o.load.reports(application.name, deployment.name);
    const { rules, running, target } = inputs;
    const known = scaler.seen;
    const sameLoad =
      !news && known !== null && known.running === running && known.rules.aggregation === rules.aggregation;
    const load = sameLoad ? known.load : loadOf(reports ?? emptyReports(), running, rules.aggregation);
    const dueMs = Math.min(before.dueMs, reportedMs ?? Number.POSITIVE_INFINITY);
    // On the tick however late the turn is; between ticks only where that was wished.
    const atMs = dueMs % TICK_MS === 0 || dueMs > now ? tickAt(now) : now;
    const situation = {
      rules,
      running: running.length,
      target,
      total: valueAt(load.total, atMs / 1_000),
      source: load.source,
    };
    return { key, deployment, replicas, scaler, seen: { ...inputs, load }, situation, reports, news, atMs };
  }

  #decideOne(
    draft: Draft,
    pending: PendingDecisions,
    application: ApplicationRecord,
    key: string,
    before: Scaler,
    now: number,
  ): void {
    const found = this.#find(draft, pending, application, key, before, now);
    if (found === undefined) {
      pending.scalers.set(key, { ...before, dueMs: Number.POSITIVE_INFINITY });
      return;
    }
    const { deployment, scaler, situation, seen } = found;
    const policy = deploymentPolicy(deployment);
    let answer: PolicyAnswer = BUILT_IN;
    let warning = "";
    let wish: ScheduledWish | null | undefined;
    if (policy !== undefined && policyKind(policy.policy_function) === "schedule") {
      const { policy_kwargs: kwargs } = deployment.config.autoscaling_config.policy;
      const shown = shownTarget(seen.rules, seen.target);
      ({ answer, wish } = askSchedule(kwargs, situation, shown, found.atMs / 1_000));
    } else if (policy !== undefined) {
      const reply = pending.replies.get(replyKey(application.name, deployment.name));
      if (reply !== undefined) {
        answer = reply.outcome.kind === "failed" ? reply.outcome : readPolicyOutput(reply.outcome.value);
        if (reply.outcome.kind === "returned") warning = reply.outcome.warning ?? "";
      } else if (this.#o.policies === undefined) answer = { kind: "failed", reason: NO_RUNNER };
      else if (isColdStart(situation)) answer = { kind: "failed", reason: "" };
      else {
        this.#ask(pending, found, replyKey(application.name, deployment.name), (id, asked, nowS) =>
          deploymentQuestion(id, application, asked, policy, nowS),
        );
        return;
      }
    }
    const atMs = policy === undefined || wish !== undefined ? found.atMs : now;
    const { decision, state } = decide(at(situation, seen, atMs), scaler.state, atMs / 1_000, answer);
    const failure = decision.kind === "kept" ? decision.reason : warning;
    this.#act(draft, pending, { ...found, atMs }, decision, state, failure, wish);
  }

  #decideTogether(draft: Draft, pending: PendingDecisions, name: string, now: number): void {
    const application = draft.application(name)!;
    const policy = applicationPolicy(application)!;
    const members: Found[] = [];
    for (const [key, before] of this.#scalers) {
      if (before.application !== name) continue;
      const found = this.#find(draft, pending, application, key, before, now);
      if (found !== undefined) members.push(found);
      else pending.scalers.set(key, { ...before, dueMs: Number.POSITIVE_INFINITY });
    }
    if (members.length === 0) return;
    const key = replyKey(name, null);
    const reply = pending.replies.get(key);
    let answer: ApplicationAnswer;
    let warning = "";
    if (reply !== undefined) {
      const names = members.map(({ deployment }) => deployment.name);
      answer = reply.outcome.kind === "failed" ? reply.outcome : readApplicationOutput(reply.outcome.value, names);
      if (reply.outcome.kind === "returned") warning = reply.outcome.warning ?? "";
    } else if (this.#o.policies === undefined) answer = { kind: "failed", reason: NO_RUNNER };
    else {
      const [first, ...others] = members as [Found, ...Found[]];
      this.#ask(pending, first, key, (id, _asked, nowS) =>
        applicationQuestion(id, application, members.map(askedOf), policy, nowS),
      );
      for (const found of others) pending.scalers.set(found.key, waiting(found));
      return;
    }
    const situated = new Map<string, Member>(
      members.map(({ deployment, situation, seen, scaler }) => [
        deployment.name,
        { situation: at(situation, seen, now), state: scaler.state },
      ]),
    );
    const steps = decideApplication(situated, answer, now / 1_000);
    for (const found of members) {
      const { decision, state } = steps.get(found.deployment.name)!;
      const failure = answer.kind === "failed" ? answer.reason : warning;
      this.#act(draft, pending, { ...found, atMs: now }, decision, state, failure);
    }
  }

  /** Asks a policy, unless its answer is still awaited. The deployment's next decision is made on the answer. */
  #ask(
    pending: PendingDecisions,
    found: Found,
    key: string,
    question: (id: string, asked: Asked, nowS: number) => PolicyQuestion,
  ): void {
    pending.scalers.set(found.key, waiting(found));
    if (this.#asked.has(key)) return;
    this.#questions += 1;
    pending.questions.push(question(String(this.#questions), askedOf(found), found.atMs / 1_000));
  }

  /** Makes a decision real on the draft, and notes when the next one is due. */
  #act(
    draft: Draft,
    pending: PendingDecisions,
    found: Found,
    decision: Decision,
    state: ScalingState,
    failure: string,
    wish?: ScheduledWish | null,
  ): void {
    const { key, deployment, replicas, scaler, seen, reports, news, atMs } = found;
    const now = this.#o.clock.now();
    const applied = applyDecision(deployment, replicas, decision, samePolicyState(scaler.state, state), now);
    const told = withFailure(applied.deployment, failure);
    if (told !== deployment) draft.setDeployment(told);
    const changed = decision.result !== seen.target;
    const futile = isFutile(decision);
    const next: Scaler = {
      ...scaler,
      state: applied.state,
      seen: { ...seen, target: decision.result, decision },
      lastMs: atMs,
      dueMs: tickFrom(changed ? 0 : this.#holdsUntilS(decision, seen, futile, wish), atMs),
      unsaved:
        scaler.unsaved ||
        (!futile && worthSaving(scaler.state, applied.state)) ||
        (news && mustSaveReports(scaler, reports)),
    };
    const mayWait = !changed && next.savedMs + SAVE_INTERVAL_MS > now;
    pending.scalers.set(key, next.unsaved && !mayWait ? this.#saved(draft, next, now) : next);
  }

  /** Until when all decisions are the same, epoch seconds, unless something happens. */
  #holdsUntilS(
    decision: Decision,
    { load }: Pick<Seen, "load">,
    futile: boolean,
    wish: ScheduledWish | null | undefined,
  ): number {
    if (wish !== undefined) return scheduleHoldsUntilS(decision, wish, load.total);
    // Without anybody to ask, and where the config makes the built-in policy fail, time changes nothing.
    if (decision.policy === "user" && this.#o.policies === undefined) return Number.POSITIVE_INFINITY;
    if (decision.kind === "kept" && decision.policy === "built-in") return Number.POSITIVE_INFINITY;
    return constantUntilS(futile && decision.kind === "steered" ? { ...decision, delayS: null } : decision, load.total);
  }

  /** Writes the memory of a deployment. */
  #saved(draft: Draft, scaler: Scaler, now: number): Scaler {
    const { application, deployment, uid, registration, build, state } = scaler;
    const reports = reportsToSave(this.#o.load.reports(application, deployment), now, this.#o.clock.monotonic());
    const record: ScalingRecord = { application, deployment, uid, registration, build, state, reports };
    draft.setScaling(record);
    return { ...scaler, unsaved: false, savedMs: now, savedIdle: reports === null };
  }
}

/** Whether a wish ends at a bound however long it lasts, so that its wait, which begins again and again, is of no account. */
function isFutile(decision: Decision): boolean {
  if (decision.kind !== "steered" || decision.delayS === null || decision.result !== decision.target) return false;
  const { scaled, shownTarget, target, rules } = decision;
  return scaled < shownTarget ? target <= rules.lower : target >= rules.upper;
}

function replyKey(application: string, deployment: string | null): string {
  return deployment === null ? keys.application(application) : keys.scaling(application, deployment);
}

function askedOf({ deployment, scaler, seen, reports }: Found): Asked {
  return { deployment, scaler, seen, reports };
}

/** One whose next decision is made when its policy has answered. */
function waiting({ scaler, seen, atMs }: Found): Scaler {
  return { ...scaler, seen: { ...seen, decision: scaler.seen?.decision ?? null }, lastMs: atMs, dueMs: Infinity };
}

/** A situation at another moment. */
function at(situation: Situation, { load }: Pick<Seen, "load">, atMs: number): Situation {
  return { ...situation, total: valueAt(load.total, atMs / 1_000) };
}

/** What a policy returned once more is the same object, so that it is not stored again. */
function samePolicyState(before: ScalingState, after: ScalingState): ScalingState {
  if (before.policyState === after.policyState) return after;
  const same = JSON.stringify(before.policyState) === JSON.stringify(after.policyState);
  return same ? { ...after, policyState: before.policyState } : after;
}

function withFailure<T extends { readonly policyFailure?: string }>(deployment: T, failure: string): T {
  if ((deployment.policyFailure ?? "") === failure) return deployment;
  const { policyFailure: _before, ...rest } = deployment;
  return (failure === "" ? rest : { ...rest, policyFailure: failure }) as T;
}
