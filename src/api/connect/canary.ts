/** The canaries of windlass.v1.ApplicationService. */
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import type { Application } from "../../../gen/windlass/v1/application_pb.ts";
import type { ApplicationService } from "../../../gen/windlass/v1/application_service_pb.ts";
import type { CanaryRequest } from "../../controller/controller.ts";
import type { ApplicationRecord } from "../../controller/records.ts";
import { checkReason } from "../rollback-request.ts";
import { applicationView } from "../views.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applicationOf } from "./names.ts";

type Handlers = Pick<
  ServiceImpl<typeof ApplicationService>,
  "promoteCanary" | "abortCanary" | "pauseCanary" | "resumeCanary"
>;

/** Makes the handlers. */
export function canaryHandlers(deps: ApiDeps): Handlers {
  const change = async (
    { name }: { readonly name: string },
    context: HandlerContext,
    verb: CanaryRequest["verb"],
    more: { readonly full?: boolean; readonly reason?: string } = {},
  ): Promise<{ application: Application }> => {
    const application = applicationOf(name);
    const { identity, revealEnv } = callerWith(context, { kind: "deploy" });
    const { full = false, reason = "" } = more;
    checkReason(reason);
    const answer = await deps.controller.changeCanary({ application, verb, full, reason, actor: identity.actor });
    return { application: applicationNow(deps, answer.application, revealEnv) };
  };
  return {
    promoteCanary: (request, context) => change(request, context, "promote", { full: request.full }),
    abortCanary: (request, context) => change(request, context, "abort", { reason: request.reason }),
    pauseCanary: (request, context) => change(request, context, "pause"),
    resumeCanary: (request, context) => change(request, context, "resume"),
  };
}

/** An application with what its canary comes to at this moment. */
export function applicationNow({ controller }: ApiDeps, record: ApplicationRecord, revealEnv: boolean): Application {
  return applicationView(record, revealEnv, record.canary ? controller.canary(record.name) : undefined);
}
