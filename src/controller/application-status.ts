import type { ApplicationStatus, DeploymentStatus, DeploymentStatusTrigger } from "./records.ts";

/** The part of a deployment that its application's status is made of. */
export interface DeploymentStanding {
  readonly name: string;
  readonly status: DeploymentStatus;
  readonly trigger: DeploymentStatusTrigger;
}

/**
 * Status of an application whose deployments are known, by the worst of them (spec/control-plane.md 4.3):
 * DEPLOY_FAILED, then UNHEALTHY, then what a config change moves (DEPLOYING), else RUNNING. An application that is
 * being deleted is DELETING whatever its deployments do. The message names the deployments that failed, in order.
 */
export function deriveApplicationStatus(input: {
  readonly deleting: boolean;
  readonly deployments: readonly DeploymentStanding[];
}): { status: ApplicationStatus; message: string } {
  if (input.deleting) return { status: "DELETING", message: "" };
  const inStatus = (status: DeploymentStatus): string =>
    input.deployments
      .filter((deployment) => deployment.status === status)
      .map((deployment) => deployment.name)
      .join(", ");
  const failed = inStatus("DEPLOY_FAILED");
  if (failed !== "") return { status: "DEPLOY_FAILED", message: `failed to deploy: ${failed}` };
  const unhealthy = inStatus("UNHEALTHY");
  if (unhealthy !== "") return { status: "UNHEALTHY", message: `unhealthy: ${unhealthy}` };
  return { status: input.deployments.some(isMoving) ? "DEPLOYING" : "RUNNING", message: "" };
}

/** Whether a change of the config is under way on a deployment. */
export function isMoving({ status, trigger }: DeploymentStanding): boolean {
  return (
    status === "UPDATING" ||
    ((status === "UPSCALING" || status === "DOWNSCALING") && trigger === "CONFIG_UPDATE_STARTED")
  );
}
