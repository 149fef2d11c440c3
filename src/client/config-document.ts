/** Config documents, as YAML files hold them, made into messages. Pure. */
import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type MessageShape,
} from "@bufbuild/protobuf";
import {
  type ApplicationConfig,
  ApplicationConfigSchema,
  type DeployConfig,
  DeployConfigSchema,
} from "../../gen/windlass/config/v1/application_pb.ts";
import { errorText } from "../core/errors.ts";

/** Names the fields that were null, where an absent one means something else. */
const NULLS = "explicit_nulls";

/**
 * One application of a config document, for UpdateApplication. Throws a TypeError where a message cannot hold it: an
 * unknown field, a text for a number. The server checks the rest.
 */
export function applicationConfig(document: object): ApplicationConfig {
  return messageOf(ApplicationConfigSchema, document);
}

/** A whole config document, for ApplyConfig. Else as {@link applicationConfig}. */
export function deployConfig(document: object): DeployConfig {
  return messageOf(DeployConfigSchema, document);
}

function messageOf<Schema extends DescMessage>(schema: Schema, document: object): MessageShape<Schema> {
  const json = fill(schema, document, "");
  try {
    return fromJson(schema, json);
  } catch (error) {
    throw unfit(errorText(error));
  }
}

function fill(schema: DescMessage, document: unknown, path: string): JsonObject {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw unfit(`${path || "it"} must be an object, got ${JSON.stringify(document)}`);
  }
  const out: Record<string, JsonValue> = {};
  const nulls: string[] = [];
  const takesNulls = schema.fields.some(({ name }) => name === NULLS);
  for (const [key, value] of Object.entries(document)) {
    const here = path === "" ? key : `${path}.${key}`;
    const field = schema.fields.find(({ name }) => name === key);
    if (field === undefined || key === NULLS) throw unfit(`${here} is not known`);
    if (value === undefined) continue;
    if (value !== null) out[key] = fillField(field, value, here);
    else if (takesNulls) nulls.push(key);
  }
  return nulls.length > 0 ? { ...out, [NULLS]: nulls } : out;
}

function fillField(field: DescField, value: unknown, path: string): JsonValue {
  const message = field.fieldKind === "map" ? undefined : field.message;
  if (message?.file.proto.package.startsWith("windlass.")) {
    if (!Array.isArray(value)) return fill(message, value, path);
    return value.map((item, index) => fill(message, item, `${path}[${index}]`));
  }
  if (field.fieldKind !== "map" && field.enum !== undefined && typeof value === "string") {
    // "max" is AGGREGATION_FUNCTION_MAX, "HeadOnly" is PROXY_LOCATION_HEAD_ONLY.
    const prefix = (field.enum.values[0]?.name ?? "").replace(/UNSPECIFIED$/, "");
    return prefix + value.replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
  }
  return value as JsonValue;
}

function unfit(why: string): TypeError {
  return new TypeError(`the config does not fit a message: ${why}`);
}
