// Made by generate.sh.
use crate::documents::{Field, Kind};

pub(crate) static AUTOSCALING_CONFIG: &[Field] = &[
    Field { name: "min_replicas", number: 1, repeated: false, kind: Kind::Unsigned },
    Field { name: "max_replicas", number: 2, repeated: false, kind: Kind::Unsigned },
    Field { name: "initial_replicas", number: 3, repeated: false, kind: Kind::Unsigned },
    Field { name: "target_ongoing_requests", number: 4, repeated: false, kind: Kind::Double },
    Field { name: "look_back_period_s", number: 5, repeated: false, kind: Kind::Double },
    Field { name: "upscale_delay_s", number: 6, repeated: false, kind: Kind::Double },
    Field { name: "downscale_delay_s", number: 7, repeated: false, kind: Kind::Double },
    Field { name: "downscale_to_zero_delay_s", number: 8, repeated: false, kind: Kind::Double },
    Field { name: "upscaling_factor", number: 9, repeated: false, kind: Kind::Double },
    Field { name: "downscaling_factor", number: 10, repeated: false, kind: Kind::Double },
    Field { name: "aggregation_function", number: 11, repeated: false, kind: Kind::Enum(AGGREGATION_FUNCTION) },
    Field { name: "policy", number: 12, repeated: false, kind: Kind::Message(AUTOSCALING_POLICY) },
    Field { name: "metrics_interval_s", number: 13, repeated: false, kind: Kind::Double },
    Field { name: "smoothing_factor", number: 14, repeated: false, kind: Kind::Double },
    Field { name: "upscale_smoothing_factor", number: 15, repeated: false, kind: Kind::Double },
    Field { name: "downscale_smoothing_factor", number: 16, repeated: false, kind: Kind::Double },
    Field { name: "explicit_nulls", number: 17, repeated: true, kind: Kind::Text },
];

pub(crate) static AUTOSCALING_POLICY: &[Field] = &[
    Field { name: "policy_function", number: 1, repeated: false, kind: Kind::Text },
    Field { name: "policy_kwargs", number: 2, repeated: false, kind: Kind::Struct },
];

pub(crate) static LOGGING_CONFIG: &[Field] = &[
    Field { name: "encoding", number: 1, repeated: false, kind: Kind::Text },
    Field { name: "log_level", number: 2, repeated: false, kind: Kind::Text },
    Field { name: "logs_dir", number: 3, repeated: false, kind: Kind::Text },
    Field { name: "enable_access_log", number: 4, repeated: false, kind: Kind::Bool },
    Field { name: "additional_log_standard_attrs", number: 5, repeated: true, kind: Kind::Text },
];

pub(crate) static ROLLOUT_CONFIG: &[Field] = &[
    Field { name: "max_surge", number: 1, repeated: false, kind: Kind::Value },
    Field { name: "max_unavailable", number: 2, repeated: false, kind: Kind::Value },
    Field { name: "auto_rollback", number: 3, repeated: false, kind: Kind::Bool },
    Field { name: "progress_deadline_s", number: 4, repeated: false, kind: Kind::Double },
    Field { name: "canary", number: 5, repeated: true, kind: Kind::Message(CANARY_STEP) },
    Field { name: "canary_analysis", number: 6, repeated: false, kind: Kind::Message(CANARY_ANALYSIS) },
    Field { name: "canary_sticky", number: 7, repeated: false, kind: Kind::Message(CANARY_STICKY) },
    Field { name: "explicit_nulls", number: 8, repeated: true, kind: Kind::Text },
];

pub(crate) static CANARY_STEP: &[Field] = &[
    Field { name: "weight", number: 1, repeated: false, kind: Kind::Unsigned },
    Field { name: "pause_s", number: 2, repeated: false, kind: Kind::Double },
    Field { name: "explicit_nulls", number: 3, repeated: true, kind: Kind::Text },
];

pub(crate) static CANARY_ANALYSIS: &[Field] = &[
    Field { name: "min_requests", number: 1, repeated: false, kind: Kind::Unsigned },
    Field { name: "max_error_rate_increase", number: 2, repeated: false, kind: Kind::Double },
    Field { name: "max_latency_ratio", number: 3, repeated: false, kind: Kind::Double },
    Field { name: "latency_quantile", number: 4, repeated: false, kind: Kind::Double },
    Field { name: "explicit_nulls", number: 5, repeated: true, kind: Kind::Text },
];

pub(crate) static CANARY_STICKY: &[Field] = &[Field { name: "header", number: 1, repeated: false, kind: Kind::Text }];

pub(crate) static DEPLOYMENT_CONFIG: &[Field] = &[
    Field { name: "name", number: 1, repeated: false, kind: Kind::Text },
    Field { name: "num_replicas", number: 2, repeated: false, kind: Kind::Value },
    Field { name: "max_ongoing_requests", number: 3, repeated: false, kind: Kind::Unsigned },
    Field { name: "max_queued_requests", number: 4, repeated: false, kind: Kind::Signed },
    Field { name: "backpressure_config", number: 5, repeated: false, kind: Kind::Message(BACKPRESSURE_CONFIG) },
    Field { name: "user_config", number: 6, repeated: false, kind: Kind::Value },
    Field { name: "autoscaling_config", number: 7, repeated: false, kind: Kind::Message(AUTOSCALING_CONFIG) },
    Field { name: "graceful_shutdown_wait_loop_s", number: 8, repeated: false, kind: Kind::Double },
    Field { name: "graceful_shutdown_timeout_s", number: 9, repeated: false, kind: Kind::Double },
    Field { name: "health_check_period_s", number: 10, repeated: false, kind: Kind::Double },
    Field { name: "health_check_timeout_s", number: 11, repeated: false, kind: Kind::Double },
    Field { name: "ray_actor_options", number: 12, repeated: false, kind: Kind::Struct },
    Field { name: "placement_group_bundles", number: 13, repeated: true, kind: Kind::Struct },
    Field { name: "placement_group_strategy", number: 14, repeated: false, kind: Kind::Text },
    Field { name: "placement_group_bundle_label_selector", number: 15, repeated: true, kind: Kind::Struct },
    Field { name: "max_replicas_per_node", number: 16, repeated: false, kind: Kind::Unsigned },
    Field { name: "logging_config", number: 17, repeated: false, kind: Kind::Message(LOGGING_CONFIG) },
    Field { name: "request_router_config", number: 18, repeated: false, kind: Kind::Struct },
    Field { name: "gang_scheduling_config", number: 19, repeated: false, kind: Kind::Struct },
    Field { name: "deployment_actors", number: 20, repeated: true, kind: Kind::Struct },
    Field { name: "rolling_update_percentage", number: 21, repeated: false, kind: Kind::Double },
    Field { name: "max_surge_percent", number: 22, repeated: false, kind: Kind::Unsigned },
    Field { name: "explicit_nulls", number: 23, repeated: true, kind: Kind::Text },
    Field { name: "command", number: 24, repeated: true, kind: Kind::Text },
    Field { name: "readiness_path", number: 25, repeated: false, kind: Kind::Text },
    Field { name: "readiness_timeout_s", number: 26, repeated: false, kind: Kind::Double },
    Field { name: "env", number: 27, repeated: false, kind: Kind::TextMap },
    Field { name: "working_dir", number: 28, repeated: false, kind: Kind::Text },
    Field { name: "ingress", number: 29, repeated: false, kind: Kind::Bool },
    Field { name: "rollout", number: 30, repeated: false, kind: Kind::Message(ROLLOUT_CONFIG) },
    Field { name: "request_timeout_s", number: 31, repeated: false, kind: Kind::Double },
    Field { name: "cold_start_timeout_s", number: 32, repeated: false, kind: Kind::Double },
    Field { name: "autoscaling_shadow", number: 33, repeated: false, kind: Kind::Message(AUTOSCALING_CONFIG) },
    Field { name: "client_priorities", number: 34, repeated: false, kind: Kind::Bool },
];

pub(crate) static BACKPRESSURE_CONFIG: &[Field] = &[
    Field { name: "status_code", number: 1, repeated: false, kind: Kind::Unsigned },
    Field { name: "retry_after_s", number: 2, repeated: false, kind: Kind::Double },
];

pub(crate) static HTTP_OPTIONS: &[Field] = &[
    Field { name: "host", number: 1, repeated: false, kind: Kind::Text },
    Field { name: "port", number: 2, repeated: false, kind: Kind::Unsigned },
    Field { name: "root_path", number: 3, repeated: false, kind: Kind::Text },
    Field { name: "request_timeout_s", number: 4, repeated: false, kind: Kind::Double },
    Field { name: "keep_alive_timeout_s", number: 5, repeated: false, kind: Kind::Unsigned },
    Field { name: "ssl_keyfile", number: 6, repeated: false, kind: Kind::Text },
    Field { name: "ssl_certfile", number: 7, repeated: false, kind: Kind::Text },
    Field { name: "ssl_keyfile_password", number: 8, repeated: false, kind: Kind::Text },
    Field { name: "ssl_ca_certs", number: 9, repeated: false, kind: Kind::Text },
];

pub(crate) static GRPC_OPTIONS: &[Field] = &[
    Field { name: "port", number: 1, repeated: false, kind: Kind::Unsigned },
    Field { name: "grpc_servicer_functions", number: 2, repeated: true, kind: Kind::Text },
    Field { name: "request_timeout_s", number: 3, repeated: false, kind: Kind::Double },
    Field { name: "enable_reflection", number: 4, repeated: false, kind: Kind::Bool },
];

pub(crate) static APPLICATION_CONFIG: &[Field] = &[
    Field { name: "name", number: 1, repeated: false, kind: Kind::Text },
    Field { name: "route_prefix", number: 2, repeated: false, kind: Kind::Text },
    Field { name: "import_path", number: 3, repeated: false, kind: Kind::Text },
    Field { name: "runtime_env", number: 4, repeated: false, kind: Kind::Struct },
    Field { name: "deployments", number: 5, repeated: true, kind: Kind::Message(DEPLOYMENT_CONFIG) },
    Field { name: "autoscaling_policy", number: 6, repeated: false, kind: Kind::Struct },
    Field { name: "args", number: 7, repeated: false, kind: Kind::Struct },
    Field { name: "logging_config", number: 8, repeated: false, kind: Kind::Message(LOGGING_CONFIG) },
    Field { name: "external_scaler_enabled", number: 9, repeated: false, kind: Kind::Bool },
    Field { name: "explicit_nulls", number: 10, repeated: true, kind: Kind::Text },
    Field { name: "scaling", number: 11, repeated: false, kind: Kind::Message(SCALING_CONFIG) },
    Field { name: "autoscaling_shadow", number: 12, repeated: false, kind: Kind::Struct },
];

pub(crate) static SCALING_CONFIG: &[Field] = &[
    Field { name: "owner", number: 1, repeated: false, kind: Kind::Enum(SCALING_OWNER) },
    Field { name: "lease_fallback", number: 2, repeated: false, kind: Kind::Enum(LEASE_FALLBACK) },
];

pub(crate) static DEPLOY_CONFIG: &[Field] = &[
    Field { name: "proxy_location", number: 1, repeated: false, kind: Kind::Enum(PROXY_LOCATION) },
    Field { name: "http_options", number: 2, repeated: false, kind: Kind::Message(HTTP_OPTIONS) },
    Field { name: "grpc_options", number: 3, repeated: false, kind: Kind::Message(GRPC_OPTIONS) },
    Field { name: "logging_config", number: 4, repeated: false, kind: Kind::Message(LOGGING_CONFIG) },
    Field { name: "applications", number: 5, repeated: true, kind: Kind::Message(APPLICATION_CONFIG) },
    Field { name: "target_capacity", number: 6, repeated: false, kind: Kind::Double },
];

pub(crate) static AGGREGATION_FUNCTION: &[(&str, i32)] = &[("MEAN", 1), ("MAX", 2), ("MIN", 3)];

pub(crate) static SCALING_OWNER: &[(&str, i32)] = &[("AUTOSCALER", 1), ("EXTERNAL", 2), ("MANUAL", 3)];

pub(crate) static LEASE_FALLBACK: &[(&str, i32)] = &[("HOLD", 1), ("FLOOR", 2), ("POLICY", 3)];

pub(crate) static PROXY_LOCATION: &[(&str, i32)] = &[("DISABLED", 1), ("HEAD_ONLY", 2), ("EVERY_NODE", 3)];
