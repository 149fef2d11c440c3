/** What a routing table says of how a deployment's replicas are chosen. */
import { REQUEST_ROUTER_DEFAULTS } from "../config/defaults.ts";
import { builtInRouter, POWER_OF_TWO_ROUTER } from "../config/request-router.ts";
import type { EffectiveDeploymentConfig } from "../config/types.ts";
import { routerVersion } from "../core/router-faults.ts";
import type { RequestRoutingData } from "./controller.ts";
import type { DeploymentRecord, DeploymentVersion } from "./records.ts";

/** Absent where all is as it is by default. `version`: what was built of the deployment. */
export function requestRouting(
  config: Pick<EffectiveDeploymentConfig, "request_router_config">,
  version: Pick<DeploymentVersion, "requestRouter">,
): RequestRoutingData | undefined {
  // The fields of the defaults are there, as the config is merged with them.
  const settings = { ...REQUEST_ROUTER_DEFAULTS, ...config.request_router_config } as typeof REQUEST_ROUTER_DEFAULTS;
  const { initial_backoff_s, backoff_multiplier, max_backoff_s } = settings;
  const builtIn = builtInRouter(settings.request_router_class);
  const { bundlePath = "", exportName = "" } = version.requestRouter ?? {};
  // What an earlier Windlass accepted was never built.
  const chosen = builtIn ?? (bundlePath === "" ? POWER_OF_TWO_ROUTER : settings.request_router_class);
  const router = chosen === POWER_OF_TWO_ROUTER ? "" : chosen;
  const { initial_backoff_s: first, backoff_multiplier: factor, max_backoff_s: most } = REQUEST_ROUTER_DEFAULTS;
  const usual = initial_backoff_s === first && backoff_multiplier === factor && max_backoff_s === most;
  if (router === "" && usual) return undefined;
  const kwargs = settings.request_router_kwargs;
  return {
    router,
    kwargsJson: router === "" || Object.keys(kwargs).length === 0 ? "" : JSON.stringify(kwargs),
    bundlePath: builtIn === undefined ? bundlePath : "",
    exportName: builtIn === undefined ? exportName : "",
    initialBackoffS: initial_backoff_s,
    backoffMultiplier: backoff_multiplier,
    maxBackoffS: max_backoff_s,
  };
}

/** The version of the user's request router that tables name for a deployment; undefined: they name none. */
export function routerVersionOf({ config, version, stable }: DeploymentRecord): string | undefined {
  const routing = requestRouting(stable?.config ?? config, stable?.version ?? version);
  return routing?.bundlePath ? routerVersion(routing.bundlePath, routing.kwargsJson) : undefined;
}
