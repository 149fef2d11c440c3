/** The revisions of windlass.v1.ApplicationService. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { ApplicationService } from "../../../gen/windlass/v1/application_service_pb.ts";
import { notFound } from "../lookup.ts";
import { pageOf } from "../pages.ts";
import { revisionView } from "../revision-view.ts";
import { checkRollback } from "../rollback-request.ts";
import { applicationView } from "../views.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applicationOf } from "./names.ts";

type Handlers = Pick<
  ServiceImpl<typeof ApplicationService>,
  "listRevisions" | "rollbackApplication" | "retryApplication"
>;

/** Makes the handlers. */
export function revisionHandlers({ controller }: ApiDeps): Handlers {
  return {
    listRevisions(request, context) {
      const application = applicationOf(request.parent);
      const { revealEnv } = callerWith(context, { kind: "read-application", application });
      if (controller.application(application) === undefined) {
        throw notFound(`application ${JSON.stringify(application)}`);
      }
      const newestFirst = controller.revisions(application).toReversed();
      const page = pageOf(newestFirst, ({ number }) => String(10 ** 8 - number).padStart(9, "0"), request);
      return {
        revisions: page.items.map((record) => revisionView(record, revealEnv)),
        nextPageToken: page.nextPageToken,
      };
    },
    async rollbackApplication(request, context) {
      const application = applicationOf(request.name);
      const { identity, revealEnv } = callerWith(context, { kind: "deploy" });
      const wish = checkRollback({ toRevision: Number(request.toRevision), reason: request.reason });
      const answer = await controller.rollback({
        application,
        ...wish,
        etag: request.etag,
        requestId: request.requestId,
        validateOnly: request.validateOnly,
        actor: identity.actor,
      });
      return {
        application: applicationView(answer.application, revealEnv),
        rolledBackTo: BigInt(answer.rolledBackTo),
        revision: BigInt(answer.revision),
      };
    },
    async retryApplication(request, context) {
      const application = applicationOf(request.name);
      const { identity, revealEnv } = callerWith(context, { kind: "deploy" });
      const answer = await controller.retry({ application, actor: identity.actor });
      return { application: applicationView(answer.application, revealEnv), revision: BigInt(answer.revision) };
    },
  };
}
