/**
 * Between config documents and the messages of windlass.config.v1. A message carries explicit nulls by name where an
 * absent field means something else; it has no place for `controller_options` and `tracing_config`, and an empty list
 * is the same as none.
 */
import {
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import {
  ApplicationConfigSchema,
  type ApplicationConfig as ApplicationMessage,
  DeployConfigSchema,
  type DeployConfig as DeployMessage,
} from "../../gen/windlass/config/v1/application_pb.ts";
import {
  DeploymentConfigSchema,
  type DeploymentConfig as DeploymentMessage,
} from "../../gen/windlass/config/v1/deployment_pb.ts";
import {
  CanaryAnalysisSchema,
  CanaryStepSchema,
  RolloutConfigSchema,
} from "../../gen/windlass/config/v1/rollout_pb.ts";
import { errorText, WindlassError } from "../core/errors.ts";
import { readBy } from "./read.ts";
import { AUTOSCALING_FIELDS } from "./schema-autoscaling.ts";
import { isRecord } from "./schema-types.ts";
import type {
  ApplicationConfig,
  DeployConfig,
  DeploymentOverride,
  EffectiveDeploymentConfig,
  RolloutConfig,
} from "./types.ts";

type Plain = Record<string, unknown>;

const LOCATION_PREFIX = "PROXY_LOCATION_";
const LOCATIONS: Readonly<Record<string, string>> = {
  Disabled: "DISABLED",
  HeadOnly: "HEAD_ONLY",
  EveryNode: "EVERY_NODE",
};
const AGGREGATION_PREFIX = "AGGREGATION_FUNCTION_";
/** Fields of a deployment that hold an autoscaling config. */
const SCALINGS = ["autoscaling_config", "autoscaling_shadow"] as const;
const SCALING_PREFIXES: Readonly<Record<string, string>> = {
  owner: "SCALING_OWNER_",
  lease_fallback: "LEASE_FALLBACK_",
};

/** A whole document as a message. Fails with INVALID_CONFIG for what no message can hold; a checked one never does. */
export function deployConfigToMessage(config: DeployConfig): DeployMessage {
  const { proxy_location, applications, ...rest } = config;
  return build(DeployConfigSchema, {
    ...withoutNulls(rest),
    ...(proxy_location ? { proxy_location: LOCATION_PREFIX + LOCATIONS[proxy_location] } : {}),
    applications: applications.map(applicationJson),
  });
}

/** One application as a message. */
export function applicationConfigToMessage(app: ApplicationConfig): ApplicationMessage {
  return build(ApplicationConfigSchema, applicationJson(app));
}

/** The settings in force as a message; fields that are null in them are absent. */
export function deploymentConfigToMessage(config: EffectiveDeploymentConfig): DeploymentMessage {
  const { autoscaling_config: autoscaling, autoscaling_shadow: shadow } = config;
  return build(DeploymentConfigSchema, {
    ...withoutNulls(config),
    ...(autoscaling ? { autoscaling_config: autoscalingJson(withoutNulls(autoscaling)) } : {}),
    ...(shadow ? { autoscaling_shadow: autoscalingJson(withoutNulls(shadow)) } : {}),
    ...(config.rollout ? { rollout: rolloutJson(config.rollout) } : {}),
  });
}

/** The document that a message stands for, not yet parsed or checked. Fails with INVALID_CONFIG for NaN and the like. */
export function deployConfigFromMessage(message: DeployMessage): Plain {
  const { proxy_location, applications, ...rest } = print(DeployConfigSchema, message);
  const location = Object.keys(LOCATIONS).find((name) => LOCATION_PREFIX + LOCATIONS[name] === proxy_location);
  return {
    // A number that is no known location is left to parse, which names what is allowed.
    ...(proxy_location === undefined ? {} : { proxy_location: location ?? proxy_location }),
    ...rest,
    applications: ((applications ?? []) as Plain[]).map(applicationPlain),
  };
}

/** The application that a message stands for, not yet parsed or checked. */
export function applicationConfigFromMessage(message: ApplicationMessage): Plain {
  return applicationPlain(print(ApplicationConfigSchema, message));
}

function build<Desc extends DescMessage>(schema: Desc, json: Plain): MessageShape<Desc> {
  try {
    return fromJson(schema, json as JsonObject, { ignoreUnknownFields: true });
  } catch (error) {
    throw new WindlassError("INVALID_CONFIG", `the config does not fit a message: ${errorText(error)}`);
  }
}

function print<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Plain {
  try {
    return toJson(schema, message, { useProtoFieldName: true }) as Plain;
  } catch (error) {
    throw new WindlassError("INVALID_CONFIG", `the config cannot be read: ${errorText(error)}`);
  }
}

function withoutNulls(config: object): Plain {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}

function nameNulls(config: object): Plain {
  const nulls = Object.keys(config).filter((key) => (config as Plain)[key] === null);
  return { ...withoutNulls(config), ...(nulls.length === 0 ? {} : { explicit_nulls: nulls }) };
}

function applicationJson(app: ApplicationConfig): Plain {
  const { deployments, scaling, ...rest } = app;
  return {
    ...nameNulls(rest),
    ...(scaling ? { scaling: mapScaling(scaling, (prefix, word) => prefix + word.toUpperCase()) } : {}),
    ...(deployments ? { deployments: deployments.map(overrideJson) } : {}),
  };
}

/** Words of the document and names of the enums turned into each other. */
function mapScaling(scaling: object, map: (prefix: string, word: string) => string): Plain {
  const named = Object.entries(scaling).map(([key, value]) => {
    const prefix = SCALING_PREFIXES[key];
    return [key, prefix === undefined || typeof value !== "string" ? value : map(prefix, value)];
  });
  return Object.fromEntries(named);
}

/** Explicit nulls at every level of `rollout`. */
function rolloutJson({ canary, canary_analysis: analysis, ...rest }: RolloutConfig): Plain {
  return {
    ...nameNulls({ ...rest, ...(analysis === undefined ? {} : { canary_analysis: analysis }) }),
    ...(canary ? { canary: canary.map(nameNulls) } : {}),
    ...(analysis ? { canary_analysis: nameNulls(analysis) } : {}),
  };
}

function rolloutPlain(json: Plain): Plain {
  const { canary, canary_analysis: analysis, ...rest } = withNulls(json, fieldNames(RolloutConfigSchema));
  return {
    ...rest,
    ...(canary === undefined
      ? {}
      : { canary: (canary as Plain[]).map((step) => withNulls(step, fieldNames(CanaryStepSchema))) }),
    ...(analysis === undefined
      ? {}
      : { canary_analysis: analysis && withNulls(analysis as Plain, fieldNames(CanaryAnalysisSchema)) }),
  };
}

function overrideJson({ rollout, ...rest }: DeploymentOverride): Plain {
  return {
    ...scaledJson({ ...rest, ...(rollout === null ? { rollout } : {}) }),
    ...(rollout ? { rollout: rolloutJson(rollout) } : {}),
  };
}

function scaledJson(override: DeploymentOverride): Plain {
  const json = nameNulls(override);
  for (const field of SCALINGS) {
    const given = override[field];
    if (!given) continue;
    // Its contents are kept as they were sent; a message needs them coerced.
    const parsed = readBy(AUTOSCALING_FIELDS, given);
    if (!parsed.ok) {
      const { message } = parsed.issues[0]!;
      throw new WindlassError("INVALID_CONFIG", `${field} of ${override.name}: ${message}`);
    }
    json[field] = autoscalingJson(nameNulls(parsed.value));
  }
  return json;
}

function autoscalingJson(config: Plain): Plain {
  const { aggregation_function: aggregation, ...rest } = config;
  if (typeof aggregation !== "string") return rest;
  return { ...rest, aggregation_function: AGGREGATION_PREFIX + aggregation.toUpperCase() };
}

function applicationPlain(json: Plain): Plain {
  const { deployments, scaling, ...rest } = withNulls(json, APPLICATION_FIELDS);
  return {
    ...rest,
    ...(isRecord(scaling)
      ? { scaling: mapScaling(scaling, (prefix, name) => name.replace(prefix, "").toLowerCase()) }
      : {}),
    ...(deployments ? { deployments: (deployments as Plain[]).map(overridePlain) } : {}),
  };
}

function overridePlain(json: Plain): Plain {
  const { rollout, ...given } = withNulls(json, DEPLOYMENT_FIELDS);
  const override: Plain = {
    ...given,
    ...(rollout === undefined ? {} : { rollout: isRecord(rollout) ? rolloutPlain(rollout) : rollout }),
  };
  for (const field of SCALINGS) {
    const scaling = override[field];
    if (isRecord(scaling)) override[field] = autoscalingPlain(scaling);
  }
  return override;
}

function autoscalingPlain(scaling: Plain): Plain {
  const { aggregation_function: aggregation, policy, ...rest } = withNulls(scaling, AUTOSCALING_NAMES);
  return {
    ...rest,
    ...(typeof aggregation === "string"
      ? { aggregation_function: aggregation.replace(AGGREGATION_PREFIX, "").toLowerCase() }
      : {}),
    ...(policy === undefined ? {} : { policy }),
  };
}

const fieldNames = (schema: DescMessage): readonly string[] => schema.fields.map((field) => field.name);
const APPLICATION_FIELDS = fieldNames(ApplicationConfigSchema);
const DEPLOYMENT_FIELDS = fieldNames(DeploymentConfigSchema);
const AUTOSCALING_NAMES = Object.keys(AUTOSCALING_FIELDS.shape);

/** Puts explicit nulls back; names that are no field, or have a value, are ignored. */
function withNulls(json: Plain, fields: readonly string[]): Plain {
  const { explicit_nulls: nulls, ...rest } = json;
  const names = ((nulls ?? []) as JsonValue[]).filter(
    (name): name is string => typeof name === "string" && fields.includes(name) && !Object.hasOwn(rest, name),
  );
  return { ...rest, ...Object.fromEntries(names.map((name) => [name, null])) };
}
