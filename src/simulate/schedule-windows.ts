/** Which windows of a `windlass:schedule` are open when, for people. */
import { makeSchedule, type Schedule } from "../autoscaling/schedule.ts";
import {
  policyKind,
  readScheduleKwargs,
  type ScheduledCount,
  type ScheduleKwargs,
  type ScheduleWindow,
} from "../config/policy-kwargs.ts";
import { isRecord } from "../config/schema-types.ts";

/** A schedule over the time of a simulation. */
export interface ScheduleCourse {
  /** What each window says, and what holds outside of all. */
  readonly windows: readonly string[];
  readonly otherwise: string;
  /** From `atS`, seconds from the start, the windows of these indexes are open. */
  readonly changes: readonly { readonly atS: number; readonly open: readonly number[] }[];
}

/** The course of the schedule that a `policy` of a config is; undefined: it is none. `epochS`: second 0, epoch seconds. */
export function scheduleCourse(policy: unknown, epochS: number, lengthS: number): ScheduleCourse | undefined {
  const read = scheduleOf(policy);
  if (read === undefined) return undefined;
  const { kwargs, schedule } = read;
  const changes: { atS: number; open: readonly number[] }[] = [];
  for (let atS = 0; atS < lengthS; ) {
    const { open, untilS } = schedule.at(epochS + atS);
    if (String(changes.at(-1)?.open ?? "none") !== String(open)) changes.push({ atS, open });
    atS = Math.max(untilS - epochS, atS + 1);
  }
  const { windows, else: otherwise } = kwargs;
  return { windows: windows.map(windowText), otherwise: outsideText(otherwise), changes };
}

/** What a `policy` that is a schedule says at `timeS`, epoch seconds, as one line; undefined: it is none. */
export function scheduleLine(policy: unknown, timeS: number): string | undefined {
  const read = scheduleOf(policy);
  if (read === undefined) return undefined;
  const { windows, else: otherwise, timezone } = read.kwargs;
  const { open } = read.schedule.at(timeS);
  if (open.length === 0) return `no window is open: ${outsideText(otherwise)}`;
  const which = open.map((index) => `window ${index + 1} (${windowText(windows[index]!)})`).join(" and ");
  return `${which} ${open.length === 1 ? "is" : "are"} open, in ${timezone}`;
}

function scheduleOf(policy: unknown): { readonly kwargs: ScheduleKwargs; readonly schedule: Schedule } | undefined {
  if (!isRecord(policy) || typeof policy["policy_function"] !== "string") return undefined;
  if (policyKind(policy["policy_function"]) !== "schedule") return undefined;
  const read = readScheduleKwargs(policy["policy_kwargs"] ?? {});
  return read.ok ? { kwargs: read.kwargs, schedule: makeSchedule(read.kwargs) } : undefined;
}

function windowText(window: ScheduleWindow): string {
  const when = "cron" in window && window.cron !== undefined ? window.cron : spanText(window);
  return `${when}: ${countText(window)}`;
}

function spanText(window: ScheduleWindow): string {
  const { start, end } = window as { readonly start: string; readonly end: string };
  return `${start} to ${end}`;
}

function outsideText(count: ScheduledCount | null): string {
  return count === null ? "requests decide" : countText(count);
}

function countText(count: ScheduledCount): string {
  return "replicas" in count && count.replicas !== undefined
    ? `exactly ${count.replicas}`
    : `at least ${(count as { readonly min_replicas: number }).min_replicas}`;
}
