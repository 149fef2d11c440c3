/** The newest word of routers and replicas on each deployment that is scaled by load. In memory alone. */
import { handleTimeoutS } from "../autoscaling/intervals.ts";
import {
  acceptHandleReport,
  acceptReplicaReport,
  dropStaleHandles,
  emptyReports,
  forgetReplica,
  type HandleReport,
  nextStaleAtMonoS,
  type Reports,
} from "../autoscaling/reports.ts";
import { EMPTY_SERIES } from "../autoscaling/series.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { ReplicaLoad, ReplicaLoadSink } from "../engine/engine.ts";
import type { RouterLoad, RoutingTableData } from "./controller.ts";
import { keys } from "./records.ts";
import { type CallStats, newCallStats, noteCalls } from "./stats-calls.ts";
import type { SamplingChange } from "./table-keeper.ts";

/** See {@link LoadIngest.delays}. */
export interface ReportDelays {
  readonly handleMs: number | null;
  readonly replicaMs: number | null;
  /** How calls of the user's recordAutoscalingStats went; absent: nobody told. */
  readonly calls?: Pick<CallStats, "latencyMs" | "failures">;
}

interface Followed {
  readonly application: string;
  readonly deployment: string;
  readonly reports: Reports;
  /** A router that says nothing for so long is forgotten. */
  timeoutS: number;
  readonly delays: { handleMs: number | null; replicaMs: number | null; calls?: CallStats };
}

/** A router whose stream ended may be back by then: its counts stay, and no wait is disturbed. */
const ROUTER_RETURN_MS = 100;
/** In a report: the series of what waits. */
const QUEUED = "";

/**
 * Takes reports in and forgets them by the rules: a router's when its process ended or it was silent for too long, a
 * replica's when it stopped. Taking one in costs a few steps whatever is kept, so it happens outside of turns.
 */
export class LoadIngest implements ReplicaLoadSink {
  readonly #clock: Clock;
  readonly #followed = new Map<string, Followed>();
  /** What each router has reported on, or may have: few of the deployments, of which one is forgotten with its process. */
  readonly #toldBy = new Map<string, Set<string>>();
  /** Routers whose stream ended, until they are back or forgotten. */
  readonly #leaving = new Map<string, Timer>();
  #expiry: { readonly atMonoS: number; readonly timer: Timer } | undefined;
  #onChange: (application: string, deployment: string) => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * What is known of a deployment, as `loadOf` of the autoscaling core takes it; undefined: it is not scaled by load.
   * Changed in place as reports come and go; what its maps hold is not.
   */
  reports(application: string, deployment: string): Reports | undefined {
    return this.#followed.get(keys.deployment(application, deployment))?.reports;
  }

  /** How old the newest report of a router and of a replica on a deployment was when it came; null: none came. */
  delays(application: string, deployment: string): ReportDelays {
    return this.#followed.get(keys.deployment(application, deployment))?.delays ?? { handleMs: null, replicaMs: null };
  }

  /** Calls back for a deployment whose reports changed: what was decided on them may not hold any more. */
  onChange(listener: (application: string, deployment: string) => void): void {
    this.#onChange = listener;
  }

  /** Puts back what an earlier controller knew of a deployment that is followed; what came since is kept. */
  restore(application: string, deployment: string, { handles, replicas }: Reports): void {
    const followed = this.#followed.get(keys.deployment(application, deployment));
    if (followed === undefined) return;
    const { reports, timeoutS } = followed;
    for (const [id, handle] of handles) {
      if (reports.handles.has(id)) continue;
      reports.handles.set(id, handle);
      this.#noteTeller(id, keys.deployment(application, deployment));
    }
    for (const [id, replica] of replicas) if (!reports.replicas.has(id)) reports.replicas.set(id, replica);
    this.#expireAt(nextStaleAtMonoS(reports, timeoutS));
    this.#onChange(application, deployment);
  }

  /** From now on the deployments that this table has measured are followed, and no others; what is known stays. */
  follow({ deployments }: Pick<RoutingTableData, "deployments">): void {
    const gone = new Set(this.#followed.keys());
    for (const { application, deployment, loadSampling } of deployments) {
      if (loadSampling !== undefined) gone.delete(keys.deployment(application, deployment));
    }
    for (const name of gone) this.#followed.delete(name);
    this.followChanged(deployments.filter(({ loadSampling }) => loadSampling !== undefined));
  }

  /** What of the deployments that are followed is new; those without `loadSampling` are not any more. */
  followChanged(changes: readonly SamplingChange[]): void {
    for (const { application, deployment, loadSampling } of changes) {
      const name = keys.deployment(application, deployment);
      if (loadSampling === undefined) {
        this.#followed.delete(name);
        continue;
      }
      const timeoutS = handleTimeoutS(loadSampling.pushIntervalS);
      const followed = this.#followed.get(name);
      if (followed === undefined) {
        const delays = { handleMs: null, replicaMs: null };
        this.#followed.set(name, { application, deployment, reports: emptyReports(), timeoutS, delays });
      } else if (followed.timeoutS !== timeoutS) {
        followed.timeoutS = timeoutS;
        this.#expireAt(nextStaleAtMonoS(followed.reports, timeoutS));
      }
    }
  }

  /** A router's report; deployments that are not followed, and late ones, are passed over. */
  routerReported({ routerId, timestampS, deployments }: RouterLoad): void {
    const nowMonoS = this.#monoS();
    const nowMs = this.#clock.now();
    for (const { application, deployment, series } of deployments) {
      const followed = this.#followed.get(keys.deployment(application, deployment));
      if (followed === undefined) continue;
      const running = new Map(series);
      running.delete(QUEUED);
      const report: HandleReport = {
        handle: routerId,
        owner: { kind: routerId.startsWith("proxy/") ? "proxy" : "replica", id: routerId },
        timestampS,
        queued: series.get(QUEUED) ?? EMPTY_SERIES,
        running,
      };
      if (!acceptHandleReport(followed.reports, report, nowMonoS)) continue;
      this.#noteTeller(routerId, keys.deployment(application, deployment));
      followed.delays.handleMs = nowMs - timestampS * 1_000;
      this.#expireAt(nowMonoS + followed.timeoutS);
      this.#onChange(application, deployment);
    }
  }

  /** A router follows the table (again). */
  routerJoined(routerId: string): void {
    this.#leaving.get(routerId)?.cancel();
    this.#leaving.delete(routerId);
  }

  /** A router's stream ended; unless it is back at once its process has. */
  routerLeft(routerId: string): void {
    if (this.#followed.size === 0) return;
    this.routerJoined(routerId);
    const drop = (): void => {
      this.#leaving.delete(routerId);
      this.#forget(routerId);
    };
    this.#leaving.set(routerId, this.#clock.timer(ROUTER_RETURN_MS, drop, { unref: true }));
  }

  replicaReported({ application, deployment, id, timestampS, metrics, calls }: ReplicaLoad): void {
    const followed = this.#followed.get(keys.deployment(application, deployment));
    if (followed === undefined) return;
    if (calls !== undefined) {
      followed.delays.calls ??= newCallStats();
      noteCalls(followed.delays.calls, id, calls);
    }
    if (metrics === null) return;
    if (acceptReplicaReport(followed.reports, { replica: id, timestampS, metrics })) {
      followed.delays.replicaMs = this.#clock.now() - timestampS * 1_000;
      this.#onChange(application, deployment);
    }
  }

  replicaGone(application: string, deployment: string, id: string): void {
    const followed = this.#followed.get(keys.deployment(application, deployment));
    followed?.delays.calls?.told.delete(id);
    const reports = followed?.reports;
    if (reports?.replicas.has(id)) {
      forgetReplica(reports, id);
      this.#onChange(application, deployment);
    }
    // Its handles may be known from an earlier controller, to which alone they had a stream.
    this.#forget(`replica/${id}`);
  }

  #noteTeller(routerId: string, name: string): void {
    const known = this.#toldBy.get(routerId);
    if (known === undefined) this.#toldBy.set(routerId, new Set([name]));
    else known.add(name);
  }

  #forget(routerId: string): void {
    const names = this.#toldBy.get(routerId) ?? [];
    this.#toldBy.delete(routerId);
    for (const name of names) {
      const followed = this.#followed.get(name);
      if (followed?.reports.handles.delete(routerId)) this.#onChange(followed.application, followed.deployment);
    }
  }

  /** Looks for silent routers no later than then. Those that report regularly move it further each time it is due. */
  #expireAt(atMonoS: number): void {
    if (atMonoS === Number.POSITIVE_INFINITY || (this.#expiry !== undefined && this.#expiry.atMonoS <= atMonoS)) return;
    this.#expiry?.timer.cancel();
    const delayMs = (atMonoS - this.#monoS()) * 1_000;
    this.#expiry = { atMonoS, timer: this.#clock.timer(delayMs, () => this.#expire(), { unref: true }) };
  }

  #expire(): void {
    this.#expiry = undefined;
    const nowMonoS = this.#monoS();
    let nextS = Number.POSITIVE_INFINITY;
    for (const { application, deployment, reports, timeoutS } of this.#followed.values()) {
      // Who is alive is told by streams, at once.
      const alive = new Set(reports.handles.keys());
      if (dropStaleHandles(reports, alive, timeoutS, nowMonoS)) this.#onChange(application, deployment);
      nextS = Math.min(nextS, nextStaleAtMonoS(reports, timeoutS));
    }
    for (const [routerId, names] of this.#toldBy) {
      for (const name of names) if (!this.#followed.get(name)?.reports.handles.has(routerId)) names.delete(name);
      if (names.size === 0) this.#toldBy.delete(routerId);
    }
    this.#expireAt(nextS);
  }

  #monoS(): number {
    return this.#clock.monotonic() / 1_000;
  }
}
