/**
 * What zod schemas say about themselves beyond parsing. Fields and types are registered where they are declared, and
 * the parser's messages, the unknown-key check and docs/config.md read it here, so that a field is described once.
 */
import * as z from "zod";
import type { Path, UpdateClass } from "./schema-types.ts";

/** What the docs say about a field. */
export interface FieldInfo {
  /** One sentence: meaning, unit. */
  readonly doc: string;
  /** As printed in the docs; absent for required fields and those whose default is "none". */
  readonly default?: unknown;
  /** What a change does to running replicas; absent when that depends on the contents. */
  readonly update?: UpdateClass;
  /** Accepted only to be refused with a better message, so not in the docs. */
  readonly hidden?: boolean;
}

/** What a type is called and holds, where zod's own definition does not say. */
export interface TypeInfo {
  /** Completes "must be …"; for types with a conversion of their own. */
  readonly label?: string;
  /** The JSON Schema of what the label says, where it cannot be derived. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** Name of an object's schema in the reference. */
  readonly name?: string;
  /** `whole`: holds a whole number, for which it may matter that it was written as a float. */
  readonly number?: "whole" | "any";
  /** For objects that parse keeps as they are: what the check layer and the docs expect inside. */
  readonly contents?: z.ZodType;
}

type AnySchema = z.core.$ZodType;

const FIELDS = z.registry<FieldInfo>();
const TYPES = z.registry<object>();

/** Registers what the docs say about a field: the schema that stands in an object's shape. */
export function describeField<T extends AnySchema>(field: T, info: FieldInfo): T {
  FIELDS.add(field, info);
  return field;
}

/** Registers what a type is called; refined copies of the type inherit it. */
export function nameType<T extends AnySchema>(type: T, info: TypeInfo): T {
  TYPES.add(type, info);
  return type;
}

/** What is registered for a field. */
export function fieldInfo(field: AnySchema): FieldInfo | undefined {
  return FIELDS.get(field);
}

/** What is registered for a type, whatever is wrapped around it. */
export function typeInfo(schema: AnySchema): TypeInfo {
  return Object.assign({}, ...layers(schema).map((layer) => TYPES.get(layer)));
}

const definition = (schema: AnySchema) => (schema as z.core.$ZodTypes)._zod.def;

/** The schemas from the field inwards: what is wrapped around the type, and the type itself last. */
function layers(schema: AnySchema): AnySchema[] {
  const def = definition(schema);
  if (def.type === "optional" || def.type === "nullable") return [schema, ...layers(def.innerType)];
  return def.type === "pipe" ? [schema, ...layers(def.out)] : [schema];
}

const bare = (schema: AnySchema) => definition(layers(schema).at(-1) ?? schema);

/** The fields of an object's schema; `undefined` for every other type. */
export function shapeOf(schema: AnySchema): Readonly<Record<string, AnySchema>> | undefined {
  const def = bare(schema);
  return def.type === "object" ? def.shape : undefined;
}

/** The type of a list's items or of a map's values; `undefined` for every other type. */
export function itemOf(schema: AnySchema): AnySchema | undefined {
  const def = bare(schema);
  if (def.type === "array") return def.element;
  return def.type === "record" ? def.valueType : undefined;
}

/** The schema of the value at a path; the nearest known one when the path leaves the schema. */
export function schemaAt(schema: AnySchema, path: Path): AnySchema {
  const [step, ...rest] = path;
  if (step === undefined) return schema;
  const next = shapeOf(schema)?.[step] ?? itemOf(schema);
  return next === undefined ? schema : schemaAt(next, rest);
}

/** Whether an object must have the field. */
export function isRequired(field: AnySchema): boolean {
  return definition(field).type !== "optional";
}

/** What a type allows, to complete "must be …": "a whole number > 0 or null". */
export function describeType(schema: AnySchema): string {
  const suffix = layers(schema).some((layer) => definition(layer).type === "nullable") ? " or null" : "";
  return (typeInfo(schema).label ?? describeBare(bare(schema))) + suffix;
}

function describeBare(def: z.core.$ZodTypes["_zod"]["def"]): string {
  switch (def.type) {
    case "string":
      return "text";
    case "array":
      return "a list";
    case "enum":
      return oneOf(Object.values(def.entries));
    case "literal":
      return oneOf(def.values);
    case "unknown":
      return "any JSON value";
    default:
      return "an object";
  }
}

function oneOf(values: readonly unknown[]): string {
  return values.length > 10 ? `one of ${values.join(", ")}` : values.join(" or ");
}
