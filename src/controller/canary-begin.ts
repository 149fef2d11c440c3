/** Whether a new revision begins as a canary, and what stays stable beside it. Pure, on a draft. */
import { type DesiredDeployment, desiredDeployments } from "./application-state.ts";
import { sameVersion } from "./canary-rollout.ts";
import type { ApplicationRecord, CanaryRecord, DeploymentRecord, RevisionRecord } from "./records.ts";
import { lastGoodRevision, presentRevision } from "./revisions.ts";
import { hasGivenUp } from "./rollout.ts";
import type { Draft } from "./world.ts";

/**
 * The canary that runs once these deployments are wanted; undefined: the revision in force is rolled out at once. One
 * begins where the config has steps, something differs from what runs, and what runs is a revision that serves. A newer
 * revision takes the place of the one that is tried; the stable one stays.
 */
export function canaryFor(
  draft: Draft,
  application: ApplicationRecord,
  wanted: readonly DesiredDeployment[],
  now: number,
): CanaryRecord | undefined {
  const present = presentRevision(draft, application);
  if (!present || present.cause.kind === "rollback" || present.cause.kind === "auto-rollback") return undefined;
  const rollout = wanted.find(({ config }) => (config.rollout?.canary.length ?? 0) > 0)?.config.rollout;
  if (!rollout) return undefined;
  const running = draft.deploymentsOf(application.name).filter(({ deleting }) => !deleting);
  if (running.length === 0) return undefined;
  const differs = wanted.some(({ name, version }) => {
    const current = running.find((deployment) => deployment.name === name);
    return current === undefined || !sameVersion(stableOf(current).version, version);
  });
  if (!differs) return undefined;
  const { canary } = application;
  if (canary?.revision === present.number) return canary;
  const stable = canary?.stable ?? stableRevision(draft, application, present, running)?.number;
  if (stable === undefined) return undefined;
  const analysis = rollout.canary_analysis;
  return {
    stable,
    revision: present.number,
    steps: rollout.canary.map(({ weight, pause_s }) => ({ weight, pauseS: pause_s })),
    step: 0,
    stickyHeader: rollout.canary_sticky?.header ?? "",
    analysis:
      analysis === null
        ? null
        : {
            minRequests: analysis.min_requests,
            maxErrorRateIncrease: analysis.max_error_rate_increase,
            maxLatencyRatio: analysis.max_latency_ratio,
            latencyQuantile: analysis.latency_quantile,
          },
    phase: { kind: "starting", since: now },
  };
}

/** A deployment as wanted, `before` as it was: what runs stays beside it while there is a canary, and else gives way. */
export function withStable(
  next: DeploymentRecord,
  before: DeploymentRecord | undefined,
  canary: CanaryRecord | undefined,
  now: number,
): DeploymentRecord {
  const { stable: _earlier, ...rest } = next;
  const stable = before && !before.deleting ? stableOf(before) : undefined;
  if (before && canary && stable && !sameVersion(stable.version, next.version)) {
    // The stable replicas go on serving, so what a scaler set for them goes on to hold.
    const target = before.target.owner === "config" ? rest.target : before.target;
    return { ...rest, target, stable, rollout: "active" };
  }
  if (next.stable === undefined) return next;
  // Of the two versions that run one is to go.
  return { ...rest, rollout: "active", progressAt: now };
}

/** What of a deployment is not the canary. */
function stableOf({ stable, version, config }: DeploymentRecord): NonNullable<DeploymentRecord["stable"]> {
  return stable ?? { version, config };
}

/** The revision that runs: it, and no other, is gone back to. */
function stableRevision(
  draft: Draft,
  application: ApplicationRecord,
  present: RevisionRecord,
  running: readonly DeploymentRecord[],
): RevisionRecord | undefined {
  if (!running.every((deployment) => serves(draft, deployment))) return undefined;
  const before = draft.revisionsOf(application.name).filter(({ number }) => number < present.number);
  const found = before.findLast((revision) => isOf(running, application, revision));
  // Versions that an earlier Windlass wrote may be told apart otherwise.
  return found ?? (running.every(isWhole) ? lastGoodRevision(draft, application) : undefined);
}

/** Whether these deployments are what a revision wants. */
function isOf(running: readonly DeploymentRecord[], application: ApplicationRecord, revision: RevisionRecord): boolean {
  if (revision.built === null) return false;
  const desired = desiredDeployments({ ...application, config: revision.config }, revision.built);
  if (!desired.ok || desired.deployments.length !== running.length) return false;
  return desired.deployments.every(({ name, version }) => {
    const current = running.find((deployment) => deployment.name === name);
    return current !== undefined && sameVersion(current.version, version);
  });
}

/** Whether the version of a deployment answers requests, if not with all its replicas yet. */
function serves(draft: Draft, deployment: DeploymentRecord): boolean {
  const { application, name, status, target, version } = deployment;
  if (status === "DEPLOY_FAILED" || hasGivenUp(deployment)) return false;
  if (target.replicas === 0) return true;
  return draft
    .replicasOf(application, name)
    .some((replica) => replica.state.kind === "running" && sameVersion(replica.version, version));
}

/** Why a revision cannot be tried beside the stable one; undefined where it can. `ingress`: the revision's. */
export function canaryObstacle(
  draft: Draft,
  { name }: ApplicationRecord,
  canary: CanaryRecord,
  ingress: string,
): string | undefined {
  const stable = draft.revisionsOf(name).find(({ number }) => number === canary.stable)?.built?.ingress;
  if (stable === undefined || stable === ingress) return undefined;
  return `Revision ${canary.revision} cannot be tried as a canary: its ingress is "${ingress}", that of revision ${canary.stable} is "${stable}". Keep the name, or leave rollout.canary out for this deploy.`;
}

/** Whether a deployment runs one version and nothing else is under way. */
function isWhole({ rollout, everRan, status, target }: DeploymentRecord): boolean {
  return rollout === "none" && status !== "DEPLOY_FAILED" && (everRan || target.replicas === 0);
}
