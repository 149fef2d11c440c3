/** What the runner looks at in the document of GET /api/serve/applications/. Pure. */
import { isRecord } from "../../config/schema-types.ts";
import { mismatches } from "./match.ts";
import type { Wait } from "./scenario.ts";

/** The projection that conditions are matched against. */
export interface Projection {
  readonly instance: boolean;
  readonly applications: Readonly<Record<string, ApplicationProjection>>;
}

export interface ApplicationProjection {
  readonly status: string;
  readonly message: string;
  readonly deployments: Readonly<Record<string, DeploymentProjection>>;
}

export interface DeploymentProjection {
  readonly status: string;
  readonly status_trigger: string;
  readonly target_num_replicas: number;
  /** State → how many. */
  readonly replica_states: Readonly<Record<string, number>>;
}

/** The part of the document that is read; the rest only matters to comparisons. */
export interface InstanceDocument {
  readonly controller_info: Readonly<Record<string, unknown>>;
  readonly applications: Readonly<Record<string, ApplicationDocument>>;
}

interface ApplicationDocument {
  readonly status: string;
  readonly message: string;
  readonly deployed_app_config: unknown;
  readonly last_deployed_time_s: number;
  readonly deployments: Readonly<Record<string, DeploymentDocument>>;
}

interface DeploymentDocument {
  readonly status: string;
  readonly status_trigger: string;
  readonly target_num_replicas: number;
  readonly deployment_config: Readonly<Record<string, unknown>>;
  readonly replicas: readonly { readonly replica_id: string; readonly state: string }[];
}

/** The document, or undefined for anything else. */
export function asDocument(value: unknown): InstanceDocument | undefined {
  return isRecord(value) && isRecord(value.applications) ? (value as unknown as InstanceDocument) : undefined;
}

/** Projects a document as the recording did. */
export function projectionOf(document: InstanceDocument): Projection {
  const applications = Object.entries(document.applications).map(([name, { status, message, deployments }]) => [
    name,
    { status, message, deployments: Object.fromEntries(Object.entries(deployments).map(deploymentOf)) },
  ]);
  return {
    instance: Object.keys(document.controller_info).length > 0,
    applications: Object.fromEntries(applications) as Projection["applications"],
  };
}

function deploymentOf([name, deployment]: [string, DeploymentDocument]): [string, DeploymentProjection] {
  const { status, status_trigger, target_num_replicas } = deployment;
  const counts: Record<string, number> = {};
  for (const { state } of deployment.replicas) counts[state] = (counts[state] ?? 0) + 1;
  return [name, { status, status_trigger, target_num_replicas, replica_states: counts }];
}

/** Whether a recorded condition holds. */
export function holds(wait: Wait, projection: Projection): boolean {
  const names = Object.keys(projection.applications).sort();
  if (wait.applications_exactly && names.join("\n") !== [...wait.applications_exactly].sort().join("\n")) return false;
  if (wait.absent_applications?.some((name) => names.includes(name))) return false;
  return mismatches(wait.condition, projection, "subset").length === 0 && statesHold(wait.condition, projection);
}

/** Numbers of replicas by state are compared whole. */
function statesHold(condition: unknown, actual: unknown): boolean {
  if (!isRecord(condition) || !isRecord(actual)) return true;
  return Object.entries(condition).every(([key, value]) =>
    key === "replica_states" ? mismatches(value, actual[key], "exact").length === 0 : statesHold(value, actual[key]),
  );
}

/** Ids of the replicas that count, sorted: those that serve or will. */
export function liveReplicas(document: InstanceDocument, application: string, deployment: string): string[] {
  return (document.applications[application]?.deployments[deployment]?.replicas ?? [])
    .filter(({ state }) => ["RUNNING", "UPDATING", "STARTING"].includes(state))
    .map(({ replica_id }) => replica_id)
    .sort();
}

/** How the present ids relate to the remembered ones. */
export function relates(
  relation: "same" | "superset" | "subset" | "overlap" | "all_new",
  now: readonly string[],
  before: readonly string[],
): boolean {
  const kept = now.filter((id) => before.includes(id)).length;
  switch (relation) {
    case "same":
      return kept === now.length && kept === before.length;
    case "superset":
      return kept === before.length;
    case "subset":
      return kept === now.length;
    case "overlap":
      return kept > 0;
    case "all_new":
      return kept === 0;
  }
}
