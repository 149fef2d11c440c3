/** The plans of windlass.v1.InstanceService. */
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { DeployConfig } from "../../../gen/windlass/config/v1/application_pb.ts";
import type { ApplyConfigRequest, InstanceService } from "../../../gen/windlass/v1/instance_service_pb.ts";
import { validateDeployConfig } from "../../config/check.ts";
import { deployConfigFromMessage } from "../../config/message.ts";
import { WindlassError } from "../../core/errors.ts";
import { planChecked, planView } from "../plan.ts";
import { type ApiDeps, callerWith } from "./context.ts";

/** Makes the handler. */
export function planHandlers(deps: ApiDeps): Pick<ServiceImpl<typeof InstanceService>, "planConfig"> {
  return {
    async planConfig(request, context) {
      const { identity } = callerWith(context, { kind: "deploy" });
      const wanted = {
        checked: checkedConfig(request.config),
        baseDir: request.baseDir === "" ? deps.appDir : request.baseDir,
        actor: identity.actor,
        onlyListed: request.onlyListed,
        withoutToken: request.withoutToken,
      };
      return { plan: planView(await planChecked(deps.controller, wanted, context.signal)) };
    },
  };
}

/** A request's config, checked. Throws INVALID_REQUEST without one: an empty request would delete everything. */
export function checkedConfig(config: DeployConfig | undefined): ReturnType<typeof validateDeployConfig> {
  if (config !== undefined) return validateDeployConfig(deployConfigFromMessage(config));
  const message = "is missing: give the whole desired state; one without applications deletes them all";
  throw new WindlassError("INVALID_REQUEST", `config ${message}`, { problems: [{ path: "config", message }] });
}

/** ApplyConfig with a plan's token. */
export async function applyByToken(
  { controller }: ApiDeps,
  request: ApplyConfigRequest,
  context: HandlerContext,
): Promise<{ revision: bigint; warnings: string[] }> {
  const { identity } = callerWith(context, { kind: "deploy" });
  if (request.config !== undefined || request.baseDir !== "") {
    throw new WindlassError("INVALID_REQUEST", "config and base_dir are the plan's: leave them out beside plan_token");
  }
  const { planToken: token, validateOnly } = request;
  const { revision, warnings } = await controller.applyPlan({ token, validateOnly, actor: identity.actor });
  return { revision: BigInt(revision), warnings };
}
