/** windlass.v1.ApplicationService. */
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { ApplicationConfigSchema } from "../../../gen/windlass/config/v1/application_pb.ts";
import { Application_Source } from "../../../gen/windlass/v1/application_pb.ts";
import type { ApplicationService } from "../../../gen/windlass/v1/application_service_pb.ts";
import { applicationConfigFromMessage } from "../../config/message.ts";
import { applicationName } from "../../core/names.ts";
import type { Permission } from "../auth.ts";
import { applyMask, masksFields } from "../field-mask.ts";
import { notFound } from "../lookup.ts";
import { changeOne, putOne } from "../one-application.ts";
import { pageOf } from "../pages.ts";
import { applicationNow, canaryHandlers } from "./canary.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applicationOf } from "./names.ts";
import { revisionHandlers } from "./revisions.ts";
import { updatesOf, watchOf } from "./watch.ts";

/** Makes the service's handlers. */
export function applicationService(deps: ApiDeps): ServiceImpl<typeof ApplicationService> {
  const { controller } = deps;
  return {
    ...revisionHandlers(deps),
    ...canaryHandlers(deps),
    getApplication(request, context) {
      const name = applicationOf(request.name);
      const { revealEnv } = callerWith(context, { kind: "read-application", application: name });
      const record = controller.application(name);
      if (record === undefined) throw notFound(`application ${JSON.stringify(name)}`);
      return { application: applicationNow(deps, record, revealEnv) };
    },
    listApplications(request, context) {
      const { revealEnv } = callerWith(context, { kind: "read" });
      const page = pageOf(controller.snapshot().applications, ({ name }) => name, request);
      return {
        applications: page.items.map((record) => applicationNow(deps, record, revealEnv)),
        nextPageToken: page.nextPageToken,
      };
    },
    async *watchApplications(request, context) {
      const names = request.names.map(applicationOf);
      const needs = names.map((application): Permission => ({ kind: "read-application", application }));
      const all: readonly Permission[] = names.length === 0 ? [{ kind: "read" }] : needs;
      const revealEnv = all.map((permission) => callerWith(context, permission)).every((caller) => caller.revealEnv);
      const under = names.length === 0 ? undefined : names.map(applicationName);
      const scope = { kinds: new Set(["application"] as const), under };
      yield* updatesOf("application", watchOf(deps, "application", request, { scope, revealEnv }, context));
    },
    async updateApplication(request, context) {
      const name = applicationOf(request.name);
      const { identity, revealEnv } = callerWith(context, { kind: "deploy" });
      const write = {
        name,
        baseDir: request.baseDir === "" ? undefined : request.baseDir,
        allowMissing: request.allowMissing,
        etag: request.etag,
        validateOnly: request.validateOnly,
        requestId: request.requestId,
        ...(request.managedBy === "" ? {} : { managedBy: request.managedBy }),
        actor: identity.actor,
      };
      const value = applicationConfigFromMessage(request.config ?? create(ApplicationConfigSchema));
      const paths = request.updateMask?.paths ?? [];
      const { application, revision, warnings } = masksFields(paths)
        ? await changeOne(deps, write, (stored) => ({ value: applyMask(stored, value, paths) }))
        : await putOne(deps, { ...write, ...sourceOf(request.source) }, { value });
      return {
        ...(application === undefined ? {} : { application: applicationNow(deps, application, revealEnv) }),
        revision: BigInt(revision),
        warnings: [...warnings],
      };
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

function sourceOf(source: Application_Source): { source?: "imperative" } {
  return source === Application_Source.IMPERATIVE ? { source: "imperative" } : {};
}
