/** What an autoscaling config comes to in numbers, worked out when a deployment is registered. */
import { effectiveFactors, replicaBounds } from "../config/effective.ts";
import type { CapacityDirection } from "../config/target-capacity.ts";
import type { AutoscalingConfig } from "../config/types.ts";
import type { AggregationFunction } from "./aggregate.ts";

/** The numbers that decisions of one deployment follow. */
export interface ScalingRules {
  /** Ongoing requests a replica should have; null makes the built-in policy fail. */
  readonly targetOngoingRequests: number | null;
  readonly aggregation: AggregationFunction;
  readonly upFactor: number;
  readonly downFactor: number;
  readonly upDelayS: number;
  readonly downDelayS: number;
  /** For the step from one replica to none. */
  readonly toZeroDelayS: number;
  /** Bounds in force, at the present target capacity. */
  readonly lower: number;
  readonly upper: number;
  /** Whether the config itself, whatever the capacity, allows no replicas. */
  readonly mayBeZero: boolean;
  /** Replicas come in multiples of it; 1 without gang scheduling. */
  readonly gangSize: number;
}

/** `capacity` in percent (null is 100) and its direction are the instance's; `gangSize` is 1 without gangs. */
export function scalingRules(
  config: AutoscalingConfig,
  capacity: number | null = null,
  direction: CapacityDirection = null,
  gangSize = 1,
): ScalingRules {
  const { up, down } = effectiveFactors(config);
  const { lower, upper } = replicaBounds(config, capacity, direction);
  return {
    targetOngoingRequests: config.target_ongoing_requests,
    aggregation: config.aggregation_function,
    upFactor: up,
    downFactor: down,
    upDelayS: config.upscale_delay_s,
    downDelayS: config.downscale_delay_s,
    toZeroDelayS: config.downscale_to_zero_delay_s ?? config.downscale_delay_s,
    lower,
    upper,
    mayBeZero: config.min_replicas === 0,
    gangSize,
  };
}

/** `replicas` within the bounds; the lower one wins if they cross. */
export function withinBounds(rules: Pick<ScalingRules, "lower" | "upper">, replicas: number): number {
  return Math.max(rules.lower, Math.min(rules.upper, replicas));
}
