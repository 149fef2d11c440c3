/** Options of a deployment as application authors write them; every one may be overridden by the config file. */
export interface DeploymentOptions {
  /** Unique within the application, without "#". Default: the name of the class or function. */
  name?: string;
  /** Number of replicas, at least 1, or "auto" for autoscaling with at most 100. Default 1. */
  numReplicas?: number | "auto" | null;
  /** Requests one replica works on at once. Default 5. */
  maxOngoingRequests?: number;
  /** Requests that may wait at one caller; -1 is no limit. Default -1. */
  maxQueuedRequests?: number;
  /** Answer of a refused request. Default 503 without `retry-after`. */
  backpressureConfig?: { statusCode?: 503 | 429; retryAfterS?: number | null };
  /** Any JSON; passed to the class's `reconfigure`, at start and when it changes. */
  userConfig?: unknown;
  /** Scales between two bounds by load. */
  autoscalingConfig?: AutoscalingOptions | null;
  /** Is decided by and recorded, beside whatever sets the number of replicas, and never followed. */
  autoscalingShadow?: AutoscalingOptions | null;
  /** Seconds between two looks at a draining replica. Default 2. */
  gracefulShutdownWaitLoopS?: number;
  /** Seconds a replica has to finish its requests before it is killed. Default 20. */
  gracefulShutdownTimeoutS?: number;
  /** Seconds between two health checks. Default 10. */
  healthCheckPeriodS?: number;
  /** Seconds a health check may take. Default 30. */
  healthCheckTimeoutS?: number;
  /** What one replica needs. Default: one CPU. */
  rayActorOptions?: ActorOptions;
  placementGroupBundles?: Record<string, number>[];
  placementGroupStrategy?: "PACK" | "SPREAD" | "STRICT_PACK" | "STRICT_SPREAD";
  placementGroupBundleLabelSelector?: Record<string, string>[];
  /** 1 to 100. Default: no limit. */
  maxReplicasPerNode?: number;
  loggingConfig?: LoggingOptions | null;
  requestRouterConfig?: Record<string, unknown>;
  gangSchedulingConfig?: Record<string, unknown> | null;
  deploymentActors?: Record<string, unknown>[] | null;
  /** Share of replicas replaced at once, above 0 and at most 1. Default 0.2. */
  rollingUpdatePercentage?: number;
  /** Percent of replicas started before old ones stop. Default 0. */
  maxSurgePercent?: number;
  /** How updates go, and how a new revision is tried first. */
  rollout?: RolloutOptions | null;
  /** Seconds a request may take; null is no limit. Default: the instance's. */
  requestTimeoutS?: number | null;
  /** Seconds a request may wait while no replica serves; null is no limit. Default 300. */
  coldStartTimeoutS?: number | null;
  /** Whether clients may ask for more than the normal priority (`x-windlass-priority`). Default false. */
  clientPriorities?: boolean;
  /** Failed starts in a row before the deployment is given up. Default 20. */
  maxConstructorRetryCount?: number;
}

/** See {@link DeploymentOptions.rayActorOptions}. */
export interface ActorOptions {
  numCpus?: number;
  numGpus?: number;
  /** Bytes. */
  memory?: number;
  resources?: Record<string, number>;
  runtimeEnv?: Record<string, unknown>;
  acceleratorType?: string;
  labelSelector?: Record<string, string>;
  fallbackStrategy?: Record<string, unknown>[];
}

/** See {@link DeploymentOptions.autoscalingConfig}. */
export interface AutoscalingOptions {
  /** Default 1; 0 scales to zero. */
  minReplicas?: number;
  initialReplicas?: number | null;
  /** Default 1. */
  maxReplicas?: number;
  /** Ongoing requests a replica should have. Default 2. */
  targetOngoingRequests?: number | null;
  /** Default 10. */
  metricsIntervalS?: number;
  /** Default 30. */
  lookBackPeriodS?: number;
  /** Default 1. */
  smoothingFactor?: number;
  upscaleSmoothingFactor?: number | null;
  downscaleSmoothingFactor?: number | null;
  upscalingFactor?: number | null;
  downscalingFactor?: number | null;
  /** Default 30. */
  upscaleDelayS?: number;
  /** Default 600. */
  downscaleDelayS?: number;
  downscaleToZeroDelayS?: number | null;
  /** Default "mean". */
  aggregationFunction?: "mean" | "max" | "min";
  policy?: { policyFunction?: string; policyKwargs?: Record<string, unknown> };
}

/** See {@link DeploymentOptions.rollout}. */
export interface RolloutOptions {
  /** Replicas, or percent of them, above the target while updating; instead of maxSurgePercent. */
  maxSurge?: number | `${number}%`;
  /** Replicas, or percent of them, missing while updating; instead of rollingUpdatePercentage. */
  maxUnavailable?: number | `${number}%`;
  /** Goes back to the last revision that ran when an update fails. Default false. */
  autoRollback?: boolean;
  /** Seconds an update may go without progress. Default null: no limit. */
  progressDeadlineS?: number | null;
  /** Rising percents of the requests for a new revision; `pauseS` null waits for a promotion. Default: none. */
  canary?: { weight: number; pauseS?: number | null }[];
  /** When a canary is aborted by itself; null is never. */
  canaryAnalysis?: {
    /** Default 100. */
    minRequests?: number;
    /** 0 to 1. Default 0.01. */
    maxErrorRateIncrease?: number;
    /** Above 1. Default 2; null does not look at latency. */
    maxLatencyRatio?: number | null;
    /** 0.5 to 0.99. Default 0.95. */
    latencyQuantile?: number;
  } | null;
  /** Header whose value keeps a caller on one revision. Default null: none. */
  canarySticky?: { header: string } | null;
}

/** See {@link DeploymentOptions.loggingConfig}. */
export interface LoggingOptions {
  encoding?: "TEXT" | "JSON";
  logLevel?: string;
  logsDir?: string | null;
  enableAccessLog?: boolean;
  additionalLogStandardAttrs?: string[];
}

/** Options by the reference's field names, only those that were supplied. */
export type StoredOptions = Readonly<Record<string, unknown>>;

/** Field names of a nested object; `true`: any JSON beneath, names untouched. */
type Fields = { readonly [field: string]: true | Fields };

const any = (...names: string[]): Fields => Object.fromEntries(names.map((name) => [name, true as const]));

const AUTOSCALING: Fields = {
  ...any("min_replicas", "initial_replicas", "max_replicas", "target_ongoing_requests", "metrics_interval_s"),
  ...any("look_back_period_s", "smoothing_factor", "upscale_smoothing_factor", "downscale_smoothing_factor"),
  ...any("upscaling_factor", "downscaling_factor", "upscale_delay_s", "downscale_delay_s"),
  ...any("downscale_to_zero_delay_s", "aggregation_function"),
  policy: any("policy_function", "policy_kwargs"),
};

const FIELDS: Fields = {
  ...any("name", "num_replicas", "max_ongoing_requests", "max_queued_requests", "user_config"),
  ...any("graceful_shutdown_wait_loop_s", "graceful_shutdown_timeout_s"),
  ...any("health_check_period_s", "health_check_timeout_s", "max_replicas_per_node", "max_constructor_retry_count"),
  ...any("placement_group_bundles", "placement_group_strategy", "placement_group_bundle_label_selector"),
  ...any("rolling_update_percentage", "max_surge_percent", "request_timeout_s", "cold_start_timeout_s"),
  ...any("client_priorities"),
  rollout: {
    ...any("max_surge", "max_unavailable", "auto_rollback", "progress_deadline_s"),
    canary: any("weight", "pause_s"),
    canary_analysis: any("min_requests", "max_error_rate_increase", "max_latency_ratio", "latency_quantile"),
    canary_sticky: any("header"),
  },
  backpressure_config: any("status_code", "retry_after_s"),
  autoscaling_config: AUTOSCALING,
  autoscaling_shadow: AUTOSCALING,
  ray_actor_options: {
    ...any("num_cpus", "num_gpus", "memory", "resources", "runtime_env", "accelerator_type"),
    ...any("label_selector", "fallback_strategy"),
  },
  logging_config: any("encoding", "log_level", "logs_dir", "enable_access_log", "additional_log_standard_attrs"),
  request_router_config: {
    ...any("request_router_class", "request_router_kwargs", "request_routing_stats_period_s"),
    ...any("request_routing_stats_timeout_s", "initial_backoff_s", "backoff_multiplier", "max_backoff_s"),
  },
  gang_scheduling_config: any("gang_size", "gang_placement_strategy", "runtime_failure_policy"),
  deployment_actors: any("name", "actor_class", "init_args", "init_kwargs", "actor_options"),
};

/**
 * Checks names and JSON-ness and turns them into the reference's names. What the values may be is checked where the
 * application is deployed. Throws a one-line TypeError.
 */
export function toStoredOptions(options: unknown): StoredOptions {
  if (options === undefined || options === null) return {};
  if (typeof options !== "object" || Array.isArray(options)) {
    throw new TypeError(`deployment options must be an object, not ${describe(options)}`);
  }
  const stored = convert(options as Record<string, unknown>, FIELDS, "") as Record<string, unknown>;
  checkRules(stored);
  return stored;
}

/** `later` over `earlier`; a fixed count and autoscaling replace each other. */
export function mergeOptions(earlier: StoredOptions, later: StoredOptions): StoredOptions {
  const merged: Record<string, unknown> = { ...earlier, ...later };
  const setsAutoscaling = later.autoscaling_config !== undefined && later.autoscaling_config !== null;
  if (setsAutoscaling && later.num_replicas === undefined && typeof merged.num_replicas === "number") {
    delete merged.num_replicas;
  }
  if (typeof later.num_replicas === "number" && later.autoscaling_config === undefined)
    delete merged.autoscaling_config;
  return merged;
}

function checkRules(stored: Record<string, unknown>): void {
  const { name, num_replicas: replicas } = stored;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw new TypeError(`name must be a non-empty string, not ${describe(name)}`);
  }
  if (typeof name === "string" && name.includes("#"))
    throw new TypeError(`name ${JSON.stringify(name)} must not contain "#"`);
  if (typeof replicas === "number" && (!Number.isInteger(replicas) || replicas < 1)) {
    throw new TypeError(`numReplicas must be an integer of at least 1, or "auto", not ${replicas}`);
  }
  if (typeof replicas === "number" && stored.autoscaling_config !== undefined && stored.autoscaling_config !== null) {
    throw new TypeError(`numReplicas ${replicas} and autoscalingConfig exclude each other: leave one out`);
  }
  if (stored.max_ongoing_requests === null) throw new TypeError("maxOngoingRequests must be a number, not null");
}

function convert(value: unknown, fields: true | Fields, path: string): unknown {
  if (fields === true) {
    checkJson(value, path);
    return value;
  }
  if (Array.isArray(value)) return value.map((item, index) => convert(item, fields, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) {
    checkJson(value, path);
    return value;
  }
  const converted: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = key in fields ? key : snakeCase(key);
    const next = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (next === undefined) throw new TypeError(unknownOption(path === "" ? key : `${path}.${key}`, key, fields));
    if (item !== undefined) converted[name] = convert(item, next, path === "" ? key : `${path}.${key}`);
  }
  return converted;
}

function unknownOption(path: string, key: string, fields: Fields): string {
  const near = suggest(snakeCase(key), Object.keys(fields));
  return `unknown deployment option "${path}"${near === undefined ? "" : `: did you mean "${camelCase(near)}"?`}`;
}

function checkJson(value: unknown, path: string, above: readonly unknown[] = []): void {
  if (value === undefined || value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (typeof value === "object" && !above.includes(value)) {
    const prototype = Object.getPrototypeOf(value);
    if (Array.isArray(value) || prototype === Object.prototype || prototype === null) {
      const below = [...above, value];
      for (const [key, item] of Object.entries(value)) {
        checkJson(item, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, below);
      }
      return;
    }
  }
  throw new TypeError(
    `deployment option "${path}" must be JSON, not ${above.includes(value) ? "a cycle" : describe(value)}`,
  );
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return `a ${value.constructor?.name ?? "object"}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "symbol" ? "a symbol" : String(value);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** The candidate nearest to `name`, if one is near enough to be a slip of the pen. */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Throws a TypeError for the first option that `what` does not have: one that acts on nothing would be missed too late. */
export function refuseUnknown(what: string, options: object, names: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const near = suggest(name, names);
    const hint = near === undefined ? `: it has ${names.join(", ")}` : `: did you mean "${near}"?`;
    throw new TypeError(`${what} has no option "${name}"${hint}`);
  }
}
