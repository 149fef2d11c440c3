/** What is worth saying about a planned change besides what differs, one line each. Pure. */
import { lintDeployment } from "../config/lint.ts";
import { rolloutLimits } from "../config/rollout.ts";
import type { Course } from "./plan.ts";
import type { DeploymentRecord } from "./records.ts";

/** A change of one deployment, as far as notes need it. */
export interface Noted {
  readonly was: DeploymentRecord | undefined;
  readonly is: DeploymentRecord | undefined;
  readonly target: number;
  readonly plannedTarget: number;
  /** Whether anything happens to replicas. */
  readonly moves: boolean;
  readonly course: Course;
}

/** The notes of one deployment. */
export function deploymentNotes(change: Noted): string[] {
  const { was, is } = change;
  if (is === undefined) return was === undefined ? [] : leaseNotes(was, undefined);
  const linted = lintDeployment(is, "").map(({ path, message }) => `${path}: ${message}`);
  return [...ownerNotes(was, is), ...leaseNotes(was, is), ...resourceNotes(change, is), ...linted];
}

function ownerNotes(was: DeploymentRecord | undefined, is: DeploymentRecord): string[] {
  if (was === undefined || was === is) return [];
  const { owner, replicas } = was.target;
  const lost = owner !== is.target.owner;
  const notes: string[] = [];
  if (lost && owner === "external") {
    notes.push(`the target set from outside is lost: ${replicas} becomes ${is.target.replicas}`);
  }
  if (lost && owner === "manual")
    notes.push(`the target set by hand is lost: ${replicas} becomes ${is.target.replicas}`);
  const [before, after] = [was.config.autoscaling_config, is.config.autoscaling_config];
  if (!before && after) {
    notes.push(`autoscaling is switched on: from ${after.min_replicas} to ${after.max_replicas} replicas`);
  }
  if (before && !after) notes.push(`autoscaling is switched off: the count is fixed at ${is.target.replicas}`);
  return notes;
}

function leaseNotes(was: DeploymentRecord | undefined, is: DeploymentRecord | undefined): string[] {
  const lease = was?.target.lease;
  if (lease === undefined || was === is) return [];
  const owner = JSON.stringify(lease.owner);
  return is?.target.lease?.owner === lease.owner
    ? [`the lease of ${owner} on the target is kept`]
    : [`the lease of ${owner} on the target ends`];
}

function resourceNotes({ target, plannedTarget, moves, course }: Noted, is: DeploymentRecord): string[] {
  if (!moves) return [];
  const least = Math.min(target, plannedTarget);
  const missing = least - course.leastServing;
  const notes: string[] = [];
  if (course.replicasBefore >= least && least > 0 && missing > 0 && course.leastServing === 0) {
    notes.push("for a while no replica serves: the node has no room for a successor beside those that run");
  } else if (missing > Math.max(rolloutLimits(is.config, plannedTarget).unavailable, least - course.replicasBefore)) {
    notes.push(`${missing} replicas are missing for a while: the node has no room for more beside those that run`);
  }
  if (course.waiting !== "") notes.push(course.waiting);
  return notes;
}
