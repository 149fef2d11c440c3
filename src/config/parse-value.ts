/** Reads a plain value by a schema: coerces, keeps only supplied and known keys, and collects every broken rule. */
import { type Coerced, toBoolean, toInteger, toNumber, toStrictInteger } from "./coerce.ts";
import { describeType, show } from "./describe.ts";
import type { Cursor, FloatMarks, Issue, IssueKind, Path, Schema, Type } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

/** A parsed value, or everything that is wrong with it. */
export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly Issue[] };

const FAILED = Symbol("failed");

interface Run {
  readonly issues: Issue[];
  readonly floats: FloatMarks | undefined;
}

/** Reads `value` as `type`; `path` is where it stands in the document. */
export function parseValue(type: Type, value: unknown, options: { path?: Path; floats?: FloatMarks } = {}): Parsed {
  const run: Run = { issues: [], floats: options.floats };
  const float = typeof value === "number" && !Number.isInteger(value);
  const result = read(type, { value, path: options.path ?? [], float }, run);
  return result === FAILED ? { ok: false, issues: run.issues } : { ok: true, value: result };
}

function read(type: Type, cursor: Cursor, run: Run): unknown {
  const { value } = cursor;
  if (value === null && type.nullable) return null;
  switch (type.kind) {
    case "any":
      return value;
    case "string":
      return typeof value === "string" ? value : fail(run, cursor, type, "not_a_string");
    case "boolean":
      return take(run, cursor, type, toBoolean(value));
    case "integer":
    case "number":
      return readNumber(type, cursor, run);
    case "choice": {
      if (typeof value !== "string") return fail(run, cursor, type, "not_a_string");
      const wanted = type.fold ? value.toLowerCase() : value;
      return type.values.includes(wanted) ? wanted : fail(run, cursor, type, "unknown_enum_value");
    }
    case "enum":
      return (type.values as readonly unknown[]).includes(value)
        ? value
        : fail(run, cursor, type, "unknown_enum_value");
    case "object":
      return isRecord(value) ? value : fail(run, cursor, type, "not_an_object");
    case "list":
      return Array.isArray(value) ? readList(type.of, value, cursor, run) : fail(run, cursor, type, "not_an_array");
    case "map":
      return isRecord(value) ? readMap(type.of, value, cursor, run) : fail(run, cursor, type, "not_an_object");
    case "schema":
      return isRecord(value) ? readObject(type.schema, value, cursor, run) : fail(run, cursor, type, "not_an_object");
    case "custom": {
      const result = type.parse(cursor);
      if ("value" in result) return result.value;
      run.issues.push({ path: cursor.path, ...result });
      return FAILED;
    }
  }
}

function readNumber(type: Type & { kind: "integer" | "number" }, cursor: Cursor, run: Run): unknown {
  const result =
    type.kind === "number"
      ? toNumber(cursor.value)
      : (type.strict ? toStrictInteger : toInteger)(cursor.value, cursor.float);
  if ("kind" in result) return fail(run, cursor, type, result.kind);
  const { value } = result;
  if (type.kind === "number" && type.finite && !Number.isFinite(value)) return fail(run, cursor, type, "not_finite");
  // Upper bound first, and negated, so that not-a-number is outside every bound.
  if (type.max !== undefined && !(value <= type.max)) return fail(run, cursor, type, "above_maximum");
  if (type.min !== undefined && !(value >= type.min)) return fail(run, cursor, type, "below_minimum");
  if (type.above !== undefined && !(value > type.above)) return fail(run, cursor, type, "not_above_minimum");
  return value;
}

function readList(of: Type, items: readonly unknown[], cursor: Cursor, run: Run): unknown {
  const values = items.map((item, index) => read(of, child(cursor, items, index, item, run), run));
  return values.includes(FAILED) ? FAILED : values;
}

function readMap(of: Type, map: Record<string, unknown>, cursor: Cursor, run: Run): unknown {
  const entries = Object.entries(map).map(([key, item]) => [key, read(of, child(cursor, map, key, item, run), run)]);
  return entries.some(([, value]) => value === FAILED) ? FAILED : Object.fromEntries(entries);
}

function readObject(schema: Schema, input: Record<string, unknown>, cursor: Cursor, run: Run): unknown {
  for (const rule of schema.before ?? []) {
    const issues = rule(input, { path: cursor.path, floatKeys: floatKeys(input, run) });
    if (issues.length > 0) {
      run.issues.push(...issues);
      return FAILED;
    }
  }
  const value: Record<string, unknown> = {};
  let failed = false;
  for (const [name, field] of Object.entries(schema.fields)) {
    const path = [...cursor.path, name];
    if (!Object.hasOwn(input, name)) {
      if (!field.required) continue;
      run.issues.push({ path, kind: "missing", message: `is required: give ${describeType(field.type)}` });
      failed = true;
      continue;
    }
    const item = read(field.type, child(cursor, input, name, input[name], run), run);
    const fault = item === FAILED ? undefined : field.rule?.(item, value);
    if (fault) run.issues.push({ path, ...fault });
    if (item === FAILED || fault) failed = true;
    else if (!field.dropped) value[name] = item;
  }
  if (schema.unknown === "refuse") {
    for (const key of Object.keys(input)) {
      if (Object.hasOwn(schema.fields, key)) continue;
      const known = Object.keys(schema.fields).join(", ");
      run.issues.push({
        path: [...cursor.path, key],
        kind: "unknown_key",
        message: `is not a key of ${schema.name}, remove it; known are ${known}`,
      });
      failed = true;
    }
  }
  if (failed) return FAILED;
  for (const rule of schema.after ?? []) {
    const fault = rule(value, input);
    if (!fault) continue;
    run.issues.push({ path: cursor.path, ...fault });
    return FAILED;
  }
  return value;
}

/** The float-written keys of one object, for rules that look at raw values. */
function floatKeys(input: Record<string, unknown>, run: Run): readonly string[] {
  return Object.keys(input).filter((key) => isFloat(input, key, input[key], run));
}

function child(cursor: Cursor, holder: object, key: string | number, value: unknown, run: Run): Cursor {
  return { value, path: [...cursor.path, key], float: isFloat(holder, key, value, run) };
}

function isFloat(holder: object, key: string | number, value: unknown, run: Run): boolean {
  return typeof value === "number" && (!Number.isInteger(value) || (run.floats?.has(holder, key) ?? false));
}

function take(run: Run, cursor: Cursor, type: Type, result: Coerced<unknown>): unknown {
  return "kind" in result ? fail(run, cursor, type, result.kind) : result.value;
}

function fail(run: Run, cursor: Cursor, type: Type, kind: IssueKind): typeof FAILED {
  run.issues.push({ path: cursor.path, kind, message: `must be ${describeType(type)}, got ${show(cursor.value)}` });
  return FAILED;
}
