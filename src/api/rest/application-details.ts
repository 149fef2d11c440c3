/** Applications, deployments and replicas in the document of GET /api/serve/applications/. Pure. */
import { requiredResources } from "../../config/effective.ts";
import { redactConfig } from "../../config/redact.ts";
import type { EffectiveDeploymentConfig } from "../../config/types.ts";
import { shownMessage } from "../../controller/controller.ts";
import {
  type ApplicationRecord,
  type DeadReplica,
  type DeploymentRecord,
  type ReplicaRecord,
  replicaStateName,
} from "../../controller/records.ts";
import type { HostFacts } from "../host-facts.ts";
import { redactDeployment } from "../redact-deployment.ts";
import { actor, type DetailsOptions } from "./details.ts";

/** One application. `replicas` are grouped by "<application>/<deployment>". */
export function applicationDetails(
  record: ApplicationRecord,
  deployments: readonly DeploymentRecord[],
  replicas: ReadonlyMap<string, readonly ReplicaRecord[]>,
  options: DetailsOptions,
) {
  const { revealEnv, host } = options;
  const visible = showsDeployments(record);
  const hasConfig = record.source === "declarative" && !record.deleting;
  return {
    name: record.name,
    route_prefix: record.routePrefix,
    docs_path: null,
    status: record.status,
    message: record.message,
    last_deployed_time_s: record.lastDeployedAt / 1000,
    deployed_app_config: hasConfig ? redactConfig(record.config, { revealEnv }) : null,
    source: record.source,
    deployments: visible
      ? Object.fromEntries(
          deployments.map((deployment) => [
            deployment.name,
            deploymentDetails(
              deployment,
              replicas.get(`${deployment.application}/${deployment.name}`) ?? [],
              host,
              revealEnv,
            ),
          ]),
        )
      : {},
    external_scaler_enabled: record.config.external_scaler_enabled ?? false,
    deployment_topology: visible ? topology(record, deployments) : null,
  };
}

/** The reference hides deployments while it builds, after a failed build and while it deletes. */
function showsDeployments({ build, built, deleting }: ApplicationRecord): boolean {
  if (deleting || built === null || build.kind === "failed") return false;
  return build.kind !== "building" || build.check;
}

function topology(record: ApplicationRecord, deployments: readonly DeploymentRecord[]) {
  const node = (name: string) => ({ name, app_name: record.name });
  return {
    app_name: record.name,
    nodes: Object.fromEntries(
      deployments.map(({ name, outbound, ingress }) => [
        name,
        { ...node(name), outbound_deployments: outbound.map(node), is_ingress: ingress },
      ]),
    ),
    ingress_deployment: record.built?.ingress ?? null,
  };
}

function deploymentDetails(
  record: DeploymentRecord,
  replicas: readonly ReplicaRecord[],
  host: HostFacts,
  revealEnv: boolean,
) {
  return {
    name: record.name,
    status: record.status,
    status_trigger: record.trigger,
    message: shownMessage(record),
    deployment_config: shownConfig(redactDeployment(record.config, revealEnv)),
    target_num_replicas: record.target.replicas,
    required_resources: requiredResources(record.config),
    replicas: replicas.map((replica) => replicaDetails(replica, host)),
    recent_dead_replicas: record.recentDead.map((dead) => deadDetails(record, dead, host)),
  };
}

const SHOWN_KEYS = [
  "name",
  "num_replicas",
  "autoscaling_config",
  "max_ongoing_requests",
  "max_queued_requests",
  "backpressure_config",
  "user_config",
  "graceful_shutdown_wait_loop_s",
  "graceful_shutdown_timeout_s",
  "health_check_period_s",
  "health_check_timeout_s",
  "ray_actor_options",
  "request_router_config",
  "rolling_update_percentage",
  "max_surge_percent",
  "gang_scheduling_config",
  "deployment_actors",
  "max_replicas_per_node",
] as const satisfies readonly (keyof EffectiveDeploymentConfig)[];

/** The settings the reference reports, in its order. */
function shownConfig(config: EffectiveDeploymentConfig): Record<string, unknown> {
  return Object.fromEntries(SHOWN_KEYS.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])));
}

/** A replica whose process has not been seen yet has only four keys. */
function replicaDetails(record: ReplicaRecord, host: HostFacts) {
  const name = actorName(record.application, record.deployment, record.id);
  const own = {
    actor_name: name,
    replica_id: record.id,
    state: replicaStateName(record.state),
    start_time_s: record.startedAt / 1000,
  };
  if (record.process === null) return own;
  return { ...actor(host, name, record.id), ...own, log_file_path: logPath(name), pid: record.process.pid };
}

/** A replica that has ended. */
function deadDetails({ application, name: deployment }: DeploymentRecord, dead: DeadReplica, host: HostFacts) {
  const name = actorName(application, deployment, dead.id);
  return {
    ...actor(host, name, dead.id),
    log_file_path: logPath(name),
    replica_id: dead.id,
    state: "STOPPED",
    pid: dead.pid,
    start_time_s: dead.startedAt / 1000,
  };
}

function actorName(application: string, deployment: string, id: string): string {
  return `SERVE_REPLICA::${application}#${deployment}#${id}`;
}

/** Relative to the folder of logs. */
function logPath(name: string): string {
  return `/serve/${name.replace("SERVE_REPLICA::", "replica_").replace(/[^\w.-]/g, "_")}.log`;
}
