import type { Random } from "../core/random.ts";

/** Consecutive failures that make a replica unhealthy; the reference's constant. */
export const UNHEALTHY_AFTER = 3;

/** Where the health checks of one replica stand. Kept in memory only: a restarted controller starts afresh. */
export interface HealthSchedule {
  readonly nextAt: number;
  readonly inFlight: boolean;
  readonly failures: number;
}

/** The first check comes one period after the replica started to serve: starting included one. */
export function firstCheck(now: number, periodS: number, random: Random): HealthSchedule {
  return { nextAt: now + jittered(periodS, random), inFlight: false, failures: 0 };
}

/** Begins a check; the next one is due a period (±10 %) after this one's start. */
export function beginCheck(schedule: HealthSchedule, now: number, periodS: number, random: Random): HealthSchedule {
  return { ...schedule, inFlight: true, nextAt: now + jittered(periodS, random) };
}

/** Takes a result in; `error` null is healthy. */
export function endCheck(schedule: HealthSchedule, error: string | null): HealthSchedule {
  return { ...schedule, inFlight: false, failures: error === null ? 0 : schedule.failures + 1 };
}

function jittered(periodS: number, random: Random): number {
  return periodS * 1000 * (0.9 + 0.2 * random.next());
}
