import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Application, Application_StateSchema } from "../../gen/windlass/v1/application_pb.ts";
import {
  type Deployment,
  Deployment_StateSchema,
  Deployment_StateTriggerSchema,
  Replica_StateSchema,
} from "../../gen/windlass/v1/deployment_pb.ts";
import { Instance_State, Instance_StateSchema, Proxy_StateSchema } from "../../gen/windlass/v1/instance_pb.ts";
import type { GetInstanceResponse } from "../../gen/windlass/v1/instance_service_pb.ts";
import { parseName } from "../core/names.ts";

/** How an instance is; nothing is in it where there is none. */
export interface InstanceStatus {
  /** ABSENT, RUNNING or ENDING. */
  readonly state: string;
  /** "http://127.0.0.1:8000"; empty without proxies. */
  readonly httpAddress: string;
  /** STARTING, HEALTHY, UNHEALTHY or DRAINING, by the proxy's id. */
  readonly proxies: Readonly<Record<string, string>>;
  /** Percent applied to replica counts; null: 100. */
  readonly targetCapacity: number | null;
  readonly applications: Readonly<Record<string, ApplicationStatus>>;
}

/** How an application is. */
export interface ApplicationStatus {
  /** NOT_STARTED, DEPLOYING, DEPLOY_FAILED, RUNNING, UNHEALTHY or DELETING. */
  readonly status: string;
  /** One line for a person. */
  readonly message: string;
  readonly lastDeployedAt: Date | null;
  readonly deployments: Readonly<Record<string, DeploymentStatus>>;
}

/** How a deployment is. */
export interface DeploymentStatus {
  /** UPDATING, HEALTHY, UNHEALTHY, DEPLOY_FAILED, UPSCALING or DOWNSCALING. */
  readonly status: string;
  /** What brought it there, CONFIG_UPDATE_COMPLETED, say. */
  readonly statusTrigger: string;
  readonly message: string;
  readonly targetReplicas: number;
  /** How many replicas are in each state, RUNNING, say; states without any are left out. */
  readonly replicaStates: Readonly<Record<string, number>>;
}

interface States {
  readonly value: Readonly<Record<number, { readonly localName: string } | undefined>>;
}

/** The status by names, from the API's answer. Pure. */
export function statusOf({ instance, applications, deployments }: GetInstanceResponse): InstanceStatus {
  const state = instance?.state ?? Instance_State.ABSENT;
  return {
    state: label(Instance_StateSchema, state),
    httpAddress: instance?.httpAddress ?? "",
    proxies: Object.fromEntries(
      (instance?.proxies ?? []).map((proxy) => [proxy.id, label(Proxy_StateSchema, proxy.state)]),
    ),
    targetCapacity: instance?.targetCapacity ?? null,
    applications: Object.fromEntries(
      applications.map((application) => [
        parseName(application.name)?.application ?? application.name,
        ofApplication(application, deployments),
      ]),
    ),
  };
}

function ofApplication(application: Application, deployments: readonly Deployment[]): ApplicationStatus {
  const { name, state, message, lastDeployTime } = application;
  const own = deployments.filter((deployment) => deployment.name.startsWith(`${name}/`));
  return {
    status: label(Application_StateSchema, state),
    message,
    lastDeployedAt: lastDeployTime === undefined ? null : timestampDate(lastDeployTime),
    deployments: Object.fromEntries(
      own.map((each) => [parseName(each.name)?.deployment ?? each.name, ofDeployment(each)]),
    ),
  };
}

function ofDeployment(deployment: Deployment): DeploymentStatus {
  const { state, stateTrigger, message, targetNumReplicas, replicaCounts } = deployment;
  return {
    status: label(Deployment_StateSchema, state),
    statusTrigger: label(Deployment_StateTriggerSchema, stateTrigger),
    message,
    targetReplicas: targetNumReplicas,
    replicaStates: Object.fromEntries(
      replicaCounts.map((each) => [label(Replica_StateSchema, each.state), each.count]),
    ),
  };
}

function label(states: States, value: number): string {
  return states.value[value]?.localName ?? `UNKNOWN_${value}`;
}
