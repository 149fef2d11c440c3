/**
 * Config documents by the reference's field names, holding only the keys that were supplied:
 * an absent key means "what the code says", an explicit null is an override.
 */
export interface DeployConfig {
  proxy_location?: "Disabled" | "HeadOnly" | "EveryNode";
  http_options?: HttpOptions;
  grpc_options?: GrpcOptions;
  controller_options?: Record<string, unknown> | null;
  logging_config?: LoggingConfig | null;
  tracing_config?: Record<string, unknown> | null;
  applications: ApplicationConfig[];
  target_capacity?: number | null;
}

export interface ApplicationConfig {
  name?: string;
  route_prefix?: string | null;
  import_path: string;
  runtime_env?: Record<string, unknown>;
  deployments?: DeploymentOverride[];
  autoscaling_policy?: Record<string, unknown> | null;
  autoscaling_shadow?: Record<string, unknown> | null;
  args?: Record<string, unknown>;
  logging_config?: LoggingConfig | null;
  external_scaler_enabled?: boolean;
  scaling?: ScalingConfig;
}

/**
 * Who decides how many replicas run: the built-in autoscaler, the scale webhook (with what `autoscaling_config` says
 * as the fallback of leases), or people.
 */
export type ScalingOwner = "autoscaler" | "external" | "manual";

/**
 * What becomes of a target when its lease ends: it stays, it goes to the fewest replicas allowed, or to what the
 * autoscaler says (the configured count where there is none).
 */
export type LeaseFallback = "hold" | "floor" | "policy";

export interface ScalingConfig {
  owner?: ScalingOwner;
  lease_fallback?: LeaseFallback;
}

/** A number of replicas, or a percentage of them such as "25%". */
export type ReplicaAmount = number | `${number}%`;

/** How a deployment is updated; as given, by code or config. */
export interface RolloutConfig {
  max_surge?: ReplicaAmount;
  max_unavailable?: ReplicaAmount;
  auto_rollback?: boolean;
  progress_deadline_s?: number | null;
  canary?: CanaryStep[];
  canary_analysis?: Partial<CanaryAnalysis> | null;
  canary_sticky?: CanarySticky | null;
}

/** `weight`: percent of the requests, 1 to 99. `pause_s`: seconds until the next step; null or absent: until promoted. */
export interface CanaryStep {
  weight: number;
  pause_s?: number | null;
}

/** When a canary is aborted by itself, compared with the old revision. */
export interface CanaryAnalysis {
  min_requests: number;
  /** 0 to 1, absolute. */
  max_error_rate_increase: number;
  /** Above 1; null: latency is not looked at. */
  max_latency_ratio: number | null;
  /** 0.5 to 0.99. */
  latency_quantile: number;
}

export interface CanarySticky {
  header: string;
}

/** {@link RolloutConfig} with defaults; an absent limit is what the reference's fields say (see rolloutLimits). */
export interface EffectiveRollout {
  max_surge?: ReplicaAmount;
  max_unavailable?: ReplicaAmount;
  auto_rollback: boolean;
  progress_deadline_s: number | null;
  /** Empty: no canary. */
  canary: { weight: number; pause_s: number | null }[];
  canary_analysis: CanaryAnalysis | null;
  /** The header's name in lower case. */
  canary_sticky: CanarySticky | null;
}

/** What a config says about one deployment; also the shape of options set in code (without `name`). */
export interface DeploymentOverride {
  name: string;
  num_replicas?: number | "auto" | null;
  max_ongoing_requests?: number;
  max_queued_requests?: number;
  backpressure_config?: Partial<BackpressureConfig>;
  user_config?: unknown;
  autoscaling_config?: Record<string, unknown> | null;
  autoscaling_shadow?: Record<string, unknown> | null;
  graceful_shutdown_wait_loop_s?: number;
  graceful_shutdown_timeout_s?: number;
  health_check_period_s?: number;
  health_check_timeout_s?: number;
  ray_actor_options?: Record<string, unknown>;
  placement_group_bundles?: Record<string, number>[];
  placement_group_strategy?: string;
  placement_group_bundle_label_selector?: Record<string, string>[];
  max_replicas_per_node?: number;
  logging_config?: LoggingConfig | null;
  request_router_config?: Record<string, unknown>;
  gang_scheduling_config?: Record<string, unknown> | null;
  deployment_actors?: Record<string, unknown>[] | null;
  rolling_update_percentage?: number;
  max_surge_percent?: number;
  rollout?: RolloutConfig | null;
  request_timeout_s?: number | null;
  cold_start_timeout_s?: number | null;
  client_priorities?: boolean;
  command?: string[];
  readiness_path?: string;
  readiness_timeout_s?: number;
  env?: Record<string, string>;
  working_dir?: string;
  ingress?: boolean;
}

export interface BackpressureConfig {
  status_code: 503 | 429;
  retry_after_s: number | null;
}

export interface LoggingConfig {
  encoding?: "TEXT" | "JSON";
  log_level?: string;
  logs_dir?: string | null;
  enable_access_log?: boolean;
  additional_log_standard_attrs?: string[];
}

/** A logging config with its defaults, as processes are told it (windlass.runtime.v1.LoggingSettings). */
export interface LoggingInForce {
  readonly encoding: string;
  readonly logLevel: string;
  /** Empty: none. */
  readonly logsDir: string;
  readonly enableAccessLog: boolean;
  readonly additionalLogStandardAttrs: string[];
}

export interface HttpOptions {
  host?: string;
  port?: number;
  root_path?: string;
  request_timeout_s?: number | null;
  keep_alive_timeout_s?: number;
  ssl_keyfile?: string | null;
  ssl_certfile?: string | null;
  ssl_keyfile_password?: string | null;
  ssl_ca_certs?: string | null;
}

export interface GrpcOptions {
  port?: number;
  grpc_servicer_functions?: string[];
  request_timeout_s?: number | null;
  enable_reflection?: boolean;
}

/** All 16 fields of an autoscaling config, defaults filled in. */
export interface AutoscalingConfig {
  min_replicas: number;
  initial_replicas: number | null;
  max_replicas: number;
  target_ongoing_requests: number | null;
  metrics_interval_s: number;
  look_back_period_s: number;
  smoothing_factor: number;
  upscale_smoothing_factor: number | null;
  downscale_smoothing_factor: number | null;
  upscaling_factor: number | null;
  downscaling_factor: number | null;
  upscale_delay_s: number;
  downscale_delay_s: number;
  downscale_to_zero_delay_s: number | null;
  aggregation_function: "mean" | "max" | "min";
  policy: { policy_function: string; policy_kwargs: Record<string, unknown> };
}

/** The import path that stands for "its deployments are commands"; an application without one gets it. */
export const COMMAND_IMPORT_PATH = "windlass:command";

/** The settings of a deployment in force: code, override and defaults merged. */
export interface EffectiveDeploymentConfig {
  name: string;
  /** Exactly one of `num_replicas` and `autoscaling_config` is set. */
  num_replicas?: number;
  autoscaling_config?: AutoscalingConfig;
  /** Decided by and recorded, never followed; absent: there is none. */
  autoscaling_shadow?: AutoscalingConfig;
  max_ongoing_requests: number;
  max_queued_requests: number;
  backpressure_config: BackpressureConfig;
  user_config: unknown;
  graceful_shutdown_wait_loop_s: number;
  graceful_shutdown_timeout_s: number;
  health_check_period_s: number;
  health_check_timeout_s: number;
  ray_actor_options: Record<string, unknown>;
  request_router_config: Record<string, unknown>;
  rolling_update_percentage: number;
  max_surge_percent: number;
  max_constructor_retry_count: number;
  logging_config?: LoggingConfig | null;
  gang_scheduling_config?: Record<string, unknown>;
  deployment_actors?: Record<string, unknown>[];
  max_replicas_per_node?: number;
  placement_group_bundles?: Record<string, number>[];
  placement_group_strategy?: string;
  placement_group_bundle_label_selector?: Record<string, string>[];
  /** Absent where neither code nor config have one. */
  rollout?: EffectiveRollout;
  /** Seconds a request may take; null: no limit; absent: as the instance says. */
  request_timeout_s?: number | null;
  /** Seconds a request may wait for a replica while none serves; null: no limit; absent: the default (defaults.ts). */
  cold_start_timeout_s?: number | null;
  /** Whether clients may ask for more than the normal priority; absent: no. */
  client_priorities?: boolean;
  /** A program that serves HTTP, instead of code; the fields below belong to it. */
  command?: string[];
  readiness_path?: string;
  readiness_timeout_s?: number;
  env?: Record<string, string>;
  working_dir?: string;
  ingress?: boolean;
}
