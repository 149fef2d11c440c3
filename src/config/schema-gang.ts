/** Schemas of `gang_scheduling_config`, `deployment_actors` and `request_router_config`. */
import * as z from "zod";
import { GANG_DEFAULTS, REQUEST_ROUTER_DEFAULTS as R } from "./defaults.ts";
import { anyObject, laxFloat, laxInt, object, optional, required, rules } from "./schema-fields.ts";

/** Replicas that live and die together. */
export const GANG_SCHEMA = object("GangSchedulingConfig", {
  gang_size: required(laxInt({ min: 1 }), { doc: "Replicas in a gang.", update: "restart" }),
  gang_placement_strategy: optional(z.enum(["PACK", "SPREAD"]), {
    doc: "Whether a gang's replicas share nodes or spread over them.",
    default: GANG_DEFAULTS.gang_placement_strategy,
    update: "restart",
  }),
  runtime_failure_policy: optional(
    z
      .enum(["RESTART_GANG", "RESTART_REPLICA"])
      .superRefine(
        rules((value) =>
          value === "RESTART_REPLICA"
            ? { kind: "not_supported", message: "must be RESTART_GANG; RESTART_REPLICA is not supported" }
            : undefined,
        ),
      ),
    {
      doc: "What a failed replica restarts; RESTART_REPLICA is refused.",
      default: GANG_DEFAULTS.runtime_failure_policy,
      update: "restart",
    },
  ),
});

const seconds = (value: number, doc: string) =>
  optional(laxFloat({ above: 0 }), { doc, default: value, update: "restart" });

/** How callers choose a replica. */
export const REQUEST_ROUTER_SCHEMA = object("RequestRouterConfig", {
  request_router_class: optional(z.string(), {
    doc: "What chooses: windlass:power-of-two, windlass:round-robin, windlass:consistent-hash, windlass:prefix-affinity, or MODULE:EXPORT of a class of yours (request-routers.md).",
    default: R.request_router_class,
    update: "restart",
  }),
  request_router_kwargs: optional(anyObject(), { doc: "Passed to the class.", default: {}, update: "restart" }),
  request_routing_stats_period_s: seconds(R.request_routing_stats_period_s, "Seconds between reports of a replica."),
  request_routing_stats_timeout_s: seconds(R.request_routing_stats_timeout_s, "Seconds such a report may take."),
  initial_backoff_s: seconds(R.initial_backoff_s, "Seconds before the first retry of a rejected request."),
  backoff_multiplier: seconds(R.backoff_multiplier, "Factor between two waits."),
  max_backoff_s: seconds(R.max_backoff_s, "The longest wait in seconds."),
});

/** An actor that the replicas of a deployment share. */
export const DEPLOYMENT_ACTOR_SCHEMA = object("DeploymentActorConfig", {
  name: required(z.string(), { doc: "Unique in the deployment.", update: "restart" }),
  actor_class: required(z.string(), { doc: "Import path of the class.", update: "restart" }),
  init_args: optional(z.array(z.unknown()), { doc: "Arguments.", default: [], update: "restart" }),
  init_kwargs: optional(anyObject(), { doc: "Named arguments.", default: {}, update: "restart" }),
  actor_options: optional(anyObject(), { doc: "Resources and the like.", default: {}, update: "restart" }),
});
