/** windlass.v1.ApplicationService. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { ApplicationService } from "../../../gen/windlass/v1/application_service_pb.ts";
import { notFound } from "../lookup.ts";
import { pageOf } from "../pages.ts";
import { applicationView } from "../views.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applicationOf } from "./names.ts";
import { watchOf } from "./watch.ts";

/** Makes the service's handlers. */
export function applicationService({ controller, feed }: ApiDeps): ServiceImpl<typeof ApplicationService> {
  return {
    getApplication(request, context) {
      const name = applicationOf(request.name);
      const { revealEnv } = callerWith(context, { kind: "read-application", application: name });
      const record = controller.application(name);
      if (record === undefined) throw notFound(`application ${JSON.stringify(name)}`);
      return { application: applicationView(record, revealEnv) };
    },
    listApplications(request, context) {
      const { revealEnv } = callerWith(context, { kind: "read" });
      const page = pageOf(controller.snapshot().applications, ({ name }) => name, request);
      return {
        applications: page.items.map((record) => applicationView(record, revealEnv)),
        nextPageToken: page.nextPageToken,
      };
    },
    async *watchApplications(request, context) {
      const { revealEnv } = callerWith(context, { kind: "read" });
      const scope = { kinds: new Set(["application"] as const), under: undefined };
      for await (const { revision, event } of watchOf(feed, request.startRevision, scope, revealEnv, context.signal)) {
        if (event?.case === "application") yield { revision, event: { case: "updated" as const, value: event.value } };
        else if (event?.case === "deleted" || event?.case === "synced") yield { revision, event };
        else yield { revision };
      }
    },
    async deleteApplication(request, context) {
      const application = applicationOf(request.name);
      const { identity } = callerWith(context, { kind: "delete-application" });
      const { revision } = await controller.deleteApplication({
        application,
        allowMissing: request.allowMissing,
        etag: request.etag,
        actor: identity.actor,
      });
      return { revision: BigInt(revision) };
    },
  };
}
