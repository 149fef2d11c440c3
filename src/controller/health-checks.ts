import type { Random } from "../core/random.ts";
import type { HealthSchedule } from "./health-schedule.ts";
import { beginCheck, endCheck, firstCheck, UNHEALTHY_AFTER } from "./health-schedule.ts";
import type { DeploymentRecord, ReplicaRecord } from "./records.ts";

type Schedules = Map<string, HealthSchedule>;

/** The health checks of all serving replicas, in memory. */
export class HealthChecks {
  readonly #random: Random;
  /** By deployment uid, then replica id, so that ended replicas are forgotten with their deployment's step. */
  readonly #schedules = new Map<string, Schedules>();
  /** The same, by the replica. */
  readonly #schedulesWith = new Map<string, Schedules>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Begins the checks that are due; returns them and when to look again. */
  due(
    replicas: readonly ReplicaRecord[],
    deployment: DeploymentRecord,
    now: number,
  ): { ids: string[]; nextAt: number } {
    const periodS = deployment.config.health_check_period_s;
    const known = this.#schedules.get(deployment.uid);
    const next: Schedules = new Map();
    const ids: string[] = [];
    let nextAt = Infinity;
    for (const { id, state } of replicas) {
      if (state.kind !== "running" && state.kind !== "updating") continue;
      let schedule = known?.get(id) ?? firstCheck(now, periodS, this.#random);
      if (now >= schedule.nextAt && !schedule.inFlight) {
        schedule = beginCheck(schedule, now, periodS, this.#random);
        ids.push(id);
      }
      next.set(id, schedule);
      this.#schedulesWith.set(id, next);
      if (!schedule.inFlight) nextAt = Math.min(nextAt, schedule.nextAt);
    }
    for (const id of known?.keys() ?? []) if (!next.has(id)) this.#schedulesWith.delete(id);
    if (next.size === 0) this.#schedules.delete(deployment.uid);
    else this.#schedules.set(deployment.uid, next);
    return { ids, nextAt };
  }

  /** A check that was begun by `due` but never asked of the replica: it is due again with the next look. */
  abandon(id: string): void {
    const schedules = this.#schedulesWith.get(id);
    const schedule = schedules?.get(id);
    if (schedule) schedules?.set(id, { ...schedule, inFlight: false });
  }

  /**
   * Takes a result in. Returns when the replica is to be checked next, epoch ms, and the verdict's text when it has
   * become unhealthy.
   */
  end(id: string, error: string | null): { readonly nextAt: number; readonly unhealthy: string | undefined } {
    const schedules = this.#schedulesWith.get(id);
    const schedule = schedules?.get(id);
    if (!schedule) return { nextAt: Infinity, unhealthy: undefined };
    const next = endCheck(schedule, error);
    schedules?.set(id, next);
    const { nextAt, failures } = next;
    if (failures < UNHEALTHY_AFTER) return { nextAt, unhealthy: undefined };
    return { nextAt, unhealthy: `failed ${failures} health checks in a row: ${error}` };
  }
}
