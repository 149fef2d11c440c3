import { WindlassError } from "../core/errors.ts";
import { etagOf, type ScaleRequest } from "./controller.ts";
import type { DeploymentRecord } from "./records.ts";
import { notFound, refuseUnlessWritable, staleEtag } from "./refusals.ts";
import type { Draft } from "./world.ts";

/** The webhook and ScaleDeployment; the order of the checks is the reference's. */
export function scale(
  draft: Draft,
  request: ScaleRequest,
  now: number,
): { previous: number; deployment: DeploymentRecord } {
  const where = { application: request.application, deployment: request.deployment };
  refuseUnlessWritable(draft.instance, { absentIsFine: false });
  const application = draft.application(request.application);
  if (!application) throw notFound(where);
  if (!application.config.external_scaler_enabled) {
    throw new WindlassError(
      "EXTERNAL_SCALER_DISABLED",
      `Deployment "${request.deployment}" of application "${request.application}" cannot be scaled from outside: external_scaler_enabled is false; set it to true in the application's config and deploy it again.`,
      { metadata: where },
    );
  }
  const deployment = draft.deployment(request.application, request.deployment);
  // One that has gone already, while its application is still going, was known once.
  const gone = application.deleting && application.built?.deployments.some(({ name }) => name === request.deployment);
  if (!deployment && !gone) throw notFound(where);
  if (!deployment || application.deleting || deployment.deleting) {
    throw new WindlassError("DEPLOYMENT_DELETED", "Deployment is deleted", { metadata: where });
  }
  if (request.etag !== "" && request.etag !== etagOf(deployment)) throw staleEtag(request.etag, etagOf(deployment));
  const { target } = deployment;
  if (request.requestId !== "" && request.requestId === target.requestId) {
    return { previous: target.replicas, deployment };
  }
  const next: DeploymentRecord = {
    ...deployment,
    generation: deployment.generation + 1,
    target: {
      replicas: request.target,
      owner: "external",
      reason: request.reason,
      since: now,
      requestId: request.requestId,
    },
    updatedAt: now,
  };
  draft.setDeployment(next);
  draft.journal({
    at: now,
    actor: request.actor,
    kind: "scale",
    ...where,
    from: target.replicas,
    to: request.target,
    reason: request.reason,
    requestId: request.requestId,
  });
  return { previous: target.replicas, deployment: next };
}
