import { loggingInForce } from "../config/logging.ts";
import { sameVersion } from "./canary-rollout.ts";
import { canaryWeight } from "./canary-state.ts";
import { coldStart } from "./cold-start.ts";
import type { RoutingTableData, SplitData } from "./controller.ts";
import { loadSampling } from "./load-sampling.ts";
import type { ApplicationRecord, CanaryRecord, DeploymentRecord, ReplicaRecord } from "./records.ts";
import { isRoutable } from "./replica-state.ts";
import { requestRouting } from "./request-routing.ts";
import type { World } from "./world.ts";

/** What a table says of one deployment. */
export interface TableEntry {
  readonly deployment: RoutingTableData["deployments"][number];
  /** Where the deployment is its application's ingress, and that is exposed. */
  readonly route: RoutingTableData["routes"][number] | undefined;
}

/**
 * The routing table that follows from the records. A route exists from the first good build until the application is
 * deleted; a failed or running rebuild keeps it. Replicas are those that serve; a draining one is absent.
 */
export function routingTable(world: World): RoutingTableData {
  const entries: TableEntry[] = [];
  for (const { name } of [...world.applications.values()].sort(byName)) {
    for (const key of [...(world.deploymentsOf.get(name) ?? [])].sort()) {
      const entry = tableEntry(world, key);
      if (entry !== undefined) entries.push(entry);
    }
  }
  return {
    routes: entries.flatMap(({ route }) => route ?? []),
    deployments: entries.map(({ deployment }) => deployment),
    ...instanceSettings(world),
  };
}

/** What a table says of all deployments together. */
export function instanceSettings({ instance }: World): Omit<RoutingTableData, "routes" | "deployments"> {
  const { httpOptions, grpcOptions, logging } = instance;
  const grpcRequestTimeoutS = grpcOptions.request_timeout_s ?? null;
  return {
    requestTimeoutS: httpOptions.request_timeout_s ?? null,
    ...(grpcRequestTimeoutS === null ? {} : { grpcRequestTimeoutS }),
    logging: loggingInForce(logging),
  };
}

/** What a table says of a deployment, by store key; undefined: nothing, as it is being deleted or not there. */
export function tableEntry(world: World, key: string): TableEntry | undefined {
  const deployment = world.deployments.get(key);
  const application = deployment && world.applications.get(deployment.application);
  if (application === undefined || deployment === undefined) return undefined;
  if (application.deleting || deployment.deleting) return undefined;
  const present = [...(world.replicasOf.get(key) ?? [])].map((id) => world.replicas.get(id)!);
  const replicas = present
    .filter((replica) => isRoutable(replica.state))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((replica) => ({
      id: replica.id,
      address: replica.address || replica.dataSocket,
      revision: revisionServed(application, deployment, replica),
    }));
  // The settings of whoever gets most requests; each replica keeps to its own whatever routers think.
  const config = deployment.stable?.config ?? deployment.config;
  // Of what is desired, as the autoscaler's decisions are.
  const sampling = loadSampling(deployment.config);
  const names = { application: application.name, deployment: deployment.name };
  const routing = requestRouting(config, deployment.stable?.version ?? deployment.version);
  const { routePrefix } = application;
  return {
    deployment: {
      ...names,
      replicas,
      maxOngoingRequests: config.max_ongoing_requests,
      maxQueuedRequests: config.max_queued_requests,
      backpressureStatusCode: config.backpressure_config.status_code,
      backpressureRetryAfterS: config.backpressure_config.retry_after_s,
      unavailable: replicas.length === 0 ? unavailability(deployment) : "",
      requestTimeoutS: config.request_timeout_s ?? null,
      ...(application.canary ? { split: splitOf(application.canary) } : {}),
      ...(sampling === undefined ? {} : { loadSampling: sampling }),
      coldStart: coldStart(application, deployment, present, config.cold_start_timeout_s),
      ...(deployment.ingress && routePrefix === null ? { ingress: true } : {}),
      ...(routing === undefined ? {} : { requestRouting: routing }),
      ...(config.client_priorities ? { clientPriorities: true } : {}),
    },
    route: deployment.ingress && routePrefix !== null ? { prefix: routePrefix, ...names } : undefined,
  };
}

/** The revision whose requests a replica is for; 0: every one's. */
function revisionServed(
  { canary }: ApplicationRecord,
  { stable, version }: DeploymentRecord,
  replica: ReplicaRecord,
): number {
  if (canary === undefined || stable === undefined) return 0;
  // One of neither is left from an earlier update, which made the stable one.
  return sameVersion(replica.version, version) ? canary.revision : canary.stable;
}

function splitOf(canary: CanaryRecord): SplitData {
  const { stable: stableRevision, revision: canaryRevision, stickyHeader } = canary;
  return { stableRevision, canaryRevision, weight: canaryWeight(canary), stickyHeader };
}

/** The answer to callers of a deployment that failed for good; the reference's words, which clients match on. */
function unavailability(deployment: DeploymentRecord): string {
  if (deployment.status !== "DEPLOY_FAILED") return "";
  return `Deployment(name='${deployment.name}', app='${deployment.application}') is unavailable because it failed to deploy.`;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
