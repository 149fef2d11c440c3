/** What is counted of batches, by the reference's names. */
import { LATENCY_BOUNDS_MS, type MetricDeclaration } from "../observability/metric-set.ts";
import { runtime } from "./runtime.ts";

const labelNames = ["function_name"];

const WAIT: MetricDeclaration = {
  name: "serve_batch_wait_time_ms",
  help: "Time that the oldest call of a batch waited for it to begin.",
  kind: "histogram",
  labelNames,
  bounds: LATENCY_BOUNDS_MS,
};
const EXECUTION: MetricDeclaration = {
  name: "serve_batch_execution_time_ms",
  help: "Time that the function took for a batch.",
  kind: "histogram",
  labelNames,
  bounds: LATENCY_BOUNDS_MS,
};
const UTILIZATION: MetricDeclaration = {
  name: "serve_batch_utilization_percent",
  help: "Size of a batch in percent of the greatest.",
  kind: "histogram",
  labelNames,
  bounds: [5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100],
};
const SIZE: MetricDeclaration = {
  name: "serve_actual_batch_size",
  help: "Calls in a batch.",
  kind: "histogram",
  labelNames,
  bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024],
};
const PROCESSED: MetricDeclaration = {
  name: "serve_batches_processed",
  help: "Batches that have ended.",
  kind: "counter",
  labelNames,
};
const QUEUE: MetricDeclaration = {
  name: "serve_batch_queue_length",
  help: "Calls that wait for a batch.",
  kind: "gauge",
  labelNames,
};

/** Counts the batches of one function. */
export interface BatchMetrics {
  /** One has begun. `full`: its size as a share of the greatest. */
  began(calls: number, full: number, waitedMs: number): void;
  /** One has ended. */
  ended(tookMs: number): void;
}

/** Declares the metrics of a batch function; `length` tells how many calls wait. */
export function batchMetrics(name: string, length: () => number): BatchMetrics {
  const { metrics } = runtime();
  const meter = (declaration: MetricDeclaration) => metrics.meter(declaration, name);
  const [wait, execution, size] = [meter(WAIT), meter(EXECUTION), meter(SIZE)];
  const [utilization, processed] = [meter(UTILIZATION), meter(PROCESSED)];
  metrics.gauge(QUEUE, () => [{ labels: [name], value: length() }]);
  return {
    began(calls, full, waitedMs) {
      wait.add(waitedMs);
      size.add(calls);
      utilization.add(100 * full);
    },
    ended(tookMs) {
      execution.add(tookMs);
      processed.add(1);
    },
  };
}
