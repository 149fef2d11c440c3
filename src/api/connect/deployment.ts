/** windlass.v1.DeploymentService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { Lease_Fallback, Lease_FallbackSchema } from "../../../gen/windlass/v1/deployment_pb.ts";
import type { DeploymentService, ScaleDeploymentRequest } from "../../../gen/windlass/v1/deployment_service_pb.ts";
import type { LeaseFallback } from "../../config/types.ts";
import { WindlassError } from "../../core/errors.ts";
import { applicationName, deploymentName } from "../../core/names.ts";
import { enumWord } from "../enums.ts";
import { notFound } from "../lookup.ts";
import { pageOf } from "../pages.ts";
import { type SentScale, scaleLimits } from "../scale-limits.ts";
import { deploymentView } from "../views.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { decisionHandlers } from "./decisions.ts";
import { applicationOf, deploymentOf } from "./names.ts";
import { updatesOf, watchOf } from "./watch.ts";

/** Makes the service's handlers. */
export function deploymentService(deps: ApiDeps): ServiceImpl<typeof DeploymentService> {
  const { controller } = deps;
  return {
    ...decisionHandlers(deps),
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
      yield* updatesOf("deployment", watchOf(deps, "deployment", request, { scope, revealEnv }, context));
    },
    async *watchReplicas(request, context) {
      const { application, deployment } = deploymentOf(request.parent);
      if (application === "-" && deployment !== "-") {
        throw new WindlassError(
          "INVALID_REQUEST",
          `parent ${JSON.stringify(request.parent)} names a deployment of all applications: write applications/-/deployments/-`,
        );
      }
      const all = application === "-";
      const { revealEnv } = callerWith(context, all ? { kind: "read" } : { kind: "read-application", application });
      const under = deployment === "-" ? applicationName(application) : deploymentName(application, deployment);
      const scope = { kinds: new Set(["replica"] as const), under: all ? undefined : under };
      yield* updatesOf("replica", watchOf(deps, "replica", request, { scope, revealEnv }, context));
    },
    async scaleDeployment(request, context) {
      const { application, deployment } = deploymentOf(request.name);
      callerWith(context, { kind: "scale", application });
      const call = scaleLimits(sentScale(request));
      const { dryRun, force, manual, etag } = request;
      if (manual) callerWith(context, { kind: "scale-over", how: "by hand" });
      if (force) callerWith(context, { kind: "scale-over", how: "by force" });
      const { identity, revealEnv } = callerWith(context, { kind: "scale", application, target: call.target });
      const more = { dryRun, force, manual, etag, actor: identity.actor };
      const result = await controller.scale({ application, deployment, ...call, ...more });
      return {
        deployment: deploymentView(result.deployment, revealEnv),
        previousTargetNumReplicas: result.previous,
        effectiveTargetNumReplicas: result.deployment.target.replicas,
      };
    },
  };
}

function sentScale(request: ScaleDeploymentRequest): SentScale {
  const { ttl, fence } = request;
  return {
    target: request.targetNumReplicas,
    requestId: request.requestId,
    reason: request.reason,
    owner: request.owner,
    ttlS: ttl === undefined ? undefined : Number(ttl.seconds) + ttl.nanos / 1e9,
    leaseFallback: sentFallback(request.leaseFallback),
    fence: fence === undefined ? undefined : Number(fence),
  };
}

function sentFallback(sent: Lease_Fallback): LeaseFallback | undefined {
  if (sent === Lease_Fallback.UNSPECIFIED) return undefined;
  const word = enumWord(Lease_FallbackSchema, sent)?.toLowerCase();
  if (word === "hold" || word === "floor" || word === "policy") return word;
  const problem = { path: "lease_fallback", message: `${sent} is not known: use hold, floor or policy` };
  throw new WindlassError("INVALID_REQUEST", `${problem.path} ${problem.message}`, { problems: [problem] });
}
