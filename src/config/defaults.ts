/** Every default of the config in one place. Durations are seconds where the name ends in `_s`. */
import type {
  AutoscalingConfig,
  BackpressureConfig,
  CanaryAnalysis,
  EffectiveDeploymentConfig,
  EffectiveRollout,
  GrpcOptions,
  HttpOptions,
  LoggingConfig,
} from "./types.ts";

/** Names the built-in request-count policy; the reference's own name, so that its clients can read our answers. */
export const DEFAULT_POLICY_FUNCTION = "ray.serve.autoscaling_policy:default_autoscaling_policy";

/** Names the built-in replica choice (power of two choices); the reference's own name. */
export const DEFAULT_REQUEST_ROUTER = "ray.serve._private.request_router:PowerOfTwoChoicesRequestRouter";

/** Name of an application whose config gives none. */
export const DEFAULT_APPLICATION_NAME = "default";

/** Route prefix of an application whose config gives none. */
export const DEFAULT_ROUTE_PREFIX = "/";

/** Where proxies run unless the config says. */
export const DEFAULT_PROXY_LOCATION = "EveryNode";

/** How HTTP proxies listen unless the config says. */
export const HTTP_DEFAULTS: Readonly<Required<HttpOptions>> = {
  host: "0.0.0.0",
  port: 8000,
  root_path: "",
  request_timeout_s: null,
  keep_alive_timeout_s: 90,
  ssl_keyfile: null,
  ssl_certfile: null,
  ssl_keyfile_password: null,
  ssl_ca_certs: null,
};

/** How gRPC proxies listen unless the config says. */
export const GRPC_DEFAULTS: Readonly<Required<GrpcOptions>> = {
  port: 9000,
  grpc_servicer_functions: [],
  request_timeout_s: null,
  enable_reflection: true,
};

/** What components log unless the config says. */
export const LOGGING_DEFAULTS: Readonly<Required<LoggingConfig>> = {
  encoding: "TEXT",
  log_level: "INFO",
  logs_dir: null,
  enable_access_log: true,
  additional_log_standard_attrs: [],
};

/** What callers get when a queue is full unless the config says. */
export const BACKPRESSURE_DEFAULTS: Readonly<BackpressureConfig> = { status_code: 503, retry_after_s: null };

/** How callers choose a replica unless the config says. */
export const REQUEST_ROUTER_DEFAULTS = {
  request_router_class: DEFAULT_REQUEST_ROUTER,
  request_router_kwargs: {} as Record<string, unknown>,
  request_routing_stats_period_s: 10,
  request_routing_stats_timeout_s: 30,
  initial_backoff_s: 0.025,
  backoff_multiplier: 2,
  max_backoff_s: 0.5,
} as const;

/** An autoscaling config of which nothing is set. */
export const AUTOSCALING_DEFAULTS: Readonly<AutoscalingConfig> = {
  min_replicas: 1,
  initial_replicas: null,
  max_replicas: 1,
  target_ongoing_requests: 2,
  metrics_interval_s: 10,
  look_back_period_s: 30,
  smoothing_factor: 1,
  upscale_smoothing_factor: null,
  downscale_smoothing_factor: null,
  upscaling_factor: null,
  downscaling_factor: null,
  downscale_delay_s: 600,
  downscale_to_zero_delay_s: null,
  upscale_delay_s: 30,
  aggregation_function: "mean",
  policy: { policy_function: DEFAULT_POLICY_FUNCTION, policy_kwargs: {} },
};

/** What `num_replicas: "auto"` sets before the autoscaling config beside it. */
export const AUTO_REPLICAS_BASE = { min_replicas: 1, max_replicas: 100, target_ongoing_requests: 2 } as const;

/** Replicas of a deployment for which neither code nor config say. */
export const DEFAULT_NUM_REPLICAS = 1;

/** A gang scheduling config of which only the size is set. */
export const GANG_DEFAULTS = { gang_placement_strategy: "PACK", runtime_failure_policy: "RESTART_GANG" } as const;

/** The settings of a deployment for which neither code nor config say anything. */
export const DEPLOYMENT_DEFAULTS: Readonly<
  Omit<EffectiveDeploymentConfig, "name" | "num_replicas" | "autoscaling_config">
> = {
  max_ongoing_requests: 5,
  max_queued_requests: -1,
  backpressure_config: BACKPRESSURE_DEFAULTS,
  user_config: null,
  graceful_shutdown_wait_loop_s: 2,
  graceful_shutdown_timeout_s: 20,
  health_check_period_s: 10,
  health_check_timeout_s: 30,
  ray_actor_options: { num_cpus: 1 },
  request_router_config: REQUEST_ROUTER_DEFAULTS,
  rolling_update_percentage: 0.2,
  max_surge_percent: 0,
  max_constructor_retry_count: 20,
};

/** Seconds a request may wait for a replica while none serves, unless the config says. */
export const DEFAULT_COLD_START_TIMEOUT_S = 300;

/** How a deployment with `rollout` is updated unless it says. */
export const ROLLOUT_DEFAULTS: Readonly<Pick<EffectiveRollout, "auto_rollback" | "progress_deadline_s">> = {
  auto_rollback: false,
  progress_deadline_s: null,
};

/** When a canary is aborted unless the config says. */
export const ANALYSIS_DEFAULTS: Readonly<CanaryAnalysis> = {
  min_requests: 100,
  max_error_rate_increase: 0.01,
  max_latency_ratio: 2,
  latency_quantile: 0.95,
};

/** Of deployments that are commands. */
export const COMMAND_DEFAULTS = { readiness_path: "/", readiness_timeout_s: 60 } as const;
