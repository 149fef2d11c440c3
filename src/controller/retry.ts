/** Trying again what failed, without another write. Pure, on a draft. */
import { buildAction } from "./builds.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import type { RetryRequest } from "./controller.ts";
import { moved } from "./deployment-state.ts";
import type { ApplicationRecord, DeploymentRecord } from "./records.ts";
import { notFound, refuseUnlessWritable } from "./refusals.ts";
import { presentRevision } from "./revisions.ts";
import { hasGivenUp } from "./rollout.ts";
import type { Draft } from "./world.ts";

/** Builds again where the build failed, and lets deployments that were given up or frozen start again. */
export function retryApplication(
  draft: Draft,
  request: RetryRequest,
  context: CommandContext,
): { application: ApplicationRecord; actions: CommandAction[] } {
  const { now, newId } = context;
  refuseUnlessWritable(draft.instance, { absentIsFine: false });
  const application = draft.application(request.application);
  if (!application || application.deleting) throw notFound({ application: request.application });
  const failed = draft.deploymentsOf(application.name).filter(hasFailed);
  const rebuild = application.build.kind === "failed";
  if (!rebuild && failed.length === 0) return { application, actions: [] };

  for (const deployment of failed) draft.setDeployment(startAgain(deployment, now));
  const next: ApplicationRecord = rebuild
    ? {
        ...application,
        build: { kind: "building", buildId: newId(12), check: false, since: now, actor: request.actor },
        status: "DEPLOYING",
        message: "",
        updatedAt: now,
      }
    : application;
  if (rebuild) draft.setApplication(next);
  const present = presentRevision(draft, application);
  if (present?.outcome === "failed") draft.setRevision({ ...present, outcome: "pending", message: "" });
  draft.journal({ at: now, actor: request.actor, kind: "retry", application: application.name });
  return { application: next, actions: rebuild ? [buildAction(next)] : [] };
}

function hasFailed(deployment: DeploymentRecord): boolean {
  return !deployment.deleting && (deployment.status === "DEPLOY_FAILED" || hasGivenUp(deployment));
}

function startAgain(deployment: DeploymentRecord, now: number): DeploymentRecord {
  const again: DeploymentRecord = {
    ...deployment,
    failures: 0,
    rollout: deployment.rollout === "failed" ? "active" : deployment.rollout,
    progressAt: now,
    lastError: "",
  };
  return moved(again, { kind: "CONFIG_UPDATE" }, now);
}
