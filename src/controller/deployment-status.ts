import { assertNever } from "../core/assert-never.ts";
import type { DeploymentStatus, DeploymentStatusTrigger } from "./records.ts";

/** What users see of a deployment: where it stands, why, and one line for a person. */
export interface DeploymentStatusInfo {
  readonly status: DeploymentStatus;
  readonly trigger: DeploymentStatusTrigger;
  readonly message: string;
}

/** What happened inside the controller that may move a status. */
export type InternalTrigger =
  | "HEALTHY"
  | "CONFIG_UPDATE"
  | "AUTOSCALE_UP"
  | "AUTOSCALE_DOWN"
  | "MANUALLY_INCREASE_NUM_REPLICAS"
  | "MANUALLY_DECREASE_NUM_REPLICAS"
  | "REPLICA_STARTUP_FAILED"
  | "ROLLING_UPDATE_FAILED"
  | "DEPLOYMENT_ACTOR_FAILED"
  | "HEALTH_CHECK_FAILED"
  | "INTERNAL_ERROR"
  | "DELETE";

/** Status of a deployment that was just created. */
export const INITIAL_DEPLOYMENT_STATUS: DeploymentStatusInfo = {
  status: "UPDATING",
  trigger: "CONFIG_UPDATE_STARTED",
  message: "",
};

/**
 * The status machine of a deployment, as Ray Serve 2.60 has it (spec/control-plane.md 4.2). `-` is ignored: the
 * same object comes back. An effective transition replaces the message, by "" where none is given.
 *
 * ```
 *                     | UPDATING       | HEALTHY     | UNHEALTHY | DEPLOY_FAILED | UP/DOWNSCALING
 * HEALTHY             | HEALTHY (1)    | -           | HEALTHY   | HEALTHY       | HEALTHY (2)
 * AUTOSCALE_x         | xSCALING       | xSCALING    | -         | -             | xSCALING if by AUTOSCALING
 * MANUALLY_x          | -              | xSCALING    | -         | -             | xSCALING if by AUTOSCALING or config (3)
 * HEALTH_CHECK_FAILED | DEPLOY_FAILED  | UNHEALTHY   | UNHEALTHY | DEPLOY_FAILED | UNHEALTHY
 * REPLICA_STARTUP_F.  | DEPLOY_FAILED  | -           | UNHEALTHY | DEPLOY_FAILED | UNHEALTHY
 * DEPLOYMENT_ACTOR_F. | DEPLOY_FAILED  | -           | -         | DEPLOY_FAILED | -
 * any state: CONFIG_UPDATE → UPDATING, DELETE → UPDATING/DELETING, INTERNAL_ERROR → UNHEALTHY,
 *            ROLLING_UPDATE_FAILED → DEPLOY_FAILED/REPLICA_STARTUP_FAILED
 * (1) CONFIG_UPDATE_COMPLETED (2) UPSCALE_COMPLETED or DOWNSCALE_COMPLETED (3) CONFIG_UPDATE_STARTED
 * ```
 */
export function transitionDeployment(
  from: DeploymentStatusInfo,
  event: { readonly kind: InternalTrigger; readonly message?: string },
): DeploymentStatusInfo {
  const to = (status: DeploymentStatus, trigger: DeploymentStatusTrigger): DeploymentStatusInfo => ({
    status,
    trigger,
    message: event.message ?? "",
  });
  const scaling = from.status === "UPSCALING" || from.status === "DOWNSCALING";
  switch (event.kind) {
    case "CONFIG_UPDATE":
      return to("UPDATING", "CONFIG_UPDATE_STARTED");
    case "DELETE":
      return to("UPDATING", "DELETING");
    case "INTERNAL_ERROR":
      return to("UNHEALTHY", "INTERNAL_ERROR");
    case "ROLLING_UPDATE_FAILED":
      return to("DEPLOY_FAILED", "REPLICA_STARTUP_FAILED");
    case "HEALTHY":
      if (from.status === "HEALTHY") return from;
      if (from.status === "UPDATING") return to("HEALTHY", "CONFIG_UPDATE_COMPLETED");
      if (from.status === "UPSCALING") return to("HEALTHY", "UPSCALE_COMPLETED");
      if (from.status === "DOWNSCALING") return to("HEALTHY", "DOWNSCALE_COMPLETED");
      return to("HEALTHY", "UNSPECIFIED");
    case "AUTOSCALE_UP":
    case "AUTOSCALE_DOWN": {
      const may =
        from.status === "UPDATING" || from.status === "HEALTHY" || (scaling && from.trigger === "AUTOSCALING");
      return may ? to(event.kind === "AUTOSCALE_UP" ? "UPSCALING" : "DOWNSCALING", "AUTOSCALING") : from;
    }
    case "MANUALLY_INCREASE_NUM_REPLICAS":
    case "MANUALLY_DECREASE_NUM_REPLICAS": {
      const byKnownCause = from.trigger === "AUTOSCALING" || from.trigger === "CONFIG_UPDATE_STARTED";
      const up = event.kind === "MANUALLY_INCREASE_NUM_REPLICAS";
      return from.status === "HEALTHY" || (scaling && byKnownCause)
        ? to(up ? "UPSCALING" : "DOWNSCALING", "CONFIG_UPDATE_STARTED")
        : from;
    }
    case "HEALTH_CHECK_FAILED":
    case "REPLICA_STARTUP_FAILED":
      if (from.status === "HEALTHY" && event.kind === "REPLICA_STARTUP_FAILED") return from;
      return from.status === "UPDATING" || from.status === "DEPLOY_FAILED"
        ? to("DEPLOY_FAILED", event.kind)
        : to("UNHEALTHY", event.kind);
    case "DEPLOYMENT_ACTOR_FAILED":
      return from.status === "UPDATING" || from.status === "DEPLOY_FAILED" ? to("DEPLOY_FAILED", event.kind) : from;
    default:
      return assertNever(event.kind);
  }
}
