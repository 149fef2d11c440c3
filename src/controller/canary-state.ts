import { WindlassError } from "../core/errors.ts";
import type { CanaryVerdict } from "./canary-analysis.ts";
import type { CanaryRecord } from "./records.ts";

/** What a canary comes to. */
export type CanaryStep =
  | {
      readonly kind: "stay";
      readonly canary: CanaryRecord;
      /** Whether the samples of the step begin anew. */
      readonly newStep: boolean;
      /** What it waits for, one line. */
      readonly message: string;
      /** When to look again though nothing happens; epoch ms, Infinity for never. */
      readonly wakeAt: number;
    }
  | { readonly kind: "abort"; readonly reason: string }
  | { readonly kind: "promote" };

/** What a step of a canary looks at. */
export interface CanaryInput {
  readonly now: number;
  /** Whether every deployment that differs has replicas of the canary that serve. */
  readonly ready: boolean;
  /** Why its replicas cannot be had; "" while they can. */
  readonly failure: string;
  readonly verdict: CanaryVerdict;
  /** Whether a newer revision failed to build: then it stays where it is, and may still be sent back. */
  readonly overtaken: boolean;
}

/** Why a canary stays where it is, and what to do. */
const OVERTAKEN = "a newer revision failed to build; put a config again, or abort it";

/** Between two looks at the samples. */
const LOOK_MS = 1_000;

/**
 * One step of a canary's life.
 *
 * ```
 * starting            --ready--> running (step 0)
 * running             --pause over, enough requests, no breach--> running (next step) | promote
 * running             --pauseS is null, enough requests, no breach--> awaiting-promotion
 * any                 --failure, or breach once it has traffic--> abort
 * running, awaiting…  --pause--> paused --resume--> running (the step begins anew)
 * overtaken           nothing but abort
 * ```
 */
export function stepCanary(canary: CanaryRecord, input: CanaryInput): CanaryStep {
  const { now, ready, failure, verdict, overtaken } = input;
  const { phase } = canary;
  if (failure !== "") return { kind: "abort", reason: failure };
  if (phase.kind !== "starting" && verdict.kind === "breach") return { kind: "abort", reason: verdict.reason };
  if (overtaken) return stay(canary, `held: ${OVERTAKEN}`, now + LOOK_MS);
  if (phase.kind === "starting") {
    if (ready) return toStep(canary, 0, now);
    return stay(canary, "its replicas start", Infinity);
  }
  if (phase.kind === "paused") return stay(canary, `held by ${phase.by}; resume it to go on`, now + LOOK_MS);
  if (phase.kind === "awaiting-promotion") return stay(canary, "waits for its promotion", now + LOOK_MS);
  if (verdict.kind === "too-few") {
    return stay(canary, `${verdict.seen} of ${verdict.wanted} requests seen`, now + LOOK_MS);
  }
  if (verdict.kind === "unclear") {
    return stay(canary, `looks worse, and more requests will tell: ${verdict.reason}`, now + LOOK_MS);
  }
  const { pauseS } = canary.steps[canary.step]!;
  if (pauseS === null) {
    const waiting: CanaryRecord = { ...canary, phase: { kind: "awaiting-promotion", since: now } };
    return stay(waiting, "waits for its promotion", now + LOOK_MS);
  }
  const over = phase.since + pauseS * 1_000;
  if (now < over) {
    return stay(canary, `${Math.ceil((over - now) / 1_000)} s left of this step`, Math.min(over, now + LOOK_MS));
  }
  return nextStep(canary, now);
}

/** Goes on to the next step, or to the end with `full`. `overtaken`: as in {@link CanaryInput}. */
export function promoteCanary(
  canary: CanaryRecord,
  { full, overtaken }: { readonly full: boolean; readonly overtaken: boolean },
  now: number,
): CanaryStep {
  if (overtaken) throw new WindlassError("NOT_POSSIBLE_NOW", `the canary cannot go on: ${OVERTAKEN}`);
  if (full) return { kind: "promote" };
  if (canary.phase.kind === "starting") {
    throw new WindlassError(
      "NOT_POSSIBLE_NOW",
      "the canary's replicas still start, so there is no step to leave: wait for them, or promote it with full",
    );
  }
  return nextStep(canary, now);
}

/** Holds a canary where it is; one that is held stays as it is. */
export function pauseCanary(canary: CanaryRecord, by: string, now: number): CanaryRecord {
  if (canary.phase.kind === "paused") return canary;
  if (canary.phase.kind === "starting") {
    throw new WindlassError(
      "NOT_POSSIBLE_NOW",
      "the canary's replicas still start and get no requests: abort it, or wait for its first step to hold it",
    );
  }
  return { ...canary, phase: { kind: "paused", since: now, by } };
}

/** Lets a held canary go on, its step from the beginning; one that is not held stays as it is. */
export function resumeCanary(canary: CanaryRecord, now: number): CanaryRecord {
  return canary.phase.kind === "paused" ? { ...canary, phase: { kind: "running", since: now } } : canary;
}

/** Percent of the requests that go to the canary now. */
export function canaryWeight(canary: CanaryRecord): number {
  return canary.phase.kind === "starting" ? 0 : canary.steps[canary.step]!.weight;
}

/** Where a canary stands, one line that changes only with its record. */
export function canaryLine(canary: CanaryRecord): string {
  const { revision, stable, phase, step, steps } = canary;
  if (phase.kind === "starting") return `Canary: revision ${revision} starts beside revision ${stable}.`;
  const weight = `${canaryWeight(canary)} % of the requests (step ${step + 1} of ${steps.length})`;
  const held =
    phase.kind === "paused"
      ? `; paused by ${phase.by}`
      : phase.kind === "awaiting-promotion"
        ? "; waits for its promotion"
        : "";
  return `Canary: revision ${revision} gets ${weight}${held}.`;
}

/** How many replicas of a deployment run the canary beside `target` stable ones. */
export function canaryReplicas(canary: CanaryRecord, target: number): number {
  return target === 0 ? 0 : Math.max(1, Math.ceil((target * canary.steps[canary.step]!.weight) / 100));
}

function nextStep(canary: CanaryRecord, now: number): CanaryStep {
  const step = canary.step + 1;
  return step < canary.steps.length ? toStep(canary, step, now) : { kind: "promote" };
}

function toStep(canary: CanaryRecord, step: number, now: number): CanaryStep {
  const next: CanaryRecord = { ...canary, step, phase: { kind: "running", since: now } };
  const message = `step ${step + 1} of ${canary.steps.length} began: ${canary.steps[step]!.weight} % of the requests`;
  return { kind: "stay", canary: next, newStep: true, message, wakeAt: now + LOOK_MS };
}

function stay(canary: CanaryRecord, message: string, wakeAt: number): CanaryStep {
  return { kind: "stay", canary, newStep: false, message, wakeAt };
}
