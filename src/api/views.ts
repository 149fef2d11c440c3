/** Records as the public messages of windlass.v1. Pure. */
import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Application,
  Application_SourceSchema,
  Application_StateSchema,
  ApplicationSchema,
} from "../../gen/windlass/v1/application_pb.ts";
import {
  type Deployment,
  Deployment_StateSchema,
  Deployment_StateTriggerSchema,
  Deployment_TargetOwnerSchema,
  DeploymentSchema,
  type Lease,
  Lease_FallbackSchema,
  LeaseSchema,
  type Replica,
  Replica_StateSchema,
  ReplicaSchema,
} from "../../gen/windlass/v1/deployment_pb.ts";
import {
  type Instance,
  Instance_StateSchema,
  InstanceSchema,
  Proxy_StateSchema,
} from "../../gen/windlass/v1/instance_pb.ts";
import { ignoredCounts } from "../config/effective.ts";
import { lintCode } from "../config/lint.ts";
import { lintLines } from "../config/lint-lines.ts";
import { applicationConfigToMessage, deploymentConfigToMessage } from "../config/message.ts";
import { redactConfig } from "../config/redact.ts";
import { webhookOpen } from "../config/scaling.ts";
import { type CanaryStanding, etagOf, shownMessage } from "../controller/controller.ts";
import {
  type ApplicationRecord,
  type DeploymentRecord,
  type InstanceRecord,
  type ProxyRecord,
  type ReplicaRecord,
  type ReplicaStateName,
  replicaStateName,
} from "../controller/records.ts";
import { applicationName, deploymentName, replicaName } from "../core/names.ts";
import { canaryView } from "./canary-view.ts";
import { enumValue } from "./enums.ts";
import { redactDeployment } from "./redact-deployment.ts";

/** The instance; without a record it is ABSENT. */
export function instanceView(record: InstanceRecord | undefined, proxies: readonly ProxyRecord[]): Instance {
  if (record === undefined) return create(InstanceSchema, { state: enumValue(Instance_StateSchema, "ABSENT") });
  return create(InstanceSchema, {
    state: enumValue(Instance_StateSchema, record.state),
    httpAddress: record.httpAddress,
    ...(record.targetCapacity === null ? {} : { targetCapacity: record.targetCapacity }),
    proxies: proxies.map(({ id, pid, state }) => ({ id, pid, state: enumValue(Proxy_StateSchema, state) })),
    ...times(record),
  });
}

/**
 * An application. `revealEnv`: show the values of environment variables. `standing`: what its canary comes to at this
 * moment; absent: what the record tells of it.
 */
export function applicationView(record: ApplicationRecord, revealEnv: boolean, standing?: CanaryStanding): Application {
  const shown = record.source === "declarative" && !record.deleting;
  return create(ApplicationSchema, {
    name: applicationName(record.name),
    state: enumValue(Application_StateSchema, record.status),
    message: record.message,
    ...(record.routePrefix === null ? {} : { routePrefix: record.routePrefix }),
    ...(shown ? { config: applicationConfigToMessage(redactConfig(record.config, { revealEnv })) } : {}),
    source: enumValue(Application_SourceSchema, record.source),
    externalScalerEnabled: webhookOpen(record.config),
    ingressDeployment: record.built?.ingress ?? "",
    deployments: (record.built?.deployments ?? []).map(({ name }) => name).sort(),
    generation: BigInt(record.generation),
    observedGeneration: BigInt(record.observedGeneration),
    reconciling: applicationReconciles(record),
    revision: BigInt(record.revision ?? 0),
    ...time("lastDeployTime", record.lastDeployedAt),
    ...times(record),
    etag: etagOf(record),
    uid: record.uid,
    warnings: builtWarnings(record),
    managedBy: record.managedBy ?? "",
    ...(record.canary ? { canary: canaryView(record.canary, standing) } : {}),
  });
}

/** Kept, since views are made with each change of an application, and these change with its code and config alone. */
const warningsOf = new WeakMap<object, { config: ApplicationRecord["config"]; warnings: readonly string[] }>();

/** What became known of the config once the application was built. */
function builtWarnings({ built, config }: ApplicationRecord): string[] {
  if (built === null) return [];
  let kept = warningsOf.get(built);
  if (kept?.config !== config) {
    const linted = lintLines(lintCode(config, built.deployments));
    kept = { config, warnings: [...ignoredCounts(config, built.deployments), ...linted] };
    warningsOf.set(built, kept);
  }
  return [...kept.warnings];
}

function applicationReconciles(record: ApplicationRecord): boolean {
  if (record.deleting || record.generation !== record.observedGeneration) return true;
  if (record.build.kind === "building" || record.canary !== undefined) return true;
  return record.status === "DEPLOYING" || record.status === "UNHEALTHY";
}

/** A deployment. `revealEnv` as in {@link applicationView}. */
export function deploymentView(record: DeploymentRecord, revealEnv: boolean): Deployment {
  return create(DeploymentSchema, {
    name: deploymentName(record.application, record.name),
    targetNumReplicas: record.target.replicas,
    targetOwner: enumValue(Deployment_TargetOwnerSchema, record.target.owner),
    targetReason: record.target.reason,
    ...time("targetTime", record.target.since),
    ...leaseView(record.target),
    config: deploymentConfigToMessage(redactDeployment(record.config, revealEnv)),
    state: enumValue(Deployment_StateSchema, record.status),
    stateTrigger: enumValue(Deployment_StateTriggerSchema, record.trigger),
    message: shownMessage(record),
    replicaCounts: replicaCounts(record).map(([state, count]) => ({
      state: enumValue(Replica_StateSchema, state),
      count,
    })),
    reconciling: deploymentReconciles(record),
    generation: BigInt(record.generation),
    observedGeneration: BigInt(record.observedGeneration),
    ...times(record),
    etag: etagOf(record),
    uid: record.uid,
    ingress: record.ingress,
  });
}

function leaseView({ lease, fence }: DeploymentRecord["target"]): { lease?: Lease } {
  if (lease === undefined) return {};
  const { owner, expiresAt, fallback } = lease;
  const message = create(LeaseSchema, {
    owner,
    ...(fence === undefined ? {} : { fence: BigInt(fence) }),
    ...(expiresAt === null ? {} : { expireTime: timestampFromMs(expiresAt) }),
    fallback: enumValue(Lease_FallbackSchema, fallback),
  });
  return { lease: message };
}

/** States that occur, ordered by name. */
function replicaCounts(record: DeploymentRecord): [ReplicaStateName, number][] {
  const counts = Object.entries(record.replicaCounts) as [ReplicaStateName, number][];
  return counts.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1));
}

function deploymentReconciles(record: DeploymentRecord): boolean {
  if (record.deleting || record.generation !== record.observedGeneration || record.rollout === "active") return true;
  if (record.status === "DEPLOY_FAILED") return false; // it has stopped trying
  const counts = replicaCounts(record);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  return total !== record.target.replicas || (record.replicaCounts.RUNNING ?? 0) !== total;
}

/** A replica. */
export function replicaView(record: ReplicaRecord): Replica {
  return create(ReplicaSchema, {
    name: replicaName(record.application, record.deployment, record.id),
    state: enumValue(Replica_StateSchema, replicaStateName(record.state)),
    pid: record.process?.pid ?? 0,
    ...time("createTime", record.startedAt),
    ...time("updateTime", record.updatedAt),
  });
}

function times(record: { createdAt: number; updatedAt: number }): { createTime?: Timestamp; updateTime?: Timestamp } {
  return { ...time("createTime", record.createdAt), ...time("updateTime", record.updatedAt) };
}

/** 0 is no time at all. */
function time<K extends string>(key: K, epochMs: number): { [P in K]?: Timestamp } {
  return (epochMs === 0 ? {} : { [key]: timestampFromMs(epochMs) }) as { [P in K]?: Timestamp };
}
