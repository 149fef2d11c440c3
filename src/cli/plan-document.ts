import { timestampMs } from "@bufbuild/protobuf/wkt";
import { ApplicationPlan_ActionSchema, DeploymentPlan_ActionSchema, type Plan } from "../../gen/windlass/v1/plan_pb.ts";
import { parseName } from "../core/names.ts";
import { label } from "./labels.ts";

/** A plan as `-o` prints it and `--out` keeps it: the document of `POST /api/v1/plan`. */
export interface PlanDocument extends Readonly<Record<string, unknown>> {
  /** "" where an application cannot be built. */
  readonly token: string;
  readonly expire_time_s: number | null;
  readonly revision: number;
  readonly warnings: readonly string[];
  readonly applications: readonly PlannedApplication[];
}

/** One application of {@link PlanDocument}. */
export interface PlannedApplication {
  readonly name: string;
  readonly action: string;
  readonly error: string;
  readonly code_changed: boolean;
  readonly canary: boolean;
  readonly deployments: readonly PlannedDeployment[];
}

/** One deployment of {@link PlannedApplication}. */
export interface PlannedDeployment {
  readonly name: string;
  readonly action: string;
  readonly changes: readonly string[];
  readonly target_num_replicas: number;
  readonly planned_target_num_replicas: number;
  readonly peak_extra_replicas: number;
  readonly peak_missing_replicas: number;
  readonly notes: readonly string[];
}

/** The document of a plan. */
export function planDocument(plan: Plan): PlanDocument {
  return {
    token: plan.token,
    expire_time_s: plan.expireTime === undefined ? null : timestampMs(plan.expireTime) / 1000,
    revision: Number(plan.revision),
    warnings: plan.warnings,
    applications: plan.applications.map((application) => ({
      name: parseName(application.name)?.application ?? application.name,
      action: label(ApplicationPlan_ActionSchema, application.action),
      error: application.error,
      code_changed: application.codeChanged,
      canary: application.canary,
      deployments: application.deployments.map((deployment) => ({
        name: parseName(deployment.name)?.deployment ?? deployment.name,
        action: label(DeploymentPlan_ActionSchema, deployment.action),
        changes: deployment.changes,
        target_num_replicas: deployment.targetNumReplicas,
        planned_target_num_replicas: deployment.plannedTargetNumReplicas,
        peak_extra_replicas: deployment.peakExtraReplicas,
        peak_missing_replicas: deployment.peakMissingReplicas,
        notes: deployment.notes,
      })),
    })),
  };
}
