import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApplicationConfigSchema, DeployConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { effectiveDeployment } from "../../src/config/effective.ts";
import {
  applicationConfigFromMessage,
  applicationConfigToMessage,
  deployConfigFromMessage,
  deployConfigToMessage,
  deploymentConfigToMessage,
} from "../../src/config/message.ts";
import { parseDeployConfig } from "../../src/config/parse.ts";
import type { DeployConfig } from "../../src/config/types.ts";

const seconds = fc.double({ min: 0.001, max: 1e6, noNaN: true });
const text = fc.string({ minLength: 1, maxLength: 8 });
const json = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,5}$/),
  fc.oneof(text, fc.boolean(), fc.integer(), fc.constant(null)),
);
const optional = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });

const autoscaling = optional({
  min_replicas: fc.constantFrom(0, 1),
  max_replicas: fc.integer({ min: 1, max: 1000 }),
  initial_replicas: fc.constant(null),
  target_ongoing_requests: seconds,
  upscale_delay_s: seconds,
  downscale_to_zero_delay_s: fc.oneof(seconds, fc.constant(null)),
  aggregation_function: fc.constantFrom("mean", "max", "min"),
  policy: fc.record({ policy_function: fc.constant("m:f"), policy_kwargs: json }),
});

const shared = {
  max_ongoing_requests: fc.integer({ min: 1, max: 1000 }),
  max_queued_requests: fc.constantFrom(-1, 1, 7),
  backpressure_config: fc.record({ status_code: fc.constantFrom(503 as const, 429 as const), retry_after_s: seconds }),
  user_config: fc.oneof(json, fc.constant(null)),
  health_check_period_s: seconds,
  ray_actor_options: optional({ num_cpus: seconds, runtime_env: fc.record({ env_vars: json }) }),
  placement_group_bundles: fc.array(fc.record({ CPU: seconds }), { minLength: 1, maxLength: 2 }),
  deployment_actors: fc.oneof(fc.array(json, { minLength: 1, maxLength: 2 }), fc.constant(null)),
  gang_scheduling_config: fc.constant(null),
  rolling_update_percentage: fc.double({ min: 0.01, max: 1, noNaN: true }),
  max_surge_percent: fc.integer({ min: 0, max: 100 }),
};

const deployment = fc
  .tuple(
    text,
    optional(shared),
    fc.oneof(
      fc.constant({}),
      fc.record({ num_replicas: fc.integer({ min: 1, max: 99 }), autoscaling_config: fc.constant(null) }),
      fc.record({ num_replicas: fc.constantFrom("auto" as const, null), autoscaling_config: autoscaling }),
    ),
  )
  .map(([name, fields, scaling]) => ({ name, ...fields, ...scaling }));

const application = optional({
  runtime_env: fc.record({ env_vars: json }),
  deployments: fc.array(deployment, { minLength: 1, maxLength: 2 }),
  autoscaling_policy: fc.oneof(json, fc.constant(null)),
  autoscaling_shadow: fc.oneof(json, fc.constant(null)),
  args: json,
  logging_config: optional({ log_level: fc.constantFrom("INFO", "DEBUG"), enable_access_log: fc.boolean() }),
});

const document: fc.Arbitrary<DeployConfig> = fc
  .tuple(
    optional({
      proxy_location: fc.constantFrom("Disabled" as const, "HeadOnly" as const, "EveryNode" as const),
      http_options: optional({ host: text, port: fc.integer({ min: 0, max: 65535 }), request_timeout_s: seconds }),
      grpc_options: optional({ port: fc.integer({ min: 0, max: 65535 }), enable_reflection: fc.boolean() }),
      target_capacity: fc.double({ min: 0, max: 100, noNaN: true }),
    }),
    fc.array(application, { maxLength: 3 }),
  )
  .map(([top, apps]) => ({
    ...top,
    applications: apps.map((app, i) => ({
      ...app,
      name: `a${i}`,
      route_prefix: i === 0 ? null : `/${i}`,
      import_path: "m:a",
    })),
  }));

describe("documents and messages", () => {
  it("a document survives the way through bytes and the parser", () => {
    fc.assert(
      fc.property(document, (config) => {
        const sent = toBinary(DeployConfigSchema, deployConfigToMessage(config));
        const plain = deployConfigFromMessage(fromBinary(DeployConfigSchema, sent));
        expect(parseDeployConfig(plain)).toEqual({ ok: true, config, warnings: [] });
      }),
      { numRuns: 150, seed: 7 },
    );
  });

  it("an empty message is an empty document", () => {
    expect(deployConfigFromMessage(create(DeployConfigSchema))).toEqual({ applications: [] });
  });

  it("a null is carried by name, and an unset field is not", () => {
    const app = { import_path: "m:a", route_prefix: null };
    const message = applicationConfigToMessage(app);
    expect(message.explicitNulls).toEqual(["route_prefix"]);
    expect(applicationConfigFromMessage(message)).toEqual(app);
    expect(applicationConfigFromMessage(applicationConfigToMessage({ import_path: "m:a" }))).toEqual({
      import_path: "m:a",
    });
  });

  it("names in explicit_nulls that are no unset field are ignored", () => {
    const explicitNulls = ["import_path", "__proto__", "nothing", "logging_config"];
    const message = create(ApplicationConfigSchema, { importPath: "m:a", explicitNulls });
    expect(applicationConfigFromMessage(message)).toEqual({ import_path: "m:a", logging_config: null });
  });

  it("lax values inside autoscaling_config are coerced", () => {
    const message = applicationConfigToMessage({
      import_path: "m:a",
      deployments: [{ name: "D", autoscaling_config: { min_replicas: "2", aggregation_function: "MAX" } }],
    });
    expect(message.deployments[0]?.autoscalingConfig).toMatchObject({ minReplicas: 2, aggregationFunction: 2 });
  });

  it("settings in force become a message without nulls", () => {
    const merged = effectiveDeployment({ num_replicas: "auto" }, undefined, "D");
    if (!merged.ok) throw new Error("refused");
    const message = deploymentConfigToMessage(merged.config);
    expect(message).toMatchObject({ name: "D", maxOngoingRequests: 5, autoscalingConfig: { maxReplicas: 100 } });
    expect(message.explicitNulls).toEqual([]);
    expect(message.autoscalingConfig?.initialReplicas).toBeUndefined();
  });

  it("what fits no message is refused in one line", () => {
    const app = { import_path: "m:a", deployments: [{ name: "D", max_ongoing_requests: 2 ** 40 }] };
    expect(() => applicationConfigToMessage(app)).toThrow(/^the config does not fit a message: [^\n]+$/);
  });
});
