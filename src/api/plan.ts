/** Planning a config document: the same for REST and Connect. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  ApplicationPlan_ActionSchema,
  DeploymentPlan_ActionSchema,
  type Plan as PlanMessage,
  PlanSchema,
} from "../../gen/windlass/v1/plan_pb.ts";
import type { Controller, Plan } from "../controller/controller.ts";
import { applicationName, deploymentName } from "../core/names.ts";
import { type ApplyRequest, acceptedConfig, refuseRelative, withAbsoluteFiles, withSecrets } from "./apply.ts";
import { enumValue } from "./enums.ts";

/** What a caller asks for. */
export interface PlanCheckedRequest extends Omit<ApplyRequest, "validateOnly"> {
  /** Plans writes of the listed applications alone. */
  readonly onlyListed: boolean;
  /** Makes no token. Default: false. */
  readonly withoutToken?: boolean;
}

/** Plans a config that was checked. Fails as {@link applyChecked} does. Aborting `signal` gives it up. */
export async function planChecked(
  controller: Controller,
  { checked, baseDir, actor, onlyListed, withoutToken = false }: PlanCheckedRequest,
  signal: AbortSignal,
): Promise<Plan> {
  const accepted = acceptedConfig(checked);
  refuseRelative(baseDir);
  const applications = accepted.config.applications.map((application) => withSecrets(controller, application));
  const config = { ...withAbsoluteFiles(accepted.config, baseDir), applications };
  const plan = await controller.plan(
    { config, baseDir, actor, onlyListed, ...(withoutToken ? { withoutToken } : {}) },
    signal,
  );
  return { ...plan, warnings: [...accepted.warnings, ...plan.warnings] };
}

/** The plan as the public message. */
export function planView(plan: Plan): PlanMessage {
  const applications: MessageInitShape<typeof PlanSchema>["applications"] = plan.applications.map((application) => ({
    name: applicationName(application.name),
    action: enumValue(ApplicationPlan_ActionSchema, application.action),
    error: application.error,
    codeChanged: application.codeChanged,
    canary: application.canary,
    deployments: application.deployments.map((deployment) => ({
      name: deploymentName(application.name, deployment.name),
      action: enumValue(DeploymentPlan_ActionSchema, deployment.action),
      changes: [...deployment.changes],
      targetNumReplicas: deployment.target,
      plannedTargetNumReplicas: deployment.plannedTarget,
      peakExtraReplicas: deployment.peakExtra,
      peakMissingReplicas: deployment.peakMissing,
      notes: [...deployment.notes],
    })),
  }));
  return create(PlanSchema, {
    token: plan.token,
    ...(plan.token === "" ? {} : { expireTime: timestampFromMs(plan.expiresAt) }),
    applications,
    warnings: [...plan.warnings],
    revision: BigInt(plan.revision),
  });
}

/** The plan as a JSON document. */
export function planBody(plan: Plan): Record<string, unknown> {
  return {
    token: plan.token,
    expire_time_s: plan.token === "" ? null : plan.expiresAt / 1000,
    revision: plan.revision,
    warnings: plan.warnings,
    applications: plan.applications.map(({ name, action, error, codeChanged, canary, deployments }) => ({
      name,
      action,
      error,
      code_changed: codeChanged,
      canary,
      deployments: deployments.map((deployment) => ({
        name: deployment.name,
        action: deployment.action,
        changes: deployment.changes,
        target_num_replicas: deployment.target,
        planned_target_num_replicas: deployment.plannedTarget,
        peak_extra_replicas: deployment.peakExtra,
        peak_missing_replicas: deployment.peakMissing,
        notes: deployment.notes,
      })),
    })),
  };
}
