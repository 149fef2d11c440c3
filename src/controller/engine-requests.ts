import { COMMAND_DEFAULTS, REQUEST_ROUTER_DEFAULTS } from "../config/defaults.ts";
import { loggingInForce } from "../config/logging.ts";
import { replicaEnv } from "../config/runtime-env.ts";
import type { Engine, StartRequest } from "../engine/engine.ts";
import { sameVersion } from "./canary-rollout.ts";
import { configOf, type DeploymentAction } from "./deployment-state.ts";
import { loadSampling } from "./load-sampling.ts";
import type { ReplicaRecord } from "./records.ts";
import { keys } from "./records.ts";
import type { World } from "./world.ts";

/** Performs what a deployment's step decided; a replica whose application is gone is only killed. */
export function performDeploymentAction(
  engine: Engine,
  world: World,
  action: DeploymentAction | { readonly kind: "adopt"; readonly replica: ReplicaRecord },
): void {
  switch (action.kind) {
    case "stop":
      engine.stop(action.id, action.timeoutMs);
      return;
    case "kill":
      engine.kill(action.id);
      return;
    case "start":
    case "adopt":
    case "reconfigure": {
      const request = startRequest(world, action.replica);
      if (!request) engine.kill(action.replica.id);
      else if (action.kind === "start") engine.start(request);
      else if (action.kind === "adopt") engine.adopt(action.replica, request);
      else if (action.replica.state.kind === "updating") {
        engine.reconfigure(action.replica.id, action.replica.state.to, request.settings);
      }
    }
  }
}

function startRequest(world: World, replica: ReplicaRecord): StartRequest | undefined {
  const application = world.applications.get(replica.application);
  const deployment = world.deployments.get(keys.deployment(replica.application, replica.deployment));
  if (!application || !deployment) return undefined;
  const config = configOf(deployment, replica.version);
  // A stable replica is started with what its own revision says, while a canary's config is in force.
  const stable =
    deployment.stable && application.canary && sameVersion(replica.version, deployment.stable.version)
      ? world.revisions.get(application.name)?.find(({ number }) => number === application.canary!.stable)
      : undefined;
  const { config: applicationConfig, baseDir } = stable ?? application;
  const sampling = loadSampling(config);
  return {
    id: replica.id,
    application: replica.application,
    deployment: replica.deployment,
    version: replica.version,
    settings: {
      userConfig: config.user_config,
      maxOngoingRequests: config.max_ongoing_requests,
      gracefulShutdownWaitLoopS: config.graceful_shutdown_wait_loop_s,
      logging: loggingInForce(config.logging_config),
      ...(sampling === undefined ? {} : { loadSampling: sampling }),
      ...statsPeriod(config.request_router_config),
    },
    args: applicationConfig.args ?? {},
    env: { ...replicaEnv(config.ray_actor_options), ...gpuEnv(replica) },
    baseDir: replica.version.workingDir ?? baseDir,
    dataSocket: replica.dataSocket,
    controlSocket: replica.controlSocket,
    revision: stable?.number ?? application.revision ?? 0,
    routePrefix: deployment.ingress ? (application.routePrefix ?? "") : "",
    command: config.command
      ? {
          argv: config.command,
          env: config.env ?? {},
          workingDir: config.working_dir ?? ".",
          readinessPath: config.readiness_path ?? COMMAND_DEFAULTS.readiness_path,
          readinessTimeoutS: config.readiness_timeout_s ?? COMMAND_DEFAULTS.readiness_timeout_s,
        }
      : null,
  };
}

/** Its own GPUs are all that a replica sees; one without any sees what `start` sees. */
function gpuEnv({ gpus = [] }: ReplicaRecord): Record<string, string> {
  return gpus.length === 0 ? {} : { CUDA_VISIBLE_DEVICES: gpus.join(",") };
}

/** How often replicas are asked what request routers are to know; nothing where that is as by default. */
function statsPeriod(router: Readonly<Record<string, unknown>>): Pick<StartRequest["settings"], "routingStats"> {
  const { request_routing_stats_period_s: period, request_routing_stats_timeout_s: timeout } = REQUEST_ROUTER_DEFAULTS;
  const { request_routing_stats_period_s: periodS = period, request_routing_stats_timeout_s: timeoutS = timeout } =
    router;
  if (periodS === period && timeoutS === timeout) return {};
  return { routingStats: { periodS: Number(periodS), timeoutS: Number(timeoutS) } };
}
