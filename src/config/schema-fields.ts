/** What the schemas are made of: zod types with the reference's lax conversions, fields with their docs, and rules. */
import * as z from "zod";
import { type Coerced, toBoolean, toInteger, toNumber, toStrictInteger } from "./coerce.ts";
import { describeField, type FieldInfo, nameType, type TypeInfo } from "./schema-info.ts";
import type { Fault, Path } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";
import { plainNumber, WrittenFloat } from "./written-float.ts";

/** Limits of a number: `min` and `max` are inclusive, `above` is not. */
export interface Bounds {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
}

/** A type read by a function of its own; a failure without a message says what the type's label allows. */
export function converted<T>(
  info: TypeInfo & { readonly label: string },
  convert: (raw: unknown) => Coerced<T> | Fault,
): z.ZodType<T> {
  const read = z.transform((raw: unknown, ctx): T => {
    const result = convert(raw);
    if ("value" in result) return result.value;
    ctx.issues.push(customIssue(raw, result));
    return z.NEVER;
  });
  return nameType(read as z.ZodType<T>, info);
}

/** A whole number, from numbers, booleans and numeric text. */
export function laxInt(bounds: Bounds = {}): z.ZodType<number> {
  const label = `a whole number${describeBounds(bounds)}`;
  return within(
    converted({ label, number: "whole" }, (raw) => toInteger(plainNumber(raw), raw instanceof WrittenFloat)),
    bounds,
  );
}

/** A whole number that was written as one: no text, no boolean, no `2.0`. */
export function strictInt(): z.ZodType<number> {
  return converted({ label: "a whole number", number: "whole" }, (raw) =>
    toStrictInteger(plainNumber(raw), raw instanceof WrittenFloat),
  );
}

/** A number, from numbers, booleans and numeric text; text may say inf and nan unless it must be `finite`. */
export function laxFloat({
  finite = false,
  ...bounds
}: Bounds & { readonly finite?: boolean } = {}): z.ZodType<number> {
  const label = `a${finite ? " finite" : ""} number${describeBounds(bounds)}`;
  const type = converted({ label, number: "any" }, (raw) => {
    const result = toNumber(raw);
    return finite && "value" in result && !Number.isFinite(result.value) ? { kind: "not_finite" } : result;
  });
  return within(type, bounds);
}

/** A boolean, from booleans, 0, 1 and words such as yes and off. */
export function laxBool(): z.ZodType<boolean> {
  return converted({ label: "true or false" }, toBoolean);
}

/** Text out of a list; `fold` ignores case and yields the listed form. */
export function choice<const T extends readonly string[]>(values: T, { fold = false } = {}) {
  return (fold ? z.string().toLowerCase() : z.string()).pipe(z.enum(values));
}

/** Any object, kept as it is; `contents` is what the check layer and the docs expect inside. */
export function anyObject(contents?: z.ZodType): z.ZodType<Record<string, unknown>> {
  const type = z.custom<Record<string, unknown>>(isRecord, { params: { rule: "not_an_object" } });
  return contents ? nameType(type, { contents }) : type;
}

/** An object with text as keys. */
export function mapOf<T extends z.ZodType>(values: T) {
  return z.record(z.string(), values);
}

/** An object whose unknown keys are left out; `name` is the reference's. */
export function object<S extends z.ZodRawShape>(name: string, shape: S) {
  return nameType(z.object(shape), { name });
}

/** An object that refuses unknown keys; `name` is the reference's. */
export function strictObject<S extends z.ZodRawShape>(name: string, shape: S) {
  return nameType(z.object(shape).strict(), { name });
}

/** A field that may be left out, and then is absent from what was read. */
export function optional<T extends z.ZodType>(type: T, info: FieldInfo): z.ZodExactOptional<T> {
  return describeField(type.exactOptional() as z.ZodExactOptional<T>, info);
}

/** A field that must be given. */
export function required<T extends z.ZodType>(type: T, info: FieldInfo): T {
  return describeField(type.clone(), info);
}

/** A refinement that reports the first broken rule, of values that are right so far. */
export function rules<T>(...all: readonly ((value: T) => Fault | undefined)[]) {
  return (value: T, ctx: { readonly issues: z.core.$ZodRawIssue[] }): void => {
    // Unknown keys do not keep zod from refining.
    if (ctx.issues.length > 0) return;
    for (const rule of all) {
      const fault = rule(value);
      if (fault) {
        ctx.issues.push(customIssue(value, fault));
        return;
      }
    }
  };
}

/** Looks at the raw value before the schema does; the first rule that finds something hides all others. */
export function lookFirst<T extends z.ZodType>(
  all: readonly ((input: Readonly<Record<string, unknown>>) => readonly z.core.$ZodRawIssue[])[],
  schema: T,
) {
  return z.preprocess((raw, ctx) => {
    if (!isRecord(raw)) return raw;
    for (const rule of all) {
      const issues = rule(raw);
      ctx.issues.push(...issues);
      if (issues.length > 0) return z.NEVER;
    }
    return raw;
  }, schema);
}

/** A broken rule as zod's issue, which read.ts turns into ours; `path` is relative to the value looked at. */
export function customIssue(
  input: unknown,
  { kind, message, at }: { readonly kind: Fault["kind"]; readonly message?: string; readonly at?: Path },
  path: Path = [],
): z.core.$ZodRawIssue {
  return { code: "custom", input, path: [...path], params: { rule: kind, text: message, at } };
}

function within(type: z.ZodType<number>, { min, above, max }: Bounds): z.ZodType<number> {
  const checks = [
    // Upper bound first: not-a-number is outside every bound, and one complaint is enough.
    ...(max === undefined ? [] : [z.lte(max, { abort: true })]),
    ...(min === undefined ? [] : [z.gte(min, { abort: true })]),
    ...(above === undefined ? [] : [z.gt(above, { abort: true })]),
  ];
  return checks.length === 0 ? type : type.check(...checks);
}

function describeBounds({ min, above, max }: Bounds): string {
  if (above !== undefined && max !== undefined) return ` > ${above} and <= ${max}`;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (above !== undefined) return ` > ${above}`;
  if (min !== undefined) return ` >= ${min}`;
  return max === undefined ? "" : ` <= ${max}`;
}
