import type { DeploymentRecord } from "./records.ts";

/**
 * What a change of a deployment does, the strongest effect first:
 *
 * - `restart`: replicas are replaced, within the limits of the rollout;
 * - `reconfigure`: running replicas are told, none restarts;
 * - `scale`: only the number of replicas changes;
 * - `settings`: only the controller and the routers act on it;
 * - `none`: nothing differs.
 */
export type UpdateClass = "none" | "settings" | "scale" | "reconfigure" | "restart";

/** The class of a change from one desired state of a deployment to another; a scale may go beside the stronger two. */
export function updateClass(before: DeploymentRecord, after: DeploymentRecord): UpdateClass {
  // One that is being deleted has no replica left to keep.
  if (before.deleting !== after.deleting || before.version.restart !== after.version.restart) return "restart";
  if (before.version.settings !== after.version.settings) return "reconfigure";
  if (before.target.replicas !== after.target.replicas) return "scale";
  const same =
    equal(before.config, after.config) &&
    equal(before.userConfigured, after.userConfigured) &&
    equal(before.outbound, after.outbound) &&
    before.ingress === after.ingress;
  return same ? "none" : "settings";
}

function equal(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
