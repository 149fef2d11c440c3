/** Reads a plain value by a zod schema, and turns zod's issues into ours: a rule's id and one line for users. */
import type * as z from "zod";
import { show } from "./describe.ts";
import { describeType, schemaAt, shapeOf, typeInfo } from "./schema-info.ts";
import type { FloatMarks, Issue, IssueKind, Path } from "./schema-types.ts";
import { wrapFloats } from "./written-float.ts";

/** A read value, or everything that is wrong with it. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Reads `input`; `path` is where it stands in the document that issues speak of. */
export function readBy<T>(
  schema: z.ZodType<T>,
  input: unknown,
  options: { readonly path?: Path | undefined; readonly floats?: FloatMarks | undefined } = {},
): Read<T> {
  const marked = options.floats ? wrapFloats(schema, input, options.floats) : input;
  // Configs are read too seldom for generated code to pay for its compilation.
  const result = schema.safeParse(marked, { jitless: true });
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.flatMap((issue) => toIssues(schema, input, issue));
  const { path = [] } = options;
  return { ok: false, issues: issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })) };
}

function toIssues(schema: z.ZodType, input: unknown, issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path as Path;
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(schema, path, key));
  const params = issue.code === "custom" ? (issue.params as { rule: IssueKind; text?: string; at?: Path }) : undefined;
  if (params?.text !== undefined) {
    return [{ path, kind: params.rule, message: params.text, ...(params.at === undefined ? {} : { at: params.at }) }];
  }
  const allowed = describeType(schemaAt(schema, path));
  if (isAbsent(input, path)) return [{ path, kind: "missing", message: `is required: give ${allowed}` }];
  const message = `must be ${allowed}, got ${show(valueAt(input, path))}`;
  return [{ path, kind: params?.rule ?? kindOf(issue), message }];
}

function unknownKey(schema: z.ZodType, path: Path, key: string): Issue {
  const object = schemaAt(schema, path);
  const known = Object.keys(shapeOf(object) ?? {}).join(", ");
  const { name } = typeInfo(object);
  const message =
    known === ""
      ? `is not a key of ${name}, which has none; remove it`
      : `is not a key of ${name}, remove it; known are ${known}`;
  return { path: [...path, key], kind: "unknown_key", message };
}

/** The rule behind the issues of zod's own types and checks. */
function kindOf(issue: z.core.$ZodIssue): IssueKind {
  switch (issue.code) {
    case "too_big":
      return "above_maximum";
    case "too_small":
      return issue.inclusive ? "below_minimum" : "not_above_minimum";
    case "invalid_type":
      return issue.expected === "string"
        ? "not_a_string"
        : issue.expected === "array"
          ? "not_an_array"
          : "not_an_object";
    default:
      return "unknown_enum_value";
  }
}

function valueAt(input: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Readonly<Record<string | number, unknown>>)[step], input);
}

function isAbsent(input: unknown, path: Path): boolean {
  const key = path.at(-1);
  return key !== undefined && !Object.hasOwn(valueAt(input, path.slice(0, -1)) as object, key);
}
