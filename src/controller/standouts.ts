/**
 * What an application has to know of its deployments to know where it stands, without a look at each: its status and its
 * revision's outcome follow from the deployments that stand out as they do from all. Pure.
 */
import { isMoving } from "./application-status.ts";
import type { DeploymentRecord } from "./records.ts";
import { isUp } from "./revisions.ts";

/**
 * Of the first kind every deployment counts, by its name; of the others whether there is any.
 *
 * - `named`: it failed, is unhealthy, or its policy or its request router did
 * - `moving`: a change of the config moves it
 * - `down`: it is not up
 * - `wanted`: it is not being deleted
 */
export const STANDOUTS = ["named", "moving", "down", "wanted"] as const;

export type Standout = (typeof STANDOUTS)[number];

const NONE: readonly Standout[] = [];
const UP: readonly Standout[] = ["wanted"];

/** How a deployment stands out; in no way once it is being deleted. */
export function standoutsOf(deployment: DeploymentRecord | undefined): readonly Standout[] {
  if (deployment === undefined || deployment.deleting) return NONE;
  const { status, rollout, policyFailure, routerFailure } = deployment;
  const failed = status === "DEPLOY_FAILED" || status === "UNHEALTHY" || rollout === "failed";
  const named = failed || policyFailure !== undefined || routerFailure !== undefined;
  const moving = isMoving(deployment);
  const up = isUp(deployment);
  if (!named && !moving && up) return UP;
  return STANDOUTS.filter((kind) => {
    if (kind === "named") return named;
    if (kind === "moving") return moving;
    return kind === "down" ? !up : true;
  });
}

/** Where the keys of an application's deployments of one kind are. */
export function standoutKey(kind: Standout, application: string): string {
  return `${kind}/${application}`;
}
