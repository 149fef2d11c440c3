import type { Path, Type } from "./schema-types.ts";

/** The path as users see it: `applications[0].deployments[1].num_replicas`; "" for the document itself. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** A value inside a message: JSON on one line, at most 60 characters. */
export function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function bounds(type: { min?: number; above?: number; max?: number }): string {
  if (type.above !== undefined && type.max !== undefined) return ` > ${type.above} and <= ${type.max}`;
  if (type.min !== undefined && type.max !== undefined) return ` from ${type.min} to ${type.max}`;
  if (type.above !== undefined) return ` > ${type.above}`;
  if (type.min !== undefined) return ` >= ${type.min}`;
  return type.max === undefined ? "" : ` <= ${type.max}`;
}

function describePlain(type: Type): string {
  switch (type.kind) {
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number${bounds(type)}`;
    case "number":
      return `a${type.finite ? " finite" : ""} number${bounds(type)}`;
    case "choice":
    case "enum":
      return type.values.length > 10 ? `one of ${type.values.join(", ")}` : type.values.join(" or ");
    case "object":
    case "schema":
      return "an object";
    case "any":
      return "any JSON value";
    case "list":
      return "a list";
    case "map":
      return "an object";
    case "custom":
      return type.label;
  }
}

/** What a type allows, to complete "must be …": "a whole number > 0 or null". */
export function describeType(type: Type): string {
  return describePlain(type) + (type.nullable ? " or null" : "");
}
