/** windlass.v1.InstanceService. */
import type { ServiceImpl } from "@connectrpc/connect";
import type { InstanceService } from "../../../gen/windlass/v1/instance_service_pb.ts";
import { errorText } from "../../core/errors.ts";
import { applyChecked } from "../apply.ts";
import { instanceScope } from "../feed-scope.ts";
import { applicationView, deploymentView, instanceView, replicaView } from "../views.ts";
import { type ApiDeps, callerWith } from "./context.ts";
import { applyByToken, checkedConfig, planHandlers } from "./plan.ts";
import { watchOf } from "./watch.ts";

const END_PROCESS_AFTER_MS = 30_000;

/** Makes the service's handlers. */
export function instanceService(deps: ApiDeps): ServiceImpl<typeof InstanceService> {
  const { controller } = deps;
  return {
    ...planHandlers(deps),
    getInstance(_request, context) {
      const { revealEnv } = callerWith(context, { kind: "read" });
      const now = controller.snapshot();
      return {
        instance: instanceView(now.instance, now.proxies),
        applications: now.applications.map((record) => applicationView(record, revealEnv)),
        deployments: now.deployments.map((record) => deploymentView(record, revealEnv)),
        replicas: now.replicas.map(replicaView),
        revision: BigInt(now.revision),
      };
    },
    async applyConfig(request, context) {
      if (request.planToken !== "") return applyByToken(deps, request, context);
      const { identity } = callerWith(context, { kind: "deploy" });
      const { revision, warnings } = await applyChecked(controller, {
        checked: checkedConfig(request.config),
        baseDir: request.baseDir === "" ? deps.appDir : request.baseDir,
        actor: identity.actor,
        validateOnly: request.validateOnly,
      });
      return { revision: BigInt(revision), warnings };
    },
    async shutdownInstance(request, context) {
      const { identity } = callerWith(context, { kind: "shutdown" });
      const { revision } = await controller.endInstance(identity.actor);
      if (request.endProcess) void endProcessAfter(deps);
      return { revision: BigInt(revision) };
    },
    async *watchInstance(request, context) {
      const { scope, permission } = instanceScope(request.name);
      const { revealEnv } = callerWith(context, permission);
      yield* watchOf(deps, "instance", request, { scope, revealEnv }, context);
    },
  };
}

/** Replicas and proxies get time to end in good order before the processes do. */
async function endProcessAfter(deps: ApiDeps): Promise<void> {
  const patience = new AbortController();
  const timer = deps.clock.timer(END_PROCESS_AFTER_MS, () => patience.abort(), { unref: true });
  try {
    await deps.controller.instanceEnded(patience.signal);
  } catch (error) {
    deps.logger.warn("the instance did not end in time", { reason: errorText(error) });
  } finally {
    timer.cancel();
    deps.endProcess();
  }
}
