import { Application_StateSchema } from "../../gen/windlass/v1/application_pb.ts";
import {
  Deployment_StateSchema,
  Deployment_StateTriggerSchema,
  Deployment_TargetOwnerSchema,
  Replica_StateSchema,
} from "../../gen/windlass/v1/deployment_pb.ts";
import { Instance_StateSchema, Proxy_StateSchema } from "../../gen/windlass/v1/instance_pb.ts";
import type { WatchInstanceResponse } from "../../gen/windlass/v1/instance_service_pb.ts";
import type { ScalingDecision } from "../../gen/windlass/v1/scaling_pb.ts";
import type { WatchEvent } from "../client/events.ts";
import { parseName } from "../core/names.ts";
import { decisionDocument } from "./decision-document.ts";
import { isoTime, label, replicaCounts } from "./labels.ts";

/** One event as `windlass watch` prints it; undefined for progress messages. `time` is null where no record tells one. */
export function watchLine(message: WatchInstanceResponse): Record<string, unknown> | undefined {
  const revision = Number(message.revision);
  const { event } = message;
  switch (event.case) {
    case "instance": {
      const { state, httpAddress, targetCapacity, proxies, updateTime } = event.value;
      return {
        revision,
        time: isoTime(updateTime),
        kind: "instance",
        name: "instance",
        state: label(Instance_StateSchema, state),
        http_address: httpAddress,
        target_capacity: targetCapacity ?? null,
        proxies: proxies.map((proxy) => ({
          id: proxy.id,
          pid: proxy.pid,
          state: label(Proxy_StateSchema, proxy.state),
        })),
      };
    }
    case "application": {
      const application = event.value;
      return {
        revision,
        time: isoTime(application.updateTime),
        kind: "application",
        name: application.name,
        ...parseName(application.name),
        state: label(Application_StateSchema, application.state),
        message: application.message,
        route_prefix: application.routePrefix ?? null,
        reconciling: application.reconciling,
        generation: Number(application.generation),
        observed_generation: Number(application.observedGeneration),
      };
    }
    case "deployment": {
      const deployment = event.value;
      return {
        revision,
        time: isoTime(deployment.updateTime),
        kind: "deployment",
        name: deployment.name,
        ...parseName(deployment.name),
        state: label(Deployment_StateSchema, deployment.state),
        trigger: label(Deployment_StateTriggerSchema, deployment.stateTrigger),
        message: deployment.message,
        target: deployment.targetNumReplicas,
        target_owner: label(Deployment_TargetOwnerSchema, deployment.targetOwner),
        replica_counts: replicaCounts(deployment),
        reconciling: deployment.reconciling,
        generation: Number(deployment.generation),
        observed_generation: Number(deployment.observedGeneration),
      };
    }
    case "replica": {
      const replica = event.value;
      return {
        revision,
        time: isoTime(replica.updateTime),
        kind: "replica",
        name: replica.name,
        ...parseName(replica.name),
        state: label(Replica_StateSchema, replica.state),
        pid: replica.pid,
      };
    }
    case "deleted":
      return { revision, time: null, kind: "deleted", name: event.value, ...parseName(event.value) };
    case "synced":
      return { revision, time: null, kind: "synced" };
    default:
      return undefined;
  }
}

/** The same of the feed of scaling decisions; `name` is the deployment's. */
export function decisionLine(event: Exclude<WatchEvent<ScalingDecision>, { kind: "reset" }>): Record<string, unknown> {
  const revision = Number(event.revision);
  switch (event.kind) {
    case "updated": {
      const { name, resource } = event;
      const time = isoTime(resource.time);
      return { revision, time, kind: "decision", name, ...parseName(name), ...decisionDocument(resource) };
    }
    case "deleted":
      return { revision, time: null, kind: "deleted", name: event.name, ...parseName(event.name) };
    case "synced":
      return { revision, time: null, kind: "synced" };
  }
}
