/**
 * `controller_health_metrics`: the reference's keys. Its loop runs every 0.1 s; ours runs only when there is something
 * to do, so what has no counterpart is 0, or {} where the reference sends {} without samples.
 */
export function controllerHealth(nowMs: number, startedAtMs: number) {
  const none = {};
  return {
    timestamp: nowMs / 1000,
    controller_start_time: startedAtMs / 1000,
    uptime_s: Math.max(0, nowMs - startedAtMs) / 1000,
    last_control_loop_time: nowMs / 1000,
    num_control_loops: 0,
    loop_duration_s: none,
    loops_per_second: 0,
    last_sleep_duration_s: 0,
    expected_sleep_duration_s: 0,
    event_loop_delay_s: 0,
    num_asyncio_tasks: 0,
    handle_ingest_duration_ms: none,
    replica_ingest_duration_ms: none,
    metrics_decompress_duration_ms: none,
    columnar_decode_duration_ms: none,
    handle_reports_received: 0,
    replica_reports_received: 0,
    ingest_reports_received: 0,
    ingest_cpu_fraction: 0,
    deployment_state_update_duration_s: none,
    application_state_update_duration_s: none,
    proxy_state_update_duration_s: none,
    node_update_duration_s: none,
    handle_metrics_delay_ms: none,
    replica_metrics_delay_ms: none,
    process_memory_mb: process.memoryUsage.rss() / 2 ** 20,
  };
}
