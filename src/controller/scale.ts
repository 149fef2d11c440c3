import { leaseFallback, webhookOpen } from "../config/scaling.ts";
import { WindlassError } from "../core/errors.ts";
import { etagOf, type ScaleRequest } from "./controller.ts";
import { endLease, leaseAt, refuseUnlessHolder } from "./lease-state.ts";
import type { ApplicationRecord, DeploymentRecord, DeploymentTarget, LeaseRecord } from "./records.ts";
import { notFound, refuseUnlessWritable, staleEtag } from "./refusals.ts";
import type { Draft } from "./world.ts";

/** What a scale call did, or with `dryRun` would do: the target before it, and the deployment after it. */
export interface ScaleOutcome {
  readonly previous: number;
  readonly deployment: DeploymentRecord;
}

/** The webhook and ScaleDeployment; the order of the checks is the reference's. */
export function scale(draft: Draft, sent: ScaleRequest, now: number): ScaleOutcome {
  const application = applicationFor(draft, sent);
  const stored = deploymentFor(draft, application, sent);
  const request = withOwner(sent, leaseAt(stored.target, now), now);
  if (isRepeat(stored, request)) return { previous: stored.target.replicas, deployment: stored };
  if (request.etag !== "" && request.etag !== etagOf(stored)) throw staleEtag(request.etag, etagOf(stored));
  refuseUnlessHolder(stored, request, now);
  // A lease whose timer is still to fire: its end comes before this write.
  const ended = endLease(stored, draft.instance, now);
  const deployment = ended?.deployment ?? stored;
  const { target } = deployment;
  const next: DeploymentRecord = {
    ...deployment,
    generation: deployment.generation + 1,
    target: targetOf(target, application, request, now),
    updatedAt: now,
  };
  if (request.dryRun) return { previous: target.replicas, deployment: next };
  if (ended !== undefined) draft.journal(ended.entry);
  draft.setDeployment(next);
  draft.journal({
    at: now,
    actor: request.actor,
    kind: "scale",
    application: request.application,
    deployment: request.deployment,
    from: target.replicas,
    to: request.target,
    reason: request.reason,
    requestId: request.requestId,
    ...(request.owner ? { owner: request.owner } : {}),
    ...(request.fence === undefined ? {} : { fence: request.fence }),
  });
  return { previous: target.replicas, deployment: next };
}

/** Who asks for a lease without a name holds it as whom the token says, and goes on as its holder. */
function withOwner(request: ScaleRequest, lease: LeaseRecord | undefined, now: number): ScaleRequest {
  const { owner = "", ttlMs, leaseFallback: fallback, actor } = request;
  if (owner !== "") return request;
  if (ttlMs !== undefined || fallback !== undefined) return { ...request, owner: actor };
  if (lease?.owner !== actor) return request;
  // A call that says nothing of its lease leaves it as it is.
  const { expiresAt, fallback: leaseFallback } = lease;
  return { ...request, owner: actor, leaseFallback, ...(expiresAt === null ? {} : { ttlMs: expiresAt - now }) };
}

function applicationFor(draft: Draft, request: ScaleRequest): ApplicationRecord {
  const where = { application: request.application, deployment: request.deployment };
  refuseUnlessWritable(draft.instance, { absentIsFine: false });
  const application = draft.application(request.application);
  if (!application) throw notFound(where);
  if (request.manual || webhookOpen(application.config)) return application;
  throw new WindlassError(
    "EXTERNAL_SCALER_DISABLED",
    `Deployment "${request.deployment}" of application "${request.application}" cannot be scaled from outside: external_scaler_enabled is false; set it to true in the application's config and deploy it again.`,
    { metadata: where },
  );
}

function deploymentFor(draft: Draft, application: ApplicationRecord, request: ScaleRequest): DeploymentRecord {
  const where = { application: request.application, deployment: request.deployment };
  const deployment = draft.deployment(request.application, request.deployment);
  // One that has gone already, while its application is still going, was known once.
  const gone = application.deleting && application.built?.deployments.some(({ name }) => name === request.deployment);
  if (!deployment && !gone) throw notFound(where);
  if (!deployment || application.deleting || deployment.deleting) {
    throw new WindlassError("DEPLOYMENT_DELETED", "Deployment is deleted", { metadata: where });
  }
  if (request.manual && deployment.config.autoscaling_config && !handScaled(application)) {
    throw new WindlassError(
      "NOT_POSSIBLE_NOW",
      `Deployment "${request.deployment}" of application "${request.application}" cannot be scaled by hand: its scaling owner is the autoscaler; change its autoscaling_config, or set num_replicas, and deploy it again.`,
      { metadata: where },
    );
  }
  return deployment;
}

/** Whether its config names somebody else than the autoscaler, who then is its fallback only. */
function handScaled({ config }: ApplicationRecord): boolean {
  return webhookOpen(config) || config.scaling?.owner === "manual";
}

/** Whether this is the last write once more. Ids are their writer's own: another owner's may be the same. */
function isRepeat({ target }: DeploymentRecord, request: ScaleRequest): boolean {
  return (
    request.requestId !== "" && request.requestId === target.requestId && (request.owner ?? "") === (target.by ?? "")
  );
}

function targetOf(
  before: DeploymentTarget,
  application: ApplicationRecord,
  request: ScaleRequest,
  now: number,
): DeploymentTarget {
  const { owner = "", ttlMs, fence } = request;
  const fallback = request.leaseFallback ?? leaseFallback(application.config);
  const lease = { owner, expiresAt: ttlMs === undefined ? null : now + ttlMs, fallback };
  const highest = fence ?? before.fence;
  return {
    replicas: request.target,
    owner: request.manual ? "manual" : "external",
    reason: request.reason,
    since: now,
    requestId: request.requestId,
    ...(owner === "" ? {} : { by: owner }),
    ...(owner === "" || ttlMs === 0 ? {} : { lease }),
    ...(highest === undefined ? {} : { fence: highest }),
  };
}
