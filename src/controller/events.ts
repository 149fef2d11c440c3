import type { EngineEvent } from "../engine/engine.ts";
import type { ProxyEvent } from "../engine/proxies.ts";
import { failBuild, finishBuild } from "./builds.ts";
import type { CommandContext } from "./command-context.ts";
import { applyFact, rememberDead } from "./deployment-state.ts";
import type { ReplicaAction, ReplicaEvent, ReplicaFact } from "./replica-state.ts";
import { stepReplica } from "./replica-state.ts";
import type { Draft } from "./world.ts";

/** What an event was about; without a deployment, the whole application. */
export interface Touched {
  readonly application: string;
  readonly deployment?: string;
}

/** Takes a build's end in; a build that is no longer wanted is ignored. Returns the application it was for. */
export function takeBuildEvent(
  draft: Draft,
  event: Extract<EngineEvent, { kind: "built" | "build-failed" }>,
  context: Pick<CommandContext, "now" | "newId">,
): Touched | undefined {
  const application = draft.findApplication(
    ({ build }) => build.kind === "building" && build.buildId === event.buildId,
  );
  if (!application) return undefined;
  if (event.kind === "built") finishBuild(draft, application, event.result, context);
  else failBuild(draft, application, event.error, context.now);
  return { application: application.name };
}

/** What concerns one replica: its own events, and a verdict of failed health checks. */
export type IncomingReplicaEvent = ReplicaEvent | { readonly kind: "unhealthy"; readonly error: string };

/** Takes a replica's event in; one that is not known is ignored. Returns its deployment and what is to be done. */
export function takeReplicaEvent(
  draft: Draft,
  id: string,
  event: IncomingReplicaEvent,
  now: number,
): (Touched & { readonly actions: readonly ReplicaAction[] }) | undefined {
  const replica = draft.replica(id);
  if (!replica) return undefined;
  const deployment = draft.deployment(replica.application, replica.deployment);
  const timeoutMs = (deployment?.config.graceful_shutdown_timeout_s ?? 0) * 1000;
  const step = stepReplica(replica, event.kind === "unhealthy" ? { kind: "stop", timeoutMs } : event, now);
  const fact: ReplicaFact | null = event.kind === "unhealthy" ? { kind: "died", error: event.error } : step.fact;
  if (step.replica) draft.setReplica(step.replica);
  else draft.deleteReplica(replica);
  const touched = { application: replica.application, deployment: replica.deployment, actions: step.actions };
  if (!deployment) return touched;
  const left = draft.replicasOf(replica.application, replica.deployment);
  let next = fact ? applyFact(deployment, replica, fact, left, now) : deployment;
  if (!step.replica) next = rememberDead(next, replica);
  if (next !== deployment) draft.setDeployment(next);
  return touched;
}

/** Takes a proxy's event in. */
export function takeProxyEvent(draft: Draft, event: ProxyEvent): void {
  const present = draft.proxies().find((proxy) => proxy.id === event.id);
  const draining = present?.state === "draining";
  switch (event.kind) {
    case "started":
      if (!draining) draft.setProxy({ id: event.id, pid: event.pid, state: "starting" });
      return;
    case "ready":
      if (!draining) draft.setProxy({ id: event.id, pid: event.pid, state: "healthy" });
      return;
    case "failed":
      if (present && !draining) draft.setProxy({ ...present, state: "unhealthy" });
      return;
    case "ended":
      draft.deleteProxy(event.id);
  }
}
