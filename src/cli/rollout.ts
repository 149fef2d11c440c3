import { type Application, Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { type Deployment, Deployment_State } from "../../gen/windlass/v1/deployment_pb.ts";
import type { WatchInstanceResponse } from "../../gen/windlass/v1/instance_service_pb.ts";
import { applicationName, deploymentName } from "../core/names.ts";
import { replicaCounts } from "./labels.ts";

/** What a reader of the feed knows by now. */
export interface Seen {
  synced: boolean;
  revision: bigint;
  readonly applications: Map<string, Application>;
  readonly deployments: Map<string, Deployment>;
}

/** Nothing known yet. */
export function nothingSeen(): Seen {
  return { synced: false, revision: 0n, applications: new Map(), deployments: new Map() };
}

/** Adds one message to what is known. */
export function see(seen: Seen, message: WatchInstanceResponse): void {
  if (message.revision > seen.revision) seen.revision = message.revision;
  const { event } = message;
  switch (event.case) {
    case "application":
      seen.applications.set(event.value.name, event.value);
      break;
    case "deployment":
      seen.deployments.set(event.value.name, event.value);
      break;
    case "deleted":
      seen.applications.delete(event.value);
      seen.deployments.delete(event.value);
      break;
    case "synced":
      seen.synced = true;
      break;
    default:
      break;
  }
}

/** How far one thing has come. `missing` and `message` are for a person. */
export type Progress =
  | { readonly kind: "waiting"; readonly missing: string }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly message: string };

/** How far an application of a config accepted at `revision` has come. */
export function applicationProgress(seen: Seen, application: string, revision: bigint): Progress {
  if (!seen.synced || seen.revision < revision) return { kind: "waiting", missing: `${application}: no news yet` };
  const record = seen.applications.get(applicationName(application));
  if (record === undefined) return { kind: "failed", message: `application ${application} was deleted meanwhile` };
  // An older generation's outcome says nothing about the config that was sent.
  const current = record.observedGeneration >= record.generation;
  if (current && record.state === Application_State.DEPLOY_FAILED) {
    const why = record.message || "the deploy failed, no reason given";
    return { kind: "failed", message: `application ${application}: ${why}${firstFailure(seen, application)}` };
  }
  if (current && record.state === Application_State.RUNNING && !record.reconciling) return { kind: "done" };
  return { kind: "waiting", missing: missingOf(seen, application, record) };
}

/** What the first deployment that failed says of itself; the application names it only. */
function firstFailure(seen: Seen, application: string): string {
  const prefix = `${applicationName(application)}/deployments/`;
  const failed = [...seen.deployments.values()].find(
    ({ name, state, message }) => name.startsWith(prefix) && state === Deployment_State.DEPLOY_FAILED && message !== "",
  );
  return failed === undefined ? "" : `: ${failed.message}`;
}

function missingOf(seen: Seen, application: string, record: Application): string {
  const prefix = `${applicationName(application)}/deployments/`;
  const behind = [...seen.deployments.values()]
    .filter((deployment) => deployment.name.startsWith(prefix) && deployment.state !== Deployment_State.HEALTHY)
    .map((deployment) => `${decodeURIComponent(deployment.name.slice(prefix.length))} ${countsText(deployment)}`);
  const why = record.message === "" ? "" : ` (${record.message})`;
  return `${application}: ${behind.length > 0 ? behind.join(", ") : "not built yet"}${why}`;
}

/** What scaling waits for. */
export interface ScaleGoal {
  readonly application: string;
  readonly deployment: string;
  readonly replicas: number;
  /** The deployment's generation after the scale call. */
  readonly generation: bigint;
}

/** How far a scaled deployment has come: done at exactly the wanted number RUNNING and no other replica. */
export function scaleProgress(seen: Seen, goal: ScaleGoal): Progress {
  const what = `${goal.application}/${goal.deployment}`;
  if (!seen.synced) return { kind: "waiting", missing: `${what}: no news yet` };
  const record = seen.deployments.get(deploymentName(goal.application, goal.deployment));
  if (record === undefined) return { kind: "failed", message: `deployment ${what} was deleted meanwhile` };
  if (record.generation < goal.generation) return { kind: "waiting", missing: `${what}: no news yet` };
  if (record.targetNumReplicas !== goal.replicas) {
    return {
      kind: "failed",
      message: `the target of ${what} was changed to ${record.targetNumReplicas} meanwhile; ${goal.replicas} was asked for`,
    };
  }
  if (record.state === Deployment_State.DEPLOY_FAILED) {
    return { kind: "failed", message: `deployment ${what} failed: ${record.message || "no reason given"}` };
  }
  const counts = Object.entries(replicaCounts(record)).filter(([, count]) => count > 0);
  const others = counts.filter(([state]) => state !== "RUNNING");
  const running = replicaCounts(record).RUNNING ?? 0;
  if (running === goal.replicas && others.length === 0) return { kind: "done" };
  return { kind: "waiting", missing: `${what}: ${countsText(record)}` };
}

/** "1/3 running, 2 starting". */
export function countsText(deployment: Deployment): string {
  const { RUNNING = 0, ...others } = replicaCounts(deployment);
  const rest = Object.entries(others)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `, ${count} ${state.toLowerCase().replace("_", " ")}`);
  return `${RUNNING}/${deployment.targetNumReplicas} running${rest.join("")}`;
}
