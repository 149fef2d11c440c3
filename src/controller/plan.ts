/** What a write would do: the records before and after it, compared. Pure. */
import { stableJson } from "../config/versions.ts";
import { codeOf, deploymentChanges, type Origin } from "./plan-changes.ts";
import { deploymentNotes } from "./plan-notes.ts";
import type { DeploymentRecord, InstanceRecord } from "./records.ts";
import { updateClass } from "./update-class.ts";

/** What an apply would do. */
export interface Plan {
  /** Makes the apply do exactly this; "" where an application cannot be built. */
  readonly token: string;
  /** When the token ends, epoch milliseconds. */
  readonly expiresAt: number;
  /** Those that are listed or would be deleted, ordered by name. */
  readonly applications: readonly ApplicationPlan[];
  /** One line each for what would be accepted but is likely not meant. */
  readonly warnings: readonly string[];
  /** The store revision that was planned on. */
  readonly revision: number;
}

/** What an apply would do to one application. */
export interface ApplicationPlan {
  readonly name: string;
  readonly action: "NONE" | "CREATE" | "UPDATE" | "DELETE";
  /** Those that would be deleted included, ordered by name; none where it cannot be built. */
  readonly deployments: readonly DeploymentPlan[];
  /** Why it cannot be built or merged; else "". */
  readonly error: string;
  /** Whether its sources differ from those that run. */
  readonly codeChanged: boolean;
  /** Whether the new revision would begin as a canary. */
  readonly canary: boolean;
}

/** What an apply would do to one deployment. */
export interface DeploymentPlan {
  readonly name: string;
  readonly action: "NONE" | "CREATE" | "SETTINGS" | "SCALE" | "RECONFIGURE" | "RESTART" | "DELETE";
  /** Paths of the fields that differ, without values; "code" for the code. */
  readonly changes: readonly string[];
  readonly target: number;
  readonly plannedTarget: number;
  /** The most replicas above the larger of both targets, those that drain not counted. */
  readonly peakExtra: number;
  /** The most replicas missing from the smaller of both targets. */
  readonly peakMissing: number;
  readonly notes: readonly string[];
}

/** An application and its deployments at one moment. */
export interface Moment {
  readonly origin: Origin | undefined;
  readonly deployments: readonly DeploymentRecord[];
  readonly instance: InstanceRecord;
}

/** How a deployment's replicas fare while a write is carried out; see rehearsal.ts. */
export interface Course {
  /** Live replicas before the write, those that drain not counted. */
  readonly replicasBefore: number;
  /** The most that were live at a time. */
  readonly mostLive: number;
  /** The least that served at a time. */
  readonly leastServing: number;
  /** Why some never start; "" where all do. */
  readonly waiting: string;
}

/** The replicas a deployment is to have; one that goes is to have none. */
export function targetOf(deployment: DeploymentRecord | undefined): number {
  return deployment === undefined || deployment.deleting ? 0 : deployment.target.replicas;
}

/** Compares an application before and after a write. `courses`: by name of the deployment. */
export function planApplication(
  name: string,
  before: Moment,
  after: Moment,
  courses: ReadonlyMap<string, Course>,
): ApplicationPlan {
  const [was, is] = [before.origin?.application, after.origin?.application];
  const gone = was === undefined || was.deleting;
  if (is === undefined || is.deleting) {
    const deployments = gone ? [] : planDeployments(before, { ...after, deployments: [] }, courses);
    return { name, action: gone ? "NONE" : "DELETE", deployments, error: "", codeChanged: false, canary: false };
  }
  if (is.build.kind === "failed") {
    const action = gone ? "CREATE" : "UPDATE";
    return { name, action, deployments: [], error: is.build.message, codeChanged: false, canary: false };
  }
  const codeChanged = !gone && was.built !== null && codeOf(was.built) !== codeOf(is.built);
  const canary = is.canary !== undefined && is.canary.revision !== was?.canary?.revision;
  const deployments = planDeployments(gone ? { ...before, deployments: [] } : before, after, courses);
  const same =
    !gone &&
    !codeChanged &&
    was.source === is.source &&
    was.baseDir === is.baseDir &&
    was.build.kind !== "failed" &&
    stableJson(was.config) === stableJson(is.config) &&
    deployments.every(({ action }) => action === "NONE");
  return { name, action: gone ? "CREATE" : same ? "NONE" : "UPDATE", deployments, error: "", codeChanged, canary };
}

function planDeployments(before: Moment, after: Moment, courses: ReadonlyMap<string, Course>): DeploymentPlan[] {
  const find = ({ deployments }: Moment, name: string): DeploymentRecord | undefined =>
    deployments.find((deployment) => deployment.name === name && !deployment.deleting);
  const application = after.origin?.application;
  const wanted = application?.canary && new Set(application.built?.deployments.map((each) => each.name));
  const names = new Set([...before.deployments, ...after.deployments].map(({ name }) => name));
  return [...names].sort().flatMap((name) => {
    const [was, left] = [find(before, name), find(after, name)];
    // What only the stable revision has stays until the canary is promoted.
    const is = left && (wanted === undefined || wanted.has(name)) ? left : undefined;
    if (was === undefined && is === undefined) return [];
    const course = courses.get(name) ?? { replicasBefore: 0, mostLive: 0, leastServing: 0, waiting: "" };
    const plan = planDeployment(name, was, is, before, after, course);
    return [is === left ? plan : { ...plan, notes: [...plan.notes, "it is deleted when the canary is promoted"] }];
  });
}

function planDeployment(
  name: string,
  was: DeploymentRecord | undefined,
  is: DeploymentRecord | undefined,
  before: Moment,
  after: Moment,
  course: Course,
): DeploymentPlan {
  const [target, plannedTarget] = [targetOf(was), targetOf(is)];
  const action = actionOf(was, is, course);
  const moves = action !== "NONE" && action !== "SETTINGS";
  return {
    name,
    action,
    changes:
      was && is && action !== "NONE"
        ? deploymentChanges(was, is, before.origin!, after.origin!, capacityDiffers(before, after))
        : [],
    target,
    plannedTarget,
    peakExtra: moves ? Math.max(0, course.mostLive - Math.max(target, plannedTarget)) : 0,
    peakMissing: moves ? Math.max(0, Math.min(target, plannedTarget) - course.leastServing) : 0,
    notes: deploymentNotes({ was, is, target, plannedTarget, moves, course }),
  };
}

function actionOf(
  was: DeploymentRecord | undefined,
  is: DeploymentRecord | undefined,
  course: Course,
): DeploymentPlan["action"] {
  if (is === undefined) return "DELETE";
  if (was === undefined) return "CREATE";
  const found = updateClass(was, is);
  const strong = found === "restart" || found === "reconfigure";
  // Of a deployment without replicas, none can be replaced or told anything.
  if (!strong || course.replicasBefore > 0 || was.target.replicas > 0) {
    return found.toUpperCase() as DeploymentPlan["action"];
  }
  return is.target.replicas > 0 ? "SCALE" : "SETTINGS";
}

function capacityDiffers(before: Moment, after: Moment): boolean {
  return (
    before.instance.targetCapacity !== after.instance.targetCapacity ||
    before.instance.targetCapacityDirection !== after.instance.targetCapacityDirection
  );
}
