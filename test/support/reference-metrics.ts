/** Every metric of the reference's Serve, and what becomes of it here. */

/** One of them. */
export interface ReferenceMetric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** As the reference has them. */
  readonly labels: readonly string[];
  /** Why there is none of the kind here; absent: there is. */
  readonly absent?: string;
  /** What of it is otherwise here; docs/metrics.md and docs/compatibility.md say why. */
  readonly differs?: { readonly type?: "gauge"; readonly labels?: readonly string[] };
}

export const REFERENCE_METRICS: readonly ReferenceMetric[] = [
  { name: "serve_num_http_requests", type: "counter", labels: ["route", "method", "application", "status_code"] },
  { name: "serve_num_http_error_requests", type: "counter", labels: ["route", "error_code", "method", "application"] },
  {
    name: "serve_num_deployment_http_error_requests",
    type: "counter",
    labels: ["deployment", "error_code", "method", "route", "application"],
  },
  {
    name: "serve_http_request_latency_ms",
    type: "histogram",
    labels: ["method", "route", "application", "status_code"],
  },
  {
    name: "serve_num_ongoing_http_requests",
    type: "gauge",
    labels: ["node_id", "node_ip_address"],
    differs: { labels: ["proxy"] },
  },
  { name: "serve_num_grpc_requests", type: "counter", labels: ["route", "method", "application", "status_code"] },
  { name: "serve_num_grpc_error_requests", type: "counter", labels: ["route", "error_code", "method", "application"] },
  {
    name: "serve_num_deployment_grpc_error_requests",
    type: "counter",
    labels: ["deployment", "error_code", "method", "route", "application"],
  },
  {
    name: "serve_grpc_request_latency_ms",
    type: "histogram",
    labels: ["method", "route", "application", "status_code"],
  },
  {
    name: "serve_num_ongoing_grpc_requests",
    type: "gauge",
    labels: ["node_id", "node_ip_address"],
    differs: { labels: ["proxy"] },
  },
  { name: "serve_handle_request_counter", type: "counter", labels: ["handle", "deployment", "route", "application"] },
  {
    name: "serve_num_router_requests",
    type: "counter",
    labels: ["deployment", "route", "application", "handle", "actor_id"],
  },
  {
    name: "serve_deployment_queued_queries",
    type: "gauge",
    labels: ["deployment", "application", "handle", "actor_id"],
  },
  {
    name: "serve_num_ongoing_requests_at_replicas",
    type: "gauge",
    labels: ["deployment", "application", "handle", "actor_id"],
  },
  { name: "serve_reserved_slots_active", type: "gauge", labels: ["deployment", "application", "handle", "actor_id"] },
  {
    name: "serve_router_args_resolution_latency_ms",
    type: "histogram",
    labels: ["deployment", "application", "handle", "actor_id"],
  },
  {
    name: "serve_num_scheduling_tasks",
    type: "gauge",
    labels: ["app", "application", "deployment", "actor_id", "handle_source"],
    absent: "No tasks place requests: an event that makes room places those that wait.",
  },
  {
    name: "serve_num_scheduling_tasks_in_backoff",
    type: "gauge",
    labels: ["app", "application", "deployment", "actor_id", "handle_source"],
    absent: "No tasks place requests: an event that makes room places those that wait.",
  },
  {
    name: "serve_request_router_fulfillment_time_ms",
    type: "histogram",
    labels: ["deployment", "actor_id", "application", "handle_source"],
  },
  {
    name: "serve_request_router_queue_len",
    type: "gauge",
    labels: ["deployment", "replica_id", "actor_id", "application", "handle_source"],
  },
  {
    name: "serve_deployment_request_counter",
    type: "counter",
    labels: ["deployment", "replica", "application", "route"],
  },
  {
    name: "serve_deployment_error_counter",
    type: "counter",
    labels: ["deployment", "replica", "application", "route", "exception_type"],
  },
  {
    name: "serve_deployment_processing_latency_ms",
    type: "histogram",
    labels: ["deployment", "replica", "application", "route"],
  },
  {
    name: "serve_deployment_max_processing_latency_ms",
    type: "gauge",
    labels: ["deployment", "replica", "application", "route"],
  },
  { name: "serve_replica_processing_queries", type: "gauge", labels: ["deployment", "replica", "application"] },
  { name: "serve_replica_utilization_percent", type: "gauge", labels: ["deployment", "replica", "application"] },
  { name: "serve_deployment_replica_starts", type: "counter", labels: ["deployment", "replica", "application"] },
  {
    name: "serve_user_autoscaling_stats_latency_ms",
    type: "histogram",
    labels: ["deployment", "replica", "application"],
    differs: { type: "gauge", labels: ["deployment", "application"] },
  },
  {
    name: "serve_record_autoscaling_stats_failed",
    type: "counter",
    labels: ["deployment", "replica", "application", "exception_name"],
    differs: { labels: ["deployment", "application", "exception_name"] },
  },
  {
    name: "serve_batch_wait_time_ms",
    type: "histogram",
    labels: ["deployment", "replica", "application", "function_name"],
  },
  {
    name: "serve_batch_execution_time_ms",
    type: "histogram",
    labels: ["deployment", "replica", "application", "function_name"],
  },
  {
    name: "serve_batch_queue_length",
    type: "gauge",
    labels: ["deployment", "replica", "application", "function_name"],
  },
  {
    name: "serve_batch_utilization_percent",
    type: "histogram",
    labels: ["deployment", "replica", "application", "function_name"],
  },
  {
    name: "serve_actual_batch_size",
    type: "histogram",
    labels: ["deployment", "replica", "application", "function_name"],
  },
  {
    name: "serve_batches_processed",
    type: "counter",
    labels: ["deployment", "replica", "application", "function_name"],
  },
  {
    name: "serve_multiplexed_model_load_latency_ms",
    type: "histogram",
    labels: ["deployment", "replica", "application"],
  },
  {
    name: "serve_multiplexed_model_unload_latency_ms",
    type: "histogram",
    labels: ["deployment", "replica", "application"],
  },
  { name: "serve_num_multiplexed_models", type: "gauge", labels: ["deployment", "replica", "application"] },
  {
    name: "serve_registered_multiplexed_model_id",
    type: "gauge",
    labels: ["deployment", "replica", "application", "model_id"],
  },
  {
    name: "serve_multiplexed_get_model_requests_counter",
    type: "counter",
    labels: ["deployment", "replica", "application"],
  },
  { name: "serve_multiplexed_models_load_counter", type: "counter", labels: ["deployment", "replica", "application"] },
  {
    name: "serve_multiplexed_models_unload_counter",
    type: "counter",
    labels: ["deployment", "replica", "application"],
  },
  { name: "serve_deployment_replica_healthy", type: "gauge", labels: ["deployment", "replica", "application"] },
  { name: "serve_health_check_failures_total", type: "counter", labels: ["deployment", "replica", "application"] },
  { name: "serve_health_check_latency_ms", type: "histogram", labels: ["deployment", "application"] },
  { name: "serve_replica_startup_latency_ms", type: "histogram", labels: ["deployment", "application"] },
  { name: "serve_replica_initialization_latency_ms", type: "histogram", labels: ["deployment", "application"] },
  { name: "serve_replica_reconfigure_latency_ms", type: "histogram", labels: ["deployment", "application"] },
  { name: "serve_replica_shutdown_duration_ms", type: "histogram", labels: ["deployment", "application"] },
  { name: "serve_deployment_status", type: "gauge", labels: ["deployment", "application"] },
  { name: "serve_application_status", type: "gauge", labels: ["application"] },
  { name: "serve_proxy_status", type: "gauge", labels: ["node_id", "node_ip_address"] },
  { name: "serve_proxy_shutdown_duration_ms", type: "histogram", labels: ["node_id", "node_ip_address"] },
  { name: "serve_autoscaling_target_replicas", type: "gauge", labels: ["deployment", "application"] },
  { name: "serve_autoscaling_desired_replicas", type: "gauge", labels: ["deployment", "application"] },
  { name: "serve_autoscaling_total_requests", type: "gauge", labels: ["deployment", "application"] },
  { name: "serve_autoscaling_target_ongoing_requests", type: "gauge", labels: ["deployment", "application"] },
  {
    name: "serve_autoscaling_policy_execution_time_ms",
    type: "gauge",
    labels: ["deployment", "application", "policy_scope"],
  },
  {
    name: "serve_autoscaling_replica_metrics_delay_ms",
    type: "histogram",
    labels: ["deployment", "application"],
    differs: { type: "gauge", labels: ["deployment", "application"] },
  },
  {
    name: "serve_autoscaling_handle_metrics_delay_ms",
    type: "histogram",
    labels: ["deployment", "application"],
    differs: { type: "gauge", labels: ["deployment", "application"] },
  },
  {
    name: "serve_routing_stats_delay_ms",
    type: "histogram",
    labels: ["deployment", "application"],
    absent: "Nobody asks replicas for their routing stats: they tell them.",
  },
  {
    name: "serve_routing_stats_error",
    type: "counter",
    labels: ["deployment", "replica", "application", "error_type"],
  },
  { name: "serve_controller_node_update_duration_s", type: "gauge", labels: [], absent: "There is one node." },
  {
    name: "serve_controller_proxy_state_update_duration_s",
    type: "gauge",
    labels: [],
    absent: "A turn steps what changed, in one pass: `serve_controller_control_loop_duration_s` is all of it.",
  },
  {
    name: "serve_controller_deployment_state_update_duration_s",
    type: "gauge",
    labels: [],
    absent: "A turn steps what changed, in one pass: `serve_controller_control_loop_duration_s` is all of it.",
  },
  {
    name: "serve_controller_application_state_update_duration_s",
    type: "gauge",
    labels: [],
    absent: "A turn steps what changed, in one pass: `serve_controller_control_loop_duration_s` is all of it.",
  },
  { name: "serve_controller_sleep_duration_s", type: "gauge", labels: [] },
  { name: "serve_controller_control_loop_duration_s", type: "gauge", labels: [] },
  { name: "serve_controller_num_control_loops", type: "gauge", labels: ["actor_id"] },
  {
    name: "serve_long_poll_host_transmission_counter",
    type: "counter",
    labels: ["namespace_or_state"],
    absent: "Nobody polls: routers are sent tables over streams.",
  },
  {
    name: "serve_long_poll_pending_clients",
    type: "gauge",
    labels: ["namespace"],
    absent: "Nobody polls: routers are sent tables over streams.",
  },
  {
    name: "serve_long_poll_latency_ms",
    type: "histogram",
    labels: ["namespace"],
    absent: "Nobody polls: routers are sent tables over streams.",
  },
  { name: "serve_num_compacted_nodes", type: "counter", labels: [], absent: "There is one node." },
  { name: "serve_event_loop_scheduling_latency_ms", type: "histogram", labels: ["component", "loop_type", "actor_id"] },
  { name: "serve_event_loop_monitoring_iterations", type: "counter", labels: ["component", "loop_type", "actor_id"] },
  {
    name: "serve_event_loop_tasks",
    type: "gauge",
    labels: ["component", "loop_type", "actor_id"],
    absent: "An event loop of Node has no list of tasks; `nodejs_active_resources` tells of the controller's.",
  },
  {
    name: "serve_haproxy_ingress_router_truncations",
    type: "counter",
    labels: ["application"],
    absent: "The proxies are Windlass's own.",
  },
  {
    name: "serve_haproxy_ingress_router_server_mismatch",
    type: "counter",
    labels: ["application"],
    absent: "The proxies are Windlass's own.",
  },
  {
    name: "serve_haproxy_ingress_router_requests",
    type: "counter",
    labels: ["application"],
    absent: "The proxies are Windlass's own.",
  },
  {
    name: "serve_haproxy_ingress_router_failures",
    type: "counter",
    labels: ["application", "reason"],
    absent: "The proxies are Windlass's own.",
  },
  {
    name: "serve_haproxy_ingress_router_latency_ms",
    type: "histogram",
    labels: ["application", "outcome"],
    absent: "The proxies are Windlass's own.",
  },
  { name: "serve_haproxy_process_count", type: "gauge", labels: [], absent: "The proxies are Windlass's own." },
  { name: "serve_haproxy_target_mismatch", type: "gauge", labels: [], absent: "The proxies are Windlass's own." },
  {
    name: "serve_haproxy_update_latency_s",
    type: "histogram",
    labels: ["node_id"],
    absent: "The proxies are Windlass's own.",
  },
];
