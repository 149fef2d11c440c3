import { samplingIntervalS } from "../autoscaling/intervals.ts";
import type { EffectiveDeploymentConfig } from "../config/types.ts";

/** How routers and replicas measure the load of a deployment; windlass.runtime.v1.LoadSampling as numbers. Seconds. */
export interface LoadSampling {
  readonly sampleIntervalS: number;
  readonly pushIntervalS: number;
  readonly lookBackS: number;
}

/** Nothing is measured or told more often: decisions are not made more often either. */
const MIN_INTERVAL_S = 0.1;

/**
 * What follows from a deployment's autoscaling config, else from its shadow; undefined without both. Beside an
 * autoscaling config the shadow has no say in it: longer windows would change what is decided in earnest.
 */
export function loadSampling({
  autoscaling_config,
  autoscaling_shadow,
}: Pick<EffectiveDeploymentConfig, "autoscaling_config" | "autoscaling_shadow">): LoadSampling | undefined {
  const config = autoscaling_config ?? autoscaling_shadow;
  if (!config) return undefined;
  return {
    sampleIntervalS: Math.max(MIN_INTERVAL_S, samplingIntervalS(config)),
    pushIntervalS: Math.max(MIN_INTERVAL_S, config.metrics_interval_s),
    lookBackS: config.look_back_period_s,
  };
}
