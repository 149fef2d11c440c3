/** What is counted of models, by the reference's names. */
import { LATENCY_BOUNDS_MS, type MetricDeclaration, type MetricSet } from "../observability/metric-set.ts";
import { runtime } from "./runtime.ts";

const LOAD_LATENCY: MetricDeclaration = {
  name: "serve_multiplexed_model_load_latency_ms",
  help: "Time that loading a model took.",
  kind: "histogram",
  labelNames: [],
  bounds: LATENCY_BOUNDS_MS,
};
const UNLOAD_LATENCY: MetricDeclaration = {
  name: "serve_multiplexed_model_unload_latency_ms",
  help: "Time that unloading a model took.",
  kind: "histogram",
  labelNames: [],
  bounds: LATENCY_BOUNDS_MS,
};
const ASKED = counter("serve_multiplexed_get_model_requests_counter", "Times a model was asked for.");
const LOADS = counter("serve_multiplexed_models_load_counter", "Models that were loaded.");
const UNLOADS = counter("serve_multiplexed_models_unload_counter", "Models that were unloaded.");
const MODELS: MetricDeclaration = {
  name: "serve_num_multiplexed_models",
  help: "Models that a replica has.",
  kind: "gauge",
  labelNames: [],
};
const REGISTERED: MetricDeclaration = {
  name: "serve_registered_multiplexed_model_id",
  help: "1 for each model that a replica has.",
  kind: "gauge",
  labelNames: ["model_id"],
};

/** Counts what a cache does. */
export interface ModelMetrics {
  /** Somebody asks for a model. */
  asked(): void;
  /** Takes the time of a load. */
  loading<R>(load: () => Promise<R>): Promise<R>;
  /** Takes the time of an unload. */
  unloading<R>(unload: () => Promise<R>): Promise<R>;
}

/** Declares the metrics of all caches in the process, over what they hold. */
export function modelMetrics(): ModelMetrics {
  const { metrics, clock } = runtime();
  const meter = (declaration: MetricDeclaration) => metrics.meter(declaration);
  const [asked, loads, unloads] = [meter(ASKED), meter(LOADS), meter(UNLOADS)];
  const [loadLatency, unloadLatency] = [meter(LOAD_LATENCY), meter(UNLOAD_LATENCY)];
  const timed = async <R>(work: () => Promise<R>, latency: typeof asked, count: typeof asked): Promise<R> => {
    const beganMs = clock.monotonic();
    const result = await work();
    latency.add(clock.monotonic() - beganMs);
    count.add(1);
    return result;
  };
  return {
    asked: () => asked.add(1),
    loading: (load) => timed(load, loadLatency, loads),
    unloading: (unload) => timed(unload, unloadLatency, unloads),
  };
}

/** Where the gauges were declared already. */
const shown = new WeakSet<MetricSet>();

/** Has the gauges tell of all caches of the process. */
export function showModels(): void {
  const { metrics, models } = runtime();
  if (shown.has(metrics)) return;
  shown.add(metrics);
  const held = (): string[] => [...models.caches].flatMap((cache) => [...cache.held()]);
  metrics.gauge(MODELS, () => [{ labels: [], value: held().length }]);
  metrics.gauge(REGISTERED, () => [...new Set(held())].map((id) => ({ labels: [id], value: 1 })));
}

function counter(name: string, help: string): MetricDeclaration {
  return { name, help, kind: "counter", labelNames: [] };
}
