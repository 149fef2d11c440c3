/** What `scaling` and `external_scaler_enabled` of an application mean together. */
import type { ApplicationConfig, EffectiveDeploymentConfig, LeaseFallback, ScalingOwner } from "./types.ts";

type App = Pick<ApplicationConfig, "scaling" | "external_scaler_enabled">;

/** Whether the scale webhook may set targets of the application's deployments. */
export function webhookOpen(app: App): boolean {
  return app.external_scaler_enabled === true || app.scaling?.owner === "external";
}

/** Who decides a deployment's number of replicas; without `scaling.owner` it follows from the other settings. */
export function scalingOwner(
  app: App,
  deployment: Pick<EffectiveDeploymentConfig, "autoscaling_config">,
): ScalingOwner {
  if (app.scaling?.owner !== undefined) return app.scaling.owner;
  if (app.external_scaler_enabled === true) return "external";
  return deployment.autoscaling_config ? "autoscaler" : "manual";
}

/** What becomes of a target when its lease ends. Default "hold". */
export function leaseFallback(app: App): LeaseFallback {
  return app.scaling?.lease_fallback ?? "hold";
}

/** What is configured of a deployment, and which of it by users. */
interface Configured {
  readonly config: EffectiveDeploymentConfig;
  readonly userConfigured: readonly string[];
}

/** The same without its shadow, which changes nothing else about the deployment. */
export function withoutShadow({ config, userConfigured }: Configured): Configured {
  const { autoscaling_shadow: _shadow, ...rest } = config;
  return { config: rest, userConfigured: userConfigured.filter((name) => name !== "autoscaling_shadow") };
}
