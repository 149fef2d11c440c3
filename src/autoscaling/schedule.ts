/** The policy `windlass:schedule`: replicas by time windows. Asked in the turn itself, since it needs nothing but the time. */
import { Cron } from "croner";
import {
  readScheduleKwargs,
  type ScheduledCount,
  type ScheduleKwargs,
  type ScheduleWindow,
} from "../config/policy-kwargs.ts";
import type { LoadCurve } from "./aggregate.ts";
import { constantUntilS } from "./boundary.ts";
import type { Decision, PolicyAnswer, Situation } from "./decide.ts";
import { desiredByRequests } from "./policy.ts";

/** What a schedule says at a time. */
export interface ScheduledWish {
  /** none: requests decide alone. */
  readonly kind: "exact" | "floor" | "none";
  readonly replicas: number;
  /** Indexes of the windows that are open; none open: `else` speaks, if there is one. */
  readonly open: readonly number[];
  /** It says the same from `fromS` until before `untilS`, epoch seconds. */
  readonly fromS: number;
  readonly untilS: number;
}

/** A schedule made ready to be read. */
export interface Schedule {
  /** Reads it at `nowS`, epoch seconds. The last reading is kept, so that a turn costs nothing until the next change. */
  at(nowS: number): ScheduledWish;
}

/** Looked at again after so long at the latest, in seconds: a change of the machine's time zones is noticed. */
const LONGEST_S = 86_400;

/** Makes a schedule of arguments that were checked. */
export function makeSchedule(kwargs: ScheduleKwargs): Schedule {
  const windows = kwargs.windows.map((window) => makeWindow(window, kwargs.timezone));
  let last: ScheduledWish | undefined;
  return {
    at(nowS) {
      if (last === undefined || nowS < last.fromS || nowS >= last.untilS) last = read(kwargs, windows, nowS);
      return last;
    },
  };
}

/** Schedules by the object that their arguments are, which a config keeps. */
const known = new WeakMap<object, Schedule | string>();

/** What a schedule said, for {@link scheduleHoldsUntilS}. */
export interface ScheduleAnswer {
  readonly answer: PolicyAnswer;
  /** null: its arguments are wrong. */
  readonly wish: ScheduledWish | null;
}

/** Asks the policy `windlass:schedule` at `nowS`, epoch seconds; `shown` is the target as policies see it. */
export function askSchedule(kwargs: object, situation: Situation, shown: number, nowS: number): ScheduleAnswer {
  let schedule = known.get(kwargs);
  if (schedule === undefined) {
    const read = readScheduleKwargs(kwargs);
    // They were checked before anything was applied; a config of an earlier version was not.
    schedule = read.ok
      ? makeSchedule(read.kwargs)
      : `windlass:schedule: ${read.issues[0]?.message ?? "wrong arguments"}`;
    known.set(kwargs, schedule);
  }
  if (typeof schedule === "string") return { answer: { kind: "failed", reason: schedule }, wish: null };
  const wish = schedule.at(nowS);
  const { total, running, rules } = situation;
  return { answer: scheduleAnswer(wish, desiredByRequests(total, running, shown, rules.targetOngoingRequests)), wish };
}

/**
 * Until when (epoch seconds, exclusive) each turn decides the same as `decision`, under the conditions of
 * {@link constantUntilS}: not past the schedule's next change. A count that holds whatever the requests makes their
 * load matter only where nothing runs; a floor never makes the wish change where that by requests does not.
 */
export function scheduleHoldsUntilS(decision: Decision, wish: ScheduledWish | null, curve: LoadCurve): number {
  if (wish === null || decision.kind === "kept") return decision.atS;
  const loadMatters = wish.kind !== "exact" || decision.running === 0;
  const level: LoadCurve = { kind: "level", value: decision.total };
  return Math.min(wish.untilS, constantUntilS({ ...decision, policy: "built-in" }, loadMatters ? curve : level));
}

/** Joins what a schedule says with what requests need (`byRequests`; NaN where the request-based policy has no wish). */
export function scheduleAnswer(wish: ScheduledWish, byRequests: number): PolicyAnswer {
  if (wish.kind === "exact") return { kind: "answered", desired: wish.replicas, state: {} };
  if (!Number.isFinite(byRequests)) {
    return {
      kind: "failed",
      reason: "the schedule leaves it to requests, for which target_ongoing_requests is missing",
    };
  }
  const desired = wish.kind === "none" ? byRequests : Math.max(wish.replicas, byRequests);
  return { kind: "answered", desired, state: {} };
}

/** Whether it is open, and until when that stays so at least, epoch seconds. */
type Window = (nowS: number) => { readonly open: boolean; readonly untilS: number };

function makeWindow(window: ScheduleWindow, timezone: string): Window {
  const cron = (pattern: string): Cron => new Cron(pattern, { timezone, paused: true });
  if ("cron" in window && window.cron !== undefined) {
    const matching = cron(window.cron);
    // Patterns of five parts speak of minutes, those of six or seven of seconds.
    const stepS = window.cron.trim().split(/\s+/).length > 5 ? 1 : 60;
    return (nowS) => {
      const beginS = Math.floor(nowS / stepS) * stepS;
      return { open: matching.match(dateOf(beginS)), untilS: beginS + stepS };
    };
  }
  const { start, end } = window as { start: string; end: string };
  const starts = cron(start);
  const ends = cron(end);
  return (nowS) => {
    const started = lastRunS(starts, nowS);
    const ended = lastRunS(ends, nowS);
    // Of equal times the start counts: a window that ends when the next begins stays open.
    const open = started !== null && (ended === null || started >= ended);
    const next = [starts, ends].flatMap((each) => nextRunS(each, nowS) ?? []);
    return { open, untilS: Math.min(...next, nowS + LONGEST_S) };
  };
}

/** The last time at or before `nowS` that a pattern stands for; null: none. */
function lastRunS(cron: Cron, nowS: number): number | null {
  // Half a second on, the run at this very second has passed.
  const [run] = cron.previousRuns(1, dateOf(Math.floor(nowS) + 0.5));
  return run === undefined ? null : run.getTime() / 1000;
}

function nextRunS(cron: Cron, nowS: number): number | null {
  const run = cron.nextRun(dateOf(Math.floor(nowS)));
  return run === null ? null : run.getTime() / 1000;
}

function dateOf(timeS: number): Date {
  return new Date(timeS * 1000);
}

function read(kwargs: ScheduleKwargs, windows: readonly Window[], nowS: number): ScheduledWish {
  const states = windows.map((window) => window(nowS));
  const open = states.flatMap((state, index) => (state.open ? [index] : []));
  const counts: readonly ScheduledCount[] =
    open.length > 0 ? open.map((index) => kwargs.windows[index]!) : kwargs.else === null ? [] : [kwargs.else];
  const exact = counts.some((count) => "replicas" in count && count.replicas !== undefined);
  return {
    kind: counts.length === 0 ? "none" : exact && kwargs.compose === "replace" ? "exact" : "floor",
    // Of windows that are open together the largest count is meant.
    replicas: Math.max(0, ...counts.map(countOf)),
    open,
    fromS: nowS,
    untilS: Math.min(...states.map(({ untilS }) => untilS)),
  };
}

function countOf(count: ScheduledCount): number {
  return "replicas" in count && count.replicas !== undefined
    ? count.replicas
    : (count as { min_replicas: number }).min_replicas;
}
