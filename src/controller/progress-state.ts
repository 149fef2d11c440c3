/** `rollout.progress_deadline_s`: an update that makes no progress for so long has failed. Pure. */
import { transitionDeployment } from "./deployment-status.ts";
import type { DeploymentRecord } from "./records.ts";

/**
 * When the present version has failed unless a replica of it becomes ready; epoch milliseconds, Infinity for never.
 * While a canary is tried (`stable`), it is the canary's deadline.
 */
export function progressDeadline(deployment: DeploymentRecord): number {
  const seconds = deployment.config.rollout?.progress_deadline_s ?? null;
  if (seconds === null || !isRollingOut(deployment)) return Infinity;
  return (deployment.progressAt ?? deployment.updatedAt) + seconds * 1000;
}

/** When to step again for the deadline's sake: once it is past, nothing more comes of it. */
export function deadlineWake(deployment: DeploymentRecord, now: number): number {
  const at = progressDeadline(deployment);
  return at > now ? at : Infinity;
}

/** Whether the present version is still tried: an update, or the first replica of all. */
function isRollingOut({ deleting, rollout, status, everRan, target, stable }: DeploymentRecord): boolean {
  if (deleting || target.replicas === 0) return false;
  return rollout === "active" || stable !== undefined || (rollout === "none" && status === "UPDATING" && !everRan);
}

/** Freezes what is past its deadline, as failed starts do: nothing more is started, older replicas serve on. */
export function freezeOverdue(deployment: DeploymentRecord, now: number): DeploymentRecord {
  // A canary is not frozen but sent back, by whoever looks after it.
  if (deployment.stable !== undefined || now < progressDeadline(deployment)) return deployment;
  const seconds = deployment.config.rollout?.progress_deadline_s;
  const what = deployment.rollout === "active" ? "The update" : "The deployment";
  const since = `made no progress for ${seconds} s, its progress deadline (rollout.progress_deadline_s)`;
  const rest = deployment.rollout === "active" ? "; older replicas serve on" : "";
  const why = [deployment.lastError, deployment.message].find((text) => text !== "");
  const message = `${what} ${since}, and is frozen${rest}.${why === undefined ? "" : ` ${why}`}`;
  const to = transitionDeployment(deployment, { kind: "ROLLING_UPDATE_FAILED", message });
  return { ...deployment, ...to, rollout: "failed", updatedAt: now };
}

/** Notes that a replica of the present version became ready, or has taken its settings. */
export function noteProgress(deployment: DeploymentRecord, now: number): DeploymentRecord {
  return Number.isFinite(progressDeadline(deployment)) ? { ...deployment, progressAt: now } : deployment;
}

/** For a controller that comes up: the time in which none worked counts for nobody. */
export function restartDeadline(deployment: DeploymentRecord, now: number): DeploymentRecord {
  return noteProgress(deployment, now);
}
