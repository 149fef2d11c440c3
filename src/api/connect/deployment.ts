/** windlass.v1.DeploymentService. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { DeploymentService } from "../../../gen/windlass/v1/deployment_service_pb.ts";
import { applicationName } from "../../core/names.ts";
import { notFound } from "../lookup.ts";
import { pageOf } from "../pages.ts";
import { scaleLimits } from "../scale-limits.ts";
import { deploymentView } from "../views.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applicationOf, deploymentOf } from "./names.ts";
import { watchOf } from "./watch.ts";

/** Makes the service's handlers. */
export function deploymentService({ controller, feed }: ApiDeps): ServiceImpl<typeof DeploymentService> {
  return {
    getDeployment(request, context) {
      const { application, deployment } = deploymentOf(request.name);
      const { revealEnv } = callerWith(context, { kind: "read-application", application });
      const record = controller.deployment(application, deployment);
      if (record === undefined) throw notFound(`deployment ${JSON.stringify(`${application}/${deployment}`)}`);
      return { deployment: deploymentView(record, revealEnv) };
    },
    listDeployments(request, context) {
      const application = applicationOf(request.parent);
      const { revealEnv } = callerWith(context, { kind: "read-application", application });
      if (controller.application(application) === undefined) {
        throw notFound(`application ${JSON.stringify(application)}`);
      }
      const records = controller.snapshot().deployments.filter((record) => record.application === application);
      const page = pageOf(records, ({ name }) => name, request);
      return {
        deployments: page.items.map((record) => deploymentView(record, revealEnv)),
        nextPageToken: page.nextPageToken,
      };
    },
    async *watchDeployments(request, context) {
      const application = applicationOf(request.parent);
      const all = request.parent === "applications/-";
      const { revealEnv } = callerWith(context, all ? { kind: "read" } : { kind: "read-application", application });
      const scope = { kinds: new Set(["deployment"] as const), under: all ? undefined : applicationName(application) };
      for await (const { revision, event } of watchOf(feed, request.startRevision, scope, revealEnv, context.signal)) {
        if (event?.case === "deployment") yield { revision, event: { case: "updated" as const, value: event.value } };
        else if (event?.case === "deleted" || event?.case === "synced") yield { revision, event };
        else yield { revision };
      }
    },
    async scaleDeployment(request, context) {
      const { application, deployment } = deploymentOf(request.name);
      callerWith(context, { kind: "scale", application });
      const target = scaleLimits(request.targetNumReplicas, request.requestId, request.reason);
      const { identity, revealEnv } = callerWith(context, { kind: "scale", application, target });
      const result = await controller.scale({
        application,
        deployment,
        target,
        requestId: request.requestId,
        reason: request.reason,
        etag: request.etag,
        actor: identity.actor,
      });
      return {
        deployment: deploymentView(result.deployment, revealEnv),
        previousTargetNumReplicas: result.previous,
      };
    },
  };
}
