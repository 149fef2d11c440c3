/** What GET /api/v1/applications/{application} answers. Pure. */
import { redactConfig } from "../../config/redact.ts";
import { etagOf, shownMessage } from "../../controller/controller.ts";
import type { ApplicationRecord, DeploymentRecord } from "../../controller/records.ts";

/** The value of an `ETag` header. */
export function entityTag(record: ApplicationRecord): string {
  return `"${etagOf(record)}"`;
}

/** See the file's comment. `config` is null while it is deleted, and where no config wrote it. */
export function applicationBody(
  record: ApplicationRecord,
  deployments: readonly DeploymentRecord[],
  revealEnv: boolean,
) {
  const { name, status, message, source, generation } = record;
  return {
    name,
    status,
    message,
    route_prefix: record.routePrefix,
    source,
    generation,
    observed_generation: record.observedGeneration,
    revision: record.revision ?? 0,
    etag: etagOf(record),
    managed_by: record.managedBy ?? null,
    last_deployed_time_s: record.lastDeployedAt / 1000,
    config: source === "declarative" && !record.deleting ? redactConfig(record.config, { revealEnv }) : null,
    deployments: deployments.map(deploymentBody),
  };
}

function deploymentBody(record: DeploymentRecord) {
  return {
    name: record.name,
    status: record.status,
    status_trigger: record.trigger,
    message: shownMessage(record),
    ingress: record.ingress,
    target_num_replicas: record.target.replicas,
    replica_counts: record.replicaCounts,
    generation: record.generation,
    etag: etagOf(record),
  };
}
