/** The schemas of bodies and answers, by name. Those of configs come from what reads them. */
import { configJsonSchema, type JsonSchema, scaleJsonSchema } from "../../config/json-schema.ts";

const text = { type: "string" } as const;
const whole = { type: "integer" } as const;
const number = { type: "number" } as const;
const flag = { type: "boolean" } as const;
const anything = { type: "object" } as const;
const orNull = (type: string) => ({ type: [type, "null"] });

/** A reference to one of {@link componentSchemas}. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}

function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

/** An object whose keys are always there, but for those of `more`; keys may be added with any version. */
function answer(
  properties: Readonly<Record<string, JsonSchema>>,
  description?: string,
  more: Readonly<Record<string, JsonSchema>> = {},
): JsonSchema {
  const required = Object.keys(properties);
  const all = { ...properties, ...more };
  return { type: "object", ...(description === undefined ? {} : { description }), properties: all, required };
}

const LEASE = answer({
  owner: text,
  expires_at: { type: ["string", "null"], format: "date-time" },
  fence: orNull("integer"),
});

const STATUS = {
  type: "string",
  enum: ["NOT_STARTED", "DEPLOYING", "DEPLOY_FAILED", "RUNNING", "UNHEALTHY", "DELETING"],
} as const;

const DEPLOYMENT_STATUS = {
  type: "string",
  enum: ["UPDATING", "HEALTHY", "UNHEALTHY", "DEPLOY_FAILED", "UPSCALING", "DOWNSCALING"],
} as const;

const SAMPLE = answer({ requests: whole, errors: whole, latency_s: orNull("number") });

const CANARY = answer({
  revision: whole,
  stable_revision: whole,
  step: whole,
  steps: whole,
  weight: whole,
  phase: { type: "string", enum: ["STARTING", "RUNNING", "AWAITING_PROMOTION", "PAUSED"] },
  message: text,
  step_time_s: number,
  sample: SAMPLE,
  stable_sample: SAMPLE,
});

/** The document of a config, and its application as a schema of its own. */
function configSchemas(): Record<string, JsonSchema> {
  const { $schema: _, ...config } = configJsonSchema() as JsonSchema & { properties: Record<string, JsonSchema> };
  const applications = config.properties["applications"]! as JsonSchema & {
    items: JsonSchema & { properties: Record<string, JsonSchema> };
  };
  const { host: _host, port: _port, ...properties } = applications.items.properties;
  const { host, port } = (config.properties["http_options"] as { properties: Record<string, JsonSchema> }).properties;
  const list = { ...applications, items: schemaRef("ApplicationConfig") };
  return {
    Config: { ...config, properties: { ...config.properties, applications: list } },
    ApplicationConfig: { ...applications.items, properties },
    ApplicationConfigV1: {
      allOf: [schemaRef("ApplicationConfig"), { type: "object", properties: { host: host!, port: port! } }],
    },
  };
}

/** `components.schemas` of the document. */
export function componentSchemas(): Readonly<Record<string, JsonSchema>> {
  return {
    ...configSchemas(),
    ApplicationPatch: {
      type: "object",
      description: "A merge patch (RFC 7386) of an ApplicationConfig: null removes a key.",
    },
    ScaleRequest: scaleJsonSchema(),
    Error: answer({ error: text }, "What was wrong, the value, the limit, what to do; problems parted by `; `."),
    Instance: {
      type: "object",
      description: "Everything that is; without an instance only the required keys, empty.",
      properties: {
        controller_info: anything,
        proxy_location: { type: "string", enum: ["Disabled", "HeadOnly", "EveryNode"] },
        http_options: anything,
        grpc_options: anything,
        proxies: { type: "object", additionalProperties: anything },
        applications: { type: "object", additionalProperties: schemaRef("ApplicationDetails") },
        target_capacity: orNull("number"),
        target_groups: listOf(anything),
        controller_health_metrics: anything,
        restores_unset_config_options: flag,
      },
      required: ["controller_info", "proxies", "applications", "target_capacity"],
    },
    ApplicationDetails: answer({
      name: text,
      route_prefix: orNull("string"),
      docs_path: orNull("string"),
      status: STATUS,
      message: text,
      last_deployed_time_s: number,
      deployed_app_config: orNull("object"),
      source: { type: "string", enum: ["declarative", "imperative"] },
      deployments: { type: "object", additionalProperties: anything },
      external_scaler_enabled: flag,
      deployment_topology: orNull("object"),
    }),
    StatusV1: answer({
      name: text,
      app_status: answer({ status: STATUS, message: text, deployment_timestamp: number }),
      deployment_statuses: listOf(answer({ name: text, status: DEPLOYMENT_STATUS, message: text })),
    }),
    Application: answer({
      name: text,
      status: STATUS,
      message: text,
      route_prefix: orNull("string"),
      source: { type: "string", enum: ["declarative", "imperative"] },
      generation: whole,
      observed_generation: whole,
      revision: whole,
      etag: text,
      managed_by: orNull("string"),
      last_deployed_time_s: number,
      config: { anyOf: [schemaRef("ApplicationConfig"), { type: "null" }] },
      deployments: listOf(
        answer({
          name: text,
          status: DEPLOYMENT_STATUS,
          status_trigger: text,
          message: text,
          ingress: flag,
          target_num_replicas: whole,
          replica_counts: { type: "object", additionalProperties: whole },
          generation: whole,
          etag: text,
        }),
      ),
    }),
    ApplicationWritten: answer({
      name: text,
      generation: whole,
      etag: text,
      revision: whole,
      warnings: listOf(text),
    }),
    Revisions: answer({
      revisions: listOf(
        answer({
          number: whole,
          state: { type: "string", enum: ["PENDING", "RUNNING", "SUPERSEDED", "FAILED"] },
          message: text,
          cause: { type: "string", enum: ["CONFIG", "SOURCES", "ROLLBACK", "AUTO_ROLLBACK"] },
          rollback_of: whole,
          code_hash: text,
          actor: text,
          reason: text,
          create_time_s: number,
          config: schemaRef("ApplicationConfig"),
        }),
      ),
    }),
    ScalingDecisions: answer({
      decisions: listOf(
        answer({
          time_s: number,
          since_s: number,
          turns: whole,
          policy: { type: "string", enum: ["built-in", "user"] },
          running_replicas: whole,
          target_replicas: whole,
          total_requests: number,
          running_from: { type: "string", enum: ["replicas", "handles", "none"] },
          series: whole,
          oldest_age_s: { type: ["number", "null"] },
          newest_age_s: { type: ["number", "null"] },
          desired: { type: ["number", "null"] },
          adjustments: listOf({
            type: "object",
            required: ["kind", "from", "to"],
            properties: {
              kind: text,
              from: number,
              to: number,
              factor: number,
              direction: { type: "string", enum: ["up", "down"] },
              delay_s: number,
              left_s: number,
              gang_size: whole,
            },
            additionalProperties: false,
          }),
          result: whole,
          without_delays: whole,
          kept_because: text,
          shadow: flag,
        }),
      ),
    }),
    RollbackRequest: {
      type: "object",
      properties: {
        to_revision: { type: "integer", minimum: 0, default: 0 },
        reason: { type: "string", maxLength: 1024 },
        request_id: text,
        validate_only: { type: "boolean", default: false },
      },
      additionalProperties: false,
    },
    RolledBack: answer({
      name: text,
      generation: whole,
      etag: text,
      revision: whole,
      application_revision: whole,
      rolled_back_to: whole,
    }),
    Retried: answer({ name: text, generation: whole, etag: text, revision: whole, status: STATUS }),
    Canary: CANARY,
    PromoteCanaryRequest: {
      type: "object",
      properties: { full: { type: "boolean", default: false } },
      additionalProperties: false,
    },
    AbortCanaryRequest: {
      type: "object",
      properties: { reason: { type: "string", maxLength: 1024 } },
      additionalProperties: false,
    },
    CanaryChanged: answer({
      name: text,
      generation: whole,
      etag: text,
      revision: whole,
      application_revision: whole,
      canary: { anyOf: [schemaRef("Canary"), { type: "null" }] },
    }),
    Plan: answer({
      token: text,
      expire_time_s: orNull("number"),
      revision: whole,
      warnings: listOf(text),
      applications: listOf(
        answer({
          name: text,
          action: { type: "string", enum: ["NONE", "CREATE", "UPDATE", "DELETE"] },
          error: text,
          code_changed: flag,
          canary: flag,
          deployments: listOf(
            answer({
              name: text,
              action: {
                type: "string",
                enum: ["NONE", "CREATE", "SETTINGS", "SCALE", "RECONFIGURE", "RESTART", "DELETE"],
              },
              changes: listOf(text),
              target_num_replicas: whole,
              planned_target_num_replicas: whole,
              peak_extra_replicas: whole,
              peak_missing_replicas: whole,
              notes: listOf(text),
            }),
          ),
        }),
      ),
    }),
    PlanApplied: answer({ revision: whole, warnings: listOf(text) }),
    ApplicationDeleted: answer({ name: text, revision: whole }),
    Scaled: answer(
      {
        message: text,
        application: text,
        deployment: text,
        previous_target_num_replicas: whole,
        target_num_replicas: whole,
        effective_target_num_replicas: whole,
        generation: whole,
        revision: whole,
      },
      "`lease` where somebody holds one; `dry_run` where nothing was changed.",
      { lease: LEASE, dry_run: flag },
    ),
    Version: answer({
      version: text,
      ray_version: text,
      ray_commit: text,
      session_name: text,
      windlass_version: text,
    }),
    Ready: answer({ ready: flag, pid: whole, revision: whole }),
  };
}
