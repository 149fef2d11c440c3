/** The schemas of one deployment: overrides in a config, and options set in code. */
import * as z from "zod";
import {
  BACKPRESSURE_DEFAULTS,
  COMMAND_DEFAULTS,
  DEPLOYMENT_DEFAULTS as D,
  DEFAULT_COLD_START_TIMEOUT_S,
} from "./defaults.ts";
import { DEPLOYMENT_AFTER, DEPLOYMENT_BEFORE } from "./deployment-rules.ts";
import { AUTOSCALING_SCHEMA } from "./schema-autoscaling.ts";
import { LOGGING_SCHEMA, labelSelector, remoteUrisOnly } from "./schema-common.ts";
import {
  anyObject,
  converted,
  laxBool,
  laxFloat,
  laxInt,
  lookFirst,
  mapOf,
  object,
  optional,
  required,
  rules,
  strictInt,
  strictObject,
} from "./schema-fields.ts";
import { DEPLOYMENT_ACTOR_SCHEMA, GANG_SCHEMA, REQUEST_ROUTER_SCHEMA } from "./schema-gang.ts";
import { ROLLOUT_SCHEMA } from "./schema-rollout.ts";

const amount = (doc: string) => optional(laxFloat({ min: 0 }).nullable(), { doc, default: null, update: "restart" });

/** What callers get when the queue is full. */
export const BACKPRESSURE_SCHEMA = strictObject("BackpressureConfig", {
  status_code: optional(z.literal([503, 429]), {
    doc: "Status of the answer.",
    default: BACKPRESSURE_DEFAULTS.status_code,
    update: "reconfigure",
  }),
  retry_after_s: optional(laxFloat({ min: 0, finite: true }).nullable(), {
    doc: "Seconds sent as `retry-after`, rounded up; null sends an estimate.",
    default: BACKPRESSURE_DEFAULTS.retry_after_s,
    update: "reconfigure",
  }),
});

/** Resources of one replica. */
export const ACTOR_OPTIONS_SCHEMA = object("RayActorOptionsSchema", {
  runtime_env: optional(anyObject().superRefine(rules(remoteUrisOnly)), {
    doc: "Environment of the replica, over the application's; `env_vars` are merged; `working_dir` only for a command.",
    default: {},
    update: "restart",
  }),
  num_cpus: amount("CPUs; null is 1. What limits them: resources.md."),
  num_gpus: amount("GPUs."),
  memory: amount("Bytes of memory; counted, but never a limit."),
  resources: optional(anyObject(), { doc: "Custom resources by name.", default: {}, update: "restart" }),
  accelerator_type: optional(z.string().nullable(), { doc: "Kind of accelerator.", default: null, update: "restart" }),
  label_selector: optional(mapOf(z.string()).superRefine(rules(labelSelector)).nullable(), {
    doc: "Labels a node must have.",
    default: null,
    update: "restart",
  }),
  fallback_strategy: optional(z.array(anyObject()).nullable(), {
    doc: "Selectors to try when the first finds no node.",
    default: null,
    update: "restart",
  }),
});

// The type itself was checked by a rule over the whole object; true counts as 1.
const NUM_REPLICAS = converted<number | "auto" | null>(
  { label: 'a whole number > 0 or "auto" or null', number: "whole" },
  (raw) => {
    if (raw === null || raw === "auto") return { value: raw };
    if (Number(raw) > 0) return { value: Number(raw) };
    return { kind: "not_above_minimum", message: `must be a whole number > 0 or "auto", got ${String(raw)}` };
  },
);

/** Every field but the name; code and config share them. */
const SHARED_FIELDS = {
  num_replicas: optional(NUM_REPLICAS, {
    doc: 'A fixed number of replicas, or "auto" for autoscaling up to 100; null is the same as leaving it out.',
    default: 1,
    update: "target",
  }),
  max_ongoing_requests: optional(laxInt({ above: 0 }), {
    doc: "Requests one replica works on at once.",
    default: D.max_ongoing_requests,
    update: "reconfigure",
  }),
  max_queued_requests: optional(strictInt(), {
    doc: "Requests that may wait at one proxy or handle; -1 is no limit.",
    default: D.max_queued_requests,
    update: "target",
  }),
  backpressure_config: optional(BACKPRESSURE_SCHEMA, {
    doc: "What callers get when the queue is full.",
    default: D.backpressure_config,
    update: "reconfigure",
  }),
  user_config: optional(anyObject().nullable(), {
    doc: "Passed to the class's `reconfigure`.",
    default: null,
    update: "reconfigure",
  }),
  autoscaling_config: optional(anyObject(AUTOSCALING_SCHEMA).nullable(), {
    doc: "Lets the replica count follow the load; null switches off what the code sets.",
    default: null,
    update: "reconfigure",
  }),
  autoscaling_shadow: optional(anyObject(AUTOSCALING_SCHEMA).nullable(), {
    doc: "An autoscaling config that is decided by and recorded but never followed (autoscaling-policies.md); null switches off what the code sets.",
    default: null,
    update: "target",
  }),
  graceful_shutdown_wait_loop_s: optional(laxFloat({ min: 0 }), {
    doc: "Seconds that the websockets of a draining replica have before they are closed with 1001; without any it ends as soon as it has nothing to do.",
    default: D.graceful_shutdown_wait_loop_s,
    update: "reconfigure",
  }),
  graceful_shutdown_timeout_s: optional(laxFloat({ min: 0 }), {
    doc: "Seconds a replica may take to drain before it is killed.",
    default: D.graceful_shutdown_timeout_s,
    update: "controller",
  }),
  health_check_period_s: optional(laxFloat({ above: 0 }), {
    doc: "Seconds between health checks.",
    default: D.health_check_period_s,
    update: "controller",
  }),
  health_check_timeout_s: optional(laxFloat({ above: 0 }), {
    doc: "Seconds a health check may take.",
    default: D.health_check_timeout_s,
    update: "controller",
  }),
  ray_actor_options: optional(ACTOR_OPTIONS_SCHEMA, {
    doc: "Resources of one replica; replaces the code's as a whole.",
    default: D.ray_actor_options,
    update: "restart",
  }),
  placement_group_bundles: optional(z.array(mapOf(laxFloat())), {
    doc: "Resource bundles reserved together for one replica.",
    update: "restart",
  }),
  placement_group_strategy: optional(z.string(), {
    doc: "PACK, SPREAD, STRICT_PACK or STRICT_SPREAD; needs bundles.",
    default: "PACK",
    update: "restart",
  }),
  placement_group_bundle_label_selector: optional(z.array(mapOf(z.string())), {
    doc: "Label selectors, one for each bundle or one for all.",
    update: "restart",
  }),
  max_replicas_per_node: optional(laxInt(), {
    doc: "The most replicas on one node, 1 to 100; there is one node, so the rest waits.",
    update: "restart",
  }),
  logging_config: optional(LOGGING_SCHEMA, {
    doc: "Logging of the replicas; the application's unless given.",
    update: "reconfigure",
  }),
  request_router_config: optional(anyObject(REQUEST_ROUTER_SCHEMA), {
    doc: "How callers choose a replica.",
    update: "restart",
  }),
  gang_scheduling_config: optional(GANG_SCHEMA.nullable(), {
    doc: "Replicas that live and die together.",
    default: null,
    update: "restart",
  }),
  deployment_actors: optional(z.array(anyObject(DEPLOYMENT_ACTOR_SCHEMA)).nullable(), {
    doc: "Actors shared by the replicas.",
    default: null,
    update: "restart",
  }),
  rolling_update_percentage: optional(laxFloat({ above: 0, max: 1 }), {
    doc: "Part of the replicas that is replaced at a time.",
    default: D.rolling_update_percentage,
    update: "target",
  }),
  max_surge_percent: optional(laxInt({ min: 0, max: 100 }), {
    doc: "Percent of the replicas that may be started above the target while updating.",
    default: D.max_surge_percent,
    update: "target",
  }),
  rollout: optional(ROLLOUT_SCHEMA.nullable(), {
    doc: "How the deployment is updated; replaces the code's as a whole.",
    default: null,
    update: "controller",
  }),
  request_timeout_s: optional(laxFloat({ above: 0, finite: true }).nullable(), {
    doc: "Seconds a request may take; null is no limit. Unless given, the instance's holds.",
    update: "controller",
  }),
  cold_start_timeout_s: optional(laxFloat({ above: 0, finite: true }).nullable(), {
    doc: "Seconds a request may wait while no replica serves, at zero or before the first start; null is no limit.",
    default: DEFAULT_COLD_START_TIMEOUT_S,
    update: "target",
  }),
  client_priorities: optional(laxBool(), {
    doc: "Whether clients may ask for more than the normal priority (`x-windlass-priority`); less they always may.",
    default: false,
    update: "controller",
  }),
};

/** Ours: any program that serves HTTP is a replica. */
const COMMAND_FIELDS = {
  command: optional(z.array(z.string().min(1)).min(1), {
    doc: "A program and its arguments, instead of code: serves HTTP on `$PORT` or the unix socket `$WINDLASS_SOCKET`.",
    update: "restart",
  }),
  readiness_path: optional(z.string().startsWith("/"), {
    doc: "Path that a command answers with a status below 400 when it is ready, and while it is healthy.",
    default: COMMAND_DEFAULTS.readiness_path,
    update: "restart",
  }),
  readiness_timeout_s: optional(laxFloat({ above: 0 }), {
    doc: "Seconds a command may take until it is ready.",
    default: COMMAND_DEFAULTS.readiness_timeout_s,
    update: "restart",
  }),
  env: optional(mapOf(z.string()), { doc: "Environment of a command.", default: {}, update: "restart" }),
  working_dir: optional(z.string().min(1), {
    doc: "Folder a command runs in, from the config's folder.",
    default: ".",
    update: "restart",
  }),
  ingress: optional(laxBool(), {
    doc: "Whether a command gets the application's requests; needed where there are several.",
    default: false,
    update: "reconfigure",
  }),
};

/** What a config says about one deployment. */
export const DEPLOYMENT_SCHEMA = lookFirst(
  DEPLOYMENT_BEFORE,
  object("DeploymentSchema", {
    name: required(z.string(), { doc: "Name of the deployment in the application's code." }),
    ...SHARED_FIELDS,
    ...COMMAND_FIELDS,
  }).superRefine(rules(...DEPLOYMENT_AFTER)),
);

/** Options set in code: any JSON value as user_config, and a field that a config cannot set. */
export const CODE_OPTIONS_SCHEMA = lookFirst(
  DEPLOYMENT_BEFORE,
  object("deployment options", {
    ...SHARED_FIELDS,
    user_config: optional(z.unknown(), {
      doc: "Passed to the class's `reconfigure`.",
      default: null,
      update: "reconfigure",
    }),
    max_constructor_retry_count: optional(laxInt({ above: 0 }), {
      doc: "Failed starts in a row after which a deploy fails.",
      default: D.max_constructor_retry_count,
      update: "controller",
    }),
  }).superRefine(rules(...DEPLOYMENT_AFTER)),
);
