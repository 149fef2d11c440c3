/** Schemas of `gang_scheduling_config`, `deployment_actors` and `request_router_config`. */
import { GANG_DEFAULTS, REQUEST_ROUTER_DEFAULTS as R } from "./defaults.ts";
import { OBJECT } from "./schema-common.ts";
import type { Field, Schema } from "./schema-types.ts";

/** Replicas that live and die together. */
export const GANG_SCHEMA: Schema = {
  name: "GangSchedulingConfig",
  unknown: "drop",
  fields: {
    gang_size: { type: { kind: "integer", min: 1 }, required: true, doc: "Replicas in a gang.", update: "restart" },
    gang_placement_strategy: {
      type: { kind: "enum", values: ["PACK", "SPREAD"] },
      default: GANG_DEFAULTS.gang_placement_strategy,
      doc: "Whether a gang's replicas share nodes or spread over them.",
      update: "restart",
    },
    runtime_failure_policy: {
      type: { kind: "enum", values: ["RESTART_GANG", "RESTART_REPLICA"] },
      default: GANG_DEFAULTS.runtime_failure_policy,
      doc: "What a failed replica restarts; RESTART_REPLICA is refused.",
      update: "restart",
      rule: (value) =>
        value === "RESTART_REPLICA"
          ? { kind: "not_supported", message: "must be RESTART_GANG; RESTART_REPLICA is not supported" }
          : undefined,
    },
  },
};

const seconds = (value: number, doc: string): Field => ({
  type: { kind: "number", above: 0 },
  default: value,
  doc,
  update: "restart",
});

/** How callers choose a replica. */
export const REQUEST_ROUTER_SCHEMA: Schema = {
  name: "RequestRouterConfig",
  unknown: "drop",
  fields: {
    request_router_class: {
      type: { kind: "string" },
      default: R.request_router_class,
      doc: "Import path of the class that chooses.",
      update: "restart",
    },
    request_router_kwargs: { type: OBJECT, default: {}, doc: "Passed to the class.", update: "restart" },
    request_routing_stats_period_s: seconds(R.request_routing_stats_period_s, "Seconds between reports of a replica."),
    request_routing_stats_timeout_s: seconds(R.request_routing_stats_timeout_s, "Seconds such a report may take."),
    initial_backoff_s: seconds(R.initial_backoff_s, "Seconds before the first retry of a rejected request."),
    backoff_multiplier: seconds(R.backoff_multiplier, "Factor between two waits."),
    max_backoff_s: seconds(R.max_backoff_s, "The longest wait in seconds."),
  },
};

/** An actor that the replicas of a deployment share. */
export const DEPLOYMENT_ACTOR_SCHEMA: Schema = {
  name: "DeploymentActorConfig",
  unknown: "drop",
  fields: {
    name: { type: { kind: "string" }, required: true, doc: "Unique in the deployment.", update: "restart" },
    actor_class: { type: { kind: "string" }, required: true, doc: "Import path of the class.", update: "restart" },
    init_args: { type: { kind: "list", of: { kind: "any" } }, default: [], doc: "Arguments.", update: "restart" },
    init_kwargs: { type: OBJECT, default: {}, doc: "Named arguments.", update: "restart" },
    actor_options: { type: OBJECT, default: {}, doc: "Resources and the like.", update: "restart" },
  },
};
