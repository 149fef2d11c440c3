/** The config's JSON Schema, for editors: types, limits, defaults and docs as the zod schemas and their registries say. */
import * as z from "zod";
import { SCALE_SCHEMA } from "./parse.ts";
import { DEPLOY_SCHEMA } from "./schema-deploy.ts";
import { describeType, fieldInfo, typeInfo } from "./schema-info.ts";

/** A JSON Schema or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of a whole config document, without its `start:` section. Draft 2020-12. */
export function configJsonSchema(): JsonSchema {
  return { title: "Windlass config", ...jsonSchemaOf(DEPLOY_SCHEMA) };
}

/** The schema of the scale webhook's body. */
export function scaleJsonSchema(): JsonSchema {
  const { $schema: _, ...schema } = jsonSchemaOf(SCALE_SCHEMA);
  return schema;
}

/**
 * Says what is to be written, not all that is accepted: numbers given as text, and switches given as 0 and 1, are read
 * too. Unknown keys are left to the parser, which tells typos from keys of others.
 */
function jsonSchemaOf(schema: z.core.$ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      Object.assign(jsonSchema, typeOf(zodSchema));
      if (zodSchema._zod.def.type === "object") Object.assign(jsonSchema, codeOrCommands(jsonSchema));
      const says = ["type", "anyOf", "enum"].some((keyword) => keyword in jsonSchema);
      Object.assign(jsonSchema, docsOf(zodSchema, says));
      // zod's word for a pattern that stands beside it; validators know no such format.
      if (jsonSchema.format === "starts_with") delete jsonSchema.format;
    },
  }) as Record<string, unknown>;
}

/** For types that zod only knows as functions. */
function typeOf(schema: z.core.$ZodTypes): Record<string, unknown> {
  const { def } = schema._zod;
  const info = typeInfo(schema);
  if (def.type === "transform") {
    if (info.json !== undefined) return { ...info.json };
    if (info.label?.includes('"auto"')) {
      return { anyOf: [{ type: "integer", exclusiveMinimum: 0 }, { const: "auto" }, { type: "null" }] };
    }
    if (info.number !== undefined) return { type: info.number === "whole" ? "integer" : "number", ...boundsOf(schema) };
    if (info.label === "true or false") return { type: "boolean" };
    return {};
  }
  if (def.type === "custom") return { type: "object", ...contentsOf(info.contents) };
  if (def.type === "pipe") return pipeOf(def);
  return {};
}

/** An application has an import path, or deployments that are commands. */
function codeOrCommands({ required }: { readonly required?: readonly string[] }): Record<string, unknown> {
  if (!required?.includes("import_path")) return {};
  const others = required.filter((name) => name !== "import_path");
  return {
    required: others,
    anyOf: ["import_path", "deployments"].map((name) => ({
      type: "object",
      properties: { [name]: {} },
      required: [name],
    })),
  };
}

function pipeOf({ in: from, out }: z.core.$ZodPipeDef): Record<string, unknown> {
  const [before, after] = [from as z.core.$ZodTypes, out as z.core.$ZodTypes];
  if (after._zod.def.type !== "enum") return {};
  // Text whose case does not matter is shown, not demanded.
  const values = Object.values(after._zod.def.entries);
  return (before._zod.def.checks ?? []).length > 0 ? { examples: values } : { enum: values };
}

function contentsOf(contents: z.ZodType | undefined): Record<string, unknown> {
  if (contents === undefined) return {};
  const { $schema: _, ...schema } = jsonSchemaOf(contents);
  return schema;
}

function boundsOf(schema: z.core.$ZodTypes): Record<string, number> {
  const bounds: Record<string, number> = {};
  for (const { _zod } of schema._zod.def.checks ?? []) {
    const def = _zod.def as Partial<z.core.$ZodCheckLessThanDef & z.core.$ZodCheckGreaterThanDef>;
    const { check, value, inclusive } = def as { check?: string; value?: number; inclusive?: boolean };
    if (value === undefined) continue;
    if (check === "less_than") bounds[inclusive ? "maximum" : "exclusiveMaximum"] = value;
    if (check === "greater_than") bounds[inclusive ? "minimum" : "exclusiveMinimum"] = value;
  }
  return bounds;
}

/** `typed`: the JSON Schema says what is allowed, so that words need not. */
function docsOf(schema: z.core.$ZodTypes, typed: boolean): Record<string, unknown> {
  const info = fieldInfo(schema);
  if (info === undefined) return {};
  return {
    description: typed ? info.doc : `${info.doc} ${sentence(describeType(schema))}`,
    ...(info.default === undefined ? {} : { default: info.default }),
    // Accepted only to be refused with a better message.
    ...(info.hidden ? { deprecated: true } : {}),
  };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
