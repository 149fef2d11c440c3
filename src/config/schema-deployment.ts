/** The schemas of one deployment: overrides in a config, and options set in code. */
import { BACKPRESSURE_DEFAULTS, DEPLOYMENT_DEFAULTS as D } from "./defaults.ts";
import { DEPLOYMENT_AFTER, DEPLOYMENT_BEFORE } from "./deployment-rules.ts";
import { AUTOSCALING_SCHEMA } from "./schema-autoscaling.ts";
import { LOGGING_SCHEMA, labelSelector, OBJECT, remoteUrisOnly } from "./schema-common.ts";
import { DEPLOYMENT_ACTOR_SCHEMA, GANG_SCHEMA, REQUEST_ROUTER_SCHEMA } from "./schema-gang.ts";
import type { Field, Schema, Type } from "./schema-types.ts";

const amount = (doc: string): Field => ({
  type: { kind: "number", min: 0, nullable: true },
  default: null,
  doc,
  update: "restart",
});

/** What callers get when the queue is full. */
export const BACKPRESSURE_SCHEMA: Schema = {
  name: "BackpressureConfig",
  unknown: "refuse",
  fields: {
    status_code: {
      type: { kind: "enum", values: [503, 429] },
      default: BACKPRESSURE_DEFAULTS.status_code,
      doc: "Status of the answer.",
      update: "reconfigure",
    },
    retry_after_s: {
      type: { kind: "number", min: 0, finite: true, nullable: true },
      default: BACKPRESSURE_DEFAULTS.retry_after_s,
      doc: "Seconds sent as `retry-after`, rounded up; null sends none.",
      update: "reconfigure",
    },
  },
};

/** Resources of one replica. */
export const ACTOR_OPTIONS_SCHEMA: Schema = {
  name: "RayActorOptionsSchema",
  unknown: "drop",
  fields: {
    runtime_env: {
      type: OBJECT,
      rule: remoteUrisOnly,
      default: {},
      doc: "Environment of the replica, over the application's; `env_vars` are merged.",
      update: "restart",
    },
    num_cpus: amount("CPUs; null is 1."),
    num_gpus: amount("GPUs."),
    memory: amount("Bytes of memory."),
    resources: { type: OBJECT, default: {}, doc: "Custom resources by name.", update: "restart" },
    accelerator_type: {
      type: { kind: "string", nullable: true },
      default: null,
      doc: "Kind of accelerator.",
      update: "restart",
    },
    label_selector: {
      type: { kind: "map", of: { kind: "string" }, nullable: true },
      rule: labelSelector,
      default: null,
      doc: "Labels a node must have.",
      update: "restart",
    },
    fallback_strategy: {
      type: { kind: "list", of: OBJECT, nullable: true },
      default: null,
      doc: "Selectors to try when the first finds no node.",
      update: "restart",
    },
  },
};

const NUM_REPLICAS: Type = {
  kind: "custom",
  label: 'a whole number > 0 or "auto" or null',
  // The type itself was checked by a rule over the whole object; true counts as 1.
  parse: ({ value }) => {
    if (value === null || value === "auto" || Number(value) > 0) {
      return { value: value === true ? 1 : value };
    }
    return { kind: "not_above_minimum", message: `must be a whole number > 0 or "auto", got ${String(value)}` };
  },
};

/** Every field but the name; code and config share them. */
const SHARED_FIELDS: Readonly<Record<string, Field>> = {
  num_replicas: {
    type: NUM_REPLICAS,
    default: 1,
    doc: 'A fixed number of replicas, or "auto" for autoscaling up to 100; null is the same as leaving it out.',
    update: "target",
  },
  max_ongoing_requests: {
    type: { kind: "integer", above: 0 },
    default: D.max_ongoing_requests,
    doc: "Requests one replica works on at once.",
    update: "reconfigure",
  },
  max_queued_requests: {
    type: { kind: "integer", strict: true },
    default: D.max_queued_requests,
    doc: "Requests that may wait at one proxy or handle; -1 is no limit.",
    update: "target",
  },
  backpressure_config: {
    type: { kind: "schema", schema: BACKPRESSURE_SCHEMA },
    default: D.backpressure_config,
    doc: "What callers get when the queue is full.",
    update: "reconfigure",
  },
  user_config: {
    type: { kind: "object", nullable: true },
    default: null,
    doc: "Passed to the class's `reconfigure`.",
    update: "reconfigure",
  },
  autoscaling_config: {
    type: { kind: "object", contents: AUTOSCALING_SCHEMA, nullable: true },
    default: null,
    doc: "Lets the replica count follow the load; null switches off what the code sets.",
    update: "target",
  },
  graceful_shutdown_wait_loop_s: {
    type: { kind: "number", min: 0 },
    default: D.graceful_shutdown_wait_loop_s,
    doc: "Seconds between two looks at a draining replica.",
    update: "reconfigure",
  },
  graceful_shutdown_timeout_s: {
    type: { kind: "number", min: 0 },
    default: D.graceful_shutdown_timeout_s,
    doc: "Seconds a replica may take to drain before it is killed.",
    update: "controller",
  },
  health_check_period_s: {
    type: { kind: "number", above: 0 },
    default: D.health_check_period_s,
    doc: "Seconds between health checks.",
    update: "controller",
  },
  health_check_timeout_s: {
    type: { kind: "number", above: 0 },
    default: D.health_check_timeout_s,
    doc: "Seconds a health check may take.",
    update: "controller",
  },
  ray_actor_options: {
    type: { kind: "schema", schema: ACTOR_OPTIONS_SCHEMA },
    default: D.ray_actor_options,
    doc: "Resources of one replica; replaces the code's as a whole.",
    update: "restart",
  },
  placement_group_bundles: {
    type: { kind: "list", of: { kind: "map", of: { kind: "number" } } },
    doc: "Resource bundles reserved together for one replica.",
    update: "restart",
  },
  placement_group_strategy: {
    type: { kind: "string" },
    default: "PACK",
    doc: "PACK, SPREAD, STRICT_PACK or STRICT_SPREAD; needs bundles.",
    update: "restart",
  },
  placement_group_bundle_label_selector: {
    type: { kind: "list", of: { kind: "map", of: { kind: "string" } } },
    doc: "Label selectors, one for each bundle or one for all.",
    update: "restart",
  },
  max_replicas_per_node: {
    type: { kind: "integer" },
    doc: "The most replicas on one node, 1 to 100.",
    update: "restart",
  },
  logging_config: {
    type: { kind: "schema", schema: LOGGING_SCHEMA },
    doc: "Logging of the replicas; the application's unless given.",
    update: "reconfigure",
  },
  request_router_config: {
    type: { kind: "object", contents: REQUEST_ROUTER_SCHEMA },
    doc: "How callers choose a replica.",
    update: "restart",
  },
  gang_scheduling_config: {
    type: { kind: "schema", schema: GANG_SCHEMA, nullable: true },
    default: null,
    doc: "Replicas that live and die together.",
    update: "restart",
  },
  deployment_actors: {
    type: { kind: "list", of: { kind: "object", contents: DEPLOYMENT_ACTOR_SCHEMA }, nullable: true },
    default: null,
    doc: "Actors shared by the replicas.",
    update: "restart",
  },
  rolling_update_percentage: {
    type: { kind: "number", above: 0, max: 1 },
    default: D.rolling_update_percentage,
    doc: "Part of the replicas that is replaced at a time.",
    update: "target",
  },
  max_surge_percent: {
    type: { kind: "integer", min: 0, max: 100 },
    default: D.max_surge_percent,
    doc: "Percent of the replicas that may be started above the target while updating.",
    update: "target",
  },
};

/** What a config says about one deployment. */
export const DEPLOYMENT_SCHEMA: Schema = {
  name: "DeploymentSchema",
  unknown: "drop",
  before: DEPLOYMENT_BEFORE,
  after: DEPLOYMENT_AFTER,
  fields: {
    name: { type: { kind: "string" }, required: true, doc: "Name of the deployment in the application's code." },
    ...SHARED_FIELDS,
  },
};

/** Options set in code: any JSON value as user_config, and a field that a config cannot set. */
export const CODE_OPTIONS_SCHEMA: Schema = {
  name: "deployment options",
  unknown: "drop",
  before: DEPLOYMENT_BEFORE,
  after: DEPLOYMENT_AFTER,
  fields: {
    ...SHARED_FIELDS,
    user_config: { ...SHARED_FIELDS.user_config!, type: { kind: "any" } },
    max_constructor_retry_count: {
      type: { kind: "integer", above: 0 },
      default: D.max_constructor_retry_count,
      doc: "Failed starts in a row after which a deploy fails.",
      update: "controller",
    },
  },
};
