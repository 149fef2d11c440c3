/** Which intervals follow from an autoscaling config. */

/** A handle's reports are kept at least so long, in seconds, whatever the metrics interval. */
export const MIN_HANDLE_TIMEOUT_S = 10;

/** Samples a look-back period holds at least. */
const SAMPLES_A_LOOK_BACK = 0.2;

interface Periods {
  readonly metrics_interval_s: number;
  readonly look_back_period_s: number;
}

/** Seconds between two samples at a proxy, handle or replica; by default 6. */
export function samplingIntervalS(config: Periods): number {
  return Math.min(config.look_back_period_s * SAMPLES_A_LOOK_BACK, config.metrics_interval_s);
}

/** Seconds without an accepted report after which a handle's data is dropped; by default 20. */
export function handleTimeoutS(metricsIntervalS: number): number {
  return Math.max(2 * metricsIntervalS, MIN_HANDLE_TIMEOUT_S);
}
