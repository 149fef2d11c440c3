/** The decisions of one turn, on its draft: what each is made on, who is asked, and what follows from it. */
import { valueAt } from "../autoscaling/aggregate.ts";
import { decideApplication, type Member } from "../autoscaling/application.ts";
import { constantUntilS, isFutile } from "../autoscaling/boundary.ts";
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
import { emptyReports, type Reports } from "../autoscaling/reports.ts";
import { askSchedule, type ScheduledWish, scheduleHoldsUntilS } from "../autoscaling/schedule.ts";
import { type ScalingState, worthSaving } from "../autoscaling/state.ts";
import type { TraceEntry } from "../autoscaling/trace.ts";
import { policyKind } from "../config/policy-kwargs.ts";
import type { Clock } from "../core/clock.ts";
import { applyDecision } from "./autoscale-apply.ts";
import { decisionShown } from "./autoscale-decisions.ts";
import { type Autoscaled, decidedOn } from "./autoscale-inputs.ts";
import { SAVE_INTERVAL_MS, type ScalingRecord, windowToSave } from "./autoscale-memory.ts";
import { type CaughtUp, decideMissed, isNewsless } from "./autoscale-missed.ts";
import { deploymentPolicy } from "./autoscale-policies.ts";
import {
  type Asked,
  applicationGeneration,
  applicationQuestion,
  deploymentGeneration,
  deploymentQuestion,
} from "./autoscale-questions.ts";
import { chunkLimit, isUnwritten, type Recordable, type Recording, recorded, stored } from "./autoscale-record.ts";
import { inputsOf, mustSaveReports, registered, type Scaler, type Seen } from "./autoscale-scaler.ts";
import { rememberedByShadow } from "./autoscale-shadow.ts";
import { TICK_MS, tickAt, tickFrom } from "./autoscale-ticks.ts";
import type { ScalingDecision } from "./controller.ts";
import type { ReportDelays } from "./load-ingest.ts";
import type { HostedPolicy, PolicyQuestion, PolicyReply, PolicyRunner } from "./policy-runner.ts";
import { type ApplicationRecord, keys, type ReplicaRecord } from "./records.ts";
import type { Draft } from "./world.ts";

/** Where the reports on load are; see load-ingest.ts. */
export interface LoadReports {
  reports(application: string, deployment: string): Reports | undefined;
  restore(application: string, deployment: string, reports: Reports): void;
  delays(application: string, deployment: string): ReportDelays;
}

/** Decisions of a turn that is not stored yet. */
export interface PendingDecisions {
  /** By store key; null: it is no longer autoscaled. */
  readonly scalers: Map<string, Scaler | null>;
  readonly decisions: {
    readonly key: string;
    readonly decision: Decision;
    /** What a policy took that was asked in the turn; undefined: it was asked outside, or not at all. */
    readonly tookMs: number | undefined;
  }[];
  readonly questions: PolicyQuestion[];
  /** What was taken up, to be taken up again if the turn is not stored. */
  readonly reported: Map<string, number>;
  readonly replies: Map<string, PolicyReply>;
}

/** What a turn reads of the autoscaler. */
export interface Standing {
  readonly load: LoadReports;
  readonly clock: Clock;
  readonly policies: PolicyRunner | undefined;
  readonly scalers: ReadonlyMap<string, Scaler>;
  /** The same of one application, either the shadows or the others. */
  readonly scalersOf: (application: string, shadow: boolean) => readonly (readonly [key: string, scaler: Scaler])[];
  /** When to decide because of reports that came since the last decision, epoch ms. A turn takes what it acts on. */
  readonly reported: Map<string, number>;
  /** Ids of the questions without an answer, by {@link replyKey}. */
  readonly asked: ReadonlyMap<string, string>;
  /** An id for a question. */
  readonly nextId: () => string;
  /** What watches were told last of a deployment, or of its shadow. */
  readonly toldLast: (application: string, deployment: string, shadow: boolean) => ScalingDecision | undefined;
}

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
  /** Whether it was deployed anew since the last decision. */
  readonly fresh: boolean;
  readonly dueMs: number;
  readonly atMs: number;
  /** What was made up for, and the memory that is stored; absent: nothing was missed. */
  readonly missed?: { readonly change: CaughtUp["change"]; readonly stored: ScalingState };
}

/** A decision with what came of it. */
interface Made {
  readonly decision: Decision;
  readonly state: ScalingState;
  /** What is told of the policy on the application; "": nothing. */
  readonly failure: string;
  readonly wish?: ScheduledWish | null | undefined;
  readonly answer: TraceEntry["answer"];
  /** See {@link PendingDecisions}. */
  readonly tookMs?: number | undefined;
}

export class DecidingTurn {
  readonly #s: Standing;
  readonly #draft: Draft;
  readonly #pending: PendingDecisions;
  readonly #now: number;

  constructor(standing: Standing, draft: Draft, pending: PendingDecisions) {
    this.#s = standing;
    this.#draft = draft;
    this.#pending = pending;
    this.#now = standing.clock.now();
  }

  /** Ends what reports asked for; when that was, epoch ms, or undefined where they did not. */
  take(key: string): number | undefined {
    const dueMs = this.#s.reported.get(key);
    if (dueMs === undefined) return undefined;
    this.#s.reported.delete(key);
    this.#pending.reported.set(key, dueMs);
    return dueMs;
  }

  /** What a decision at this moment is made on; undefined: nothing is to be decided. */
  #find(application: ApplicationRecord, key: string, before: Scaler): Found | undefined {
    const draft = this.#draft;
    const record = draft.deployment(before.application, before.deployment);
    if (record === undefined || record.uid !== before.uid) return undefined;
    const deployment = decidedOn(application, record, before.shadowTarget);
    if (deployment === undefined) return undefined;
    const reportedMs = this.take(key);
    const news = reportedMs !== undefined;
    const context = { application, instance: draft.instance };
    const scaler = registered(before, deployment, context);
    const fresh = scaler.state !== before.state;
    const replicas = draft.replicasOf(application.name, deployment.name);
    const inputs = inputsOf(scaler, deployment, context, replicas);
    const reports = this.#s.load.reports(application.name, deployment.name);
    const { rules, running, target } = inputs;
    const known = scaler.seen;
    const sameLoad =
      !news && known !== null && known.running === running && known.rules.aggregation === rules.aggregation;
    const load = sameLoad ? known.load : loadOf(reports ?? emptyReports(), running, rules.aggregation);
    const dueMs = Math.min(before.dueMs, reportedMs ?? Number.POSITIVE_INFINITY);
    // On the tick however late the turn is; between ticks only where that was wished.
    const atMs = dueMs % TICK_MS === 0 || dueMs > this.#now ? tickAt(this.#now) : this.#now;
    const situation = {
      rules,
      running: running.length,
      target,
      total: valueAt(load.total, atMs / 1_000),
      source: load.source,
    };
    return {
      key,
      deployment,
      replicas,
      scaler,
      seen: { ...inputs, load },
      situation,
      reports,
      news,
      fresh,
      dueMs,
      atMs,
    };
  }

  /** Decides on a deployment by its own policy. */
  decideOne(application: ApplicationRecord, key: string, before: Scaler): void {
    const asFound = this.#find(application, key, before);
    if (asFound === undefined) {
      this.#pending.scalers.set(key, { ...before, dueMs: Number.POSITIVE_INFINITY });
      return;
    }
    const found = caughtUp(asFound);
    const { deployment, scaler, situation, seen } = found;
    const policy = deploymentPolicy(deployment);
    let answer: PolicyAnswer = BUILT_IN;
    let warning = "";
    let wish: ScheduledWish | null | undefined;
    const { clock } = this.#s;
    const beganMs = clock.monotonic();
    if (policy !== undefined && policyKind(policy.policy_function) === "schedule") {
      const { policy_kwargs: kwargs } = deployment.config.autoscaling_config.policy;
      const shown = shownTarget(seen.rules, seen.target);
      ({ answer, wish } = askSchedule(kwargs, situation, shown, found.atMs / 1_000));
    } else if (policy !== undefined) {
      const reply = this.#reply(key, deploymentGeneration(scaler));
      if (reply !== undefined) {
        answer = reply.outcome.kind === "failed" ? reply.outcome : readPolicyOutput(reply.outcome.value);
        if (reply.outcome.kind === "returned") warning = reply.outcome.warning ?? "";
      } else if (this.#s.policies === undefined) answer = { kind: "failed", reason: NO_RUNNER };
      else if (isColdStart(situation)) answer = { kind: "failed", reason: "" };
      else {
        this.#ask(found, key, (id, asked, nowS) => deploymentQuestion(id, application, asked, policy, nowS));
        return;
      }
    }
    const atMs = policy === undefined || wish !== undefined ? found.atMs : this.#now;
    const { decision, state } = decide(at(situation, seen, atMs), scaler.state, atMs / 1_000, answer);
    const tookMs = policy === undefined || wish !== undefined ? clock.monotonic() - beganMs : undefined;
    const failure = decision.kind === "kept" ? decision.reason : warning;
    this.#act({ ...found, atMs }, { decision, state, failure, wish, answer: recordedAnswer(answer), tookMs });
  }

  /** Decides on all deployments of an application by its policy, or on all of their shadows by that of its shadow. */
  decideTogether(application: ApplicationRecord, policy: HostedPolicy, shadow: boolean): void {
    const { name } = application;
    const now = this.#now;
    const members: Found[] = [];
    for (const [key, before] of this.#s.scalersOf(name, shadow)) {
      const found = this.#find(application, key, before);
      if (found !== undefined) members.push(found);
      else this.#pending.scalers.set(key, { ...before, dueMs: Number.POSITIVE_INFINITY });
    }
    if (members.length === 0) return;
    const key = replyKey(name, null, shadow);
    const reply = this.#reply(key, applicationGeneration(application, members[0]!.scaler.build, policy));
    let answer: ApplicationAnswer;
    let warning = "";
    if (reply !== undefined) {
      const names = members.map(({ deployment }) => deployment.name);
      answer = reply.outcome.kind === "failed" ? reply.outcome : readApplicationOutput(reply.outcome.value, names);
      if (reply.outcome.kind === "returned") warning = reply.outcome.warning ?? "";
    } else if (this.#s.policies === undefined) answer = { kind: "failed", reason: NO_RUNNER };
    else {
      const [first, ...others] = members as [Found, ...Found[]];
      this.#ask(first, key, (id, _asked, nowS) =>
        applicationQuestion(id, application, members.map(askedOf), policy, nowS),
      );
      for (const found of others) this.#pending.scalers.set(found.key, waiting(found));
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
      const { name: own } = found.deployment;
      const desired = answer.kind === "answered" ? answer.output.desired : {};
      const told: TraceEntry["answer"] =
        answer.kind === "answered" && Object.hasOwn(desired, own)
          ? { desired: desired[own]! }
          : { failed: decision.kind === "kept" ? decision.reason : "" };
      this.#act({ ...found, atMs: now }, { decision, state, failure, answer: told });
    }
  }

  /** What a policy answered; not what one answered that is no longer deployed, whose state means nothing to the next. */
  #reply(key: string, generation: string): PolicyReply | undefined {
    const reply = this.#pending.replies.get(key);
    return reply?.generation === generation ? reply : undefined;
  }

  /** Asks a policy, unless its answer is still awaited. The deployment's next decision is made on the answer. */
  #ask(found: Found, key: string, question: (id: string, asked: Asked, nowS: number) => PolicyQuestion): void {
    this.#pending.scalers.set(found.key, waiting(found));
    if (this.#s.asked.has(key)) return;
    this.#pending.questions.push(question(this.#s.nextId(), askedOf(found), found.atMs / 1_000));
  }

  /** Makes a decision real on the draft, and notes when the next one is due. */
  #act(found: Found, made: Made): void {
    const { key, scaler, seen, reports = emptyReports(), news, atMs, missed } = found;
    const { decision, wish } = made;
    const state = this.#follow(found, { ...made, state: samePolicyState(scaler.state, made.state) });
    const changed = decision.result !== seen.target;
    const futile = isFutile(decision);
    const known = {
      toldLast: () => this.#s.toldLast(scaler.application, scaler.deployment, scaler.shadowTarget !== null),
      running: seen.running,
      reports,
    };
    const change = missed?.change;
    const recording = recorded(change ? withMissed(scaler.recording, change, known) : scaler.recording, {
      ...known,
      decision,
      before: change?.decision ?? scaler.seen?.decision ?? null,
      state: scaler.state,
      fresh: found.fresh,
      dueMs: found.dueMs,
      atMs,
      answer: made.answer,
    });
    const { left: _left, ...standing } = scaler;
    const worth = !futile && worthSaving(missed?.stored ?? scaler.state, state);
    const next: Scaler = {
      ...standing,
      state,
      shadowTarget: scaler.shadowTarget === null ? null : decision.result,
      seen: { ...seen, target: decision.result, decision },
      lastMs: atMs,
      dueMs: tickFrom(changed ? 0 : this.#holdsUntilS(decision, seen, futile, wish), atMs),
      unsaved: scaler.unsaved || isUnwritten(recording) || worth || (news && mustSaveReports(scaler, reports)),
      recording,
    };
    if (change) this.#pending.decisions.push({ key, decision: change.decision, tookMs: undefined });
    this.#pending.decisions.push({ key, decision, tookMs: made.tookMs });
    // A wait that has begun is not to begin anew in the next controller, and who hears of targets hears of each.
    const mayWait = !changed && !change && !worth && next.savedMs + SAVE_INTERVAL_MS > this.#now;
    this.#pending.scalers.set(key, next.unsaved && !mayWait ? this.saved(next) : next);
  }

  /** Puts a decision into the deployment's record; one of a shadow is remembered and leaves the deployment alone. */
  #follow({ deployment, replicas, scaler }: Found, { decision, state, failure }: Made): ScalingState {
    if (scaler.shadowTarget !== null) return rememberedByShadow(decision, state);
    const applied = applyDecision(deployment, replicas, decision, state, this.#now);
    const told = withFailure(applied.deployment, failure);
    if (told !== deployment) this.#draft.setDeployment(told);
    return applied.state;
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
    if (decision.policy === "user" && this.#s.policies === undefined) return Number.POSITIVE_INFINITY;
    if (decision.kind === "kept" && decision.policy === "built-in") return Number.POSITIVE_INFINITY;
    return constantUntilS(futile && decision.kind === "steered" ? { ...decision, delayS: null } : decision, load.total);
  }

  /** Writes the memory of a deployment, and what was recorded since the last time. */
  saved(scaler: Scaler): Scaler {
    const { application, deployment, uid, registration, build, state, recording, shadowTarget } = scaler;
    const shadow = shadowTarget !== null;
    const now = this.#now;
    const reports = this.#s.load.reports(application, deployment);
    const window = windowToSave(reports, recording, now, this.#s.clock.monotonic());
    const savedAtS = now / 1_000;
    const record: ScalingRecord = {
      ...{ application, deployment, uid, registration, build, state, reports: null, savedAtS },
      ...(window === null ? {} : { window }),
    };
    this.#draft.setScaling(shadow ? { ...record, shadowTarget } : record);
    const limit = chunkLimit(this.#s.scalers.size);
    const { entries, news } = recording;
    if (entries.length > 0) this.#draft.addTrace(application, deployment, shadow, { entries }, limit);
    if (news.length > 0) {
      const decisions = news.map((decision) => decisionShown({ first: decision, last: decision, turns: 1 }, shadow));
      this.#draft.setDecisions(application, deployment, shadow, { application, deployment, decisions });
    }
    return {
      ...scaler,
      unsaved: false,
      savedMs: now,
      savedIdle: window === null,
      recording: stored(recording, limit),
    };
  }
}

/** With what the built-in policy would have decided since an earlier controller wrote down what it knew. */
function caughtUp(found: Found): Found {
  const { scaler, seen, situation, fresh, atMs, deployment, reports = emptyReports() } = found;
  const { left } = scaler;
  if (left === undefined || fresh || deploymentPolicy(deployment) !== undefined) return found;
  if (!isNewsless(left.reports, reports)) return found;
  const intervalS = deployment.config.autoscaling_config.metrics_interval_s;
  const missed = decideMissed(seen, scaler.state, left.atS, atMs, intervalS);
  if (missed === undefined) return found;
  const { state, target, change } = missed;
  return {
    ...found,
    scaler: { ...scaler, state },
    seen: { ...seen, target },
    situation: { ...situation, target },
    missed: { change, stored: scaler.state },
  };
}

/** The recording with a decision that was made up for; what comes next begins anew with all that is known. */
function withMissed(
  recording: Recording,
  { decision, state }: NonNullable<CaughtUp["change"]>,
  known: Pick<Recordable, "toldLast" | "running" | "reports">,
): Recording {
  const atMs = decision.atS * 1_000;
  const made = { ...known, decision, state, before: null, fresh: true, dueMs: atMs, atMs, answer: undefined };
  return { ...recorded(recording, made), told: null };
}

/** What a reply is told by. */
export function replyKey(application: string, deployment: string | null, shadow = false): string {
  if (deployment !== null) return keys.scaling(application, deployment, shadow);
  const key = keys.application(application);
  return shadow ? `${key}/shadow` : key;
}

function askedOf({ deployment, scaler, seen, reports }: Found): Asked {
  return { deployment, scaler, seen, reports };
}

/** One whose next decision is made when its policy has answered. */
function waiting({ scaler, seen, atMs, news, reports }: Found): Scaler {
  return {
    ...scaler,
    seen: { ...seen, decision: scaler.seen?.decision ?? null },
    lastMs: atMs,
    dueMs: Infinity,
    unsaved: scaler.unsaved || (news && mustSaveReports(scaler, reports)),
  };
}

/** What a replay has to know of an answer; the built-in policy is asked again. */
function recordedAnswer(answer: PolicyAnswer): TraceEntry["answer"] {
  if (answer.kind === "built-in") return undefined;
  return answer.kind === "answered" ? { desired: answer.desired } : { failed: answer.reason };
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
