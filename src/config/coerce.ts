/**
 * The lax conversions of the reference's schemas: numeric text, whole floats and booleans for numbers, a fixed set of
 * words for booleans. Each function returns the value or the kind of what is wrong with it.
 */
import type { IssueKind } from "./schema-types.ts";

/** The outcome of a conversion. */
export type Coerced<T> = { readonly value: T } | { readonly kind: IssueKind };

const INTEGER_TEXT = /^([+-]?\d+(?:_\d+)*)(?:\.0+)?$/;
const NUMBER_TEXT = /^[+-]?(?:(?:\d+(?:_\d+)*)(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const INFINITE_TEXT = /^([+-]?)(?:inf|infinity)$/i;
const NAN_TEXT = /^[+-]?nan$/i;
const WORDS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["1", "on", "t", "true", "y", "yes"].map((word) => [word, true])),
  ...Object.fromEntries(["0", "off", "f", "false", "n", "no"].map((word) => [word, false])),
};
// Floats from here on do not fit the reference's 64-bit integers; whole numbers written without a point do.
const FLOAT_INTEGER_LIMIT = 2 ** 63;
// Longest text the reference reads as a whole number.
const INTEGER_TEXT_LIMIT = 4300;

/** A whole number from a number, boolean or text. `float`: the number was written with a point or an exponent. */
export function toInteger(value: unknown, float: boolean): Coerced<number> {
  if (typeof value === "boolean") return { value: value ? 1 : 0 };
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return { kind: "not_finite" };
    if (!Number.isInteger(value)) return { kind: "fractional_integer" };
    if (float && Math.abs(value) >= FLOAT_INTEGER_LIMIT) return { kind: "integer_too_large" };
    return { value: value + 0 };
  }
  if (typeof value !== "string") return { kind: "not_an_integer" };
  const text = value.trim();
  if (text.length > INTEGER_TEXT_LIMIT) return { kind: "integer_too_large" };
  const match = INTEGER_TEXT.exec(text);
  return match ? { value: Number(match[1]!.replaceAll("_", "")) + 0 } : { kind: "not_an_integer" };
}

/** A whole number that is a JSON integer: no text, no boolean, no `2.0`. */
export function toStrictInteger(value: unknown, float: boolean): Coerced<number> {
  return typeof value === "number" && Number.isInteger(value) && !float ? { value } : { kind: "not_an_integer" };
}

/** A number from a number, boolean or text; text may also say inf and nan. */
export function toNumber(value: unknown): Coerced<number> {
  if (typeof value === "number") return { value };
  if (typeof value === "boolean") return { value: value ? 1 : 0 };
  if (typeof value !== "string") return { kind: "not_a_number" };
  const text = value.trim();
  if (NUMBER_TEXT.test(text)) return { value: Number(text.replaceAll("_", "")) };
  const infinite = INFINITE_TEXT.exec(text);
  if (infinite) return { value: infinite[1] === "-" ? -Infinity : Infinity };
  return NAN_TEXT.test(text) ? { value: NaN } : { kind: "not_a_number" };
}

/** A boolean from a boolean, 0, 1 or one of the words true, yes, on, 1, t, y and their opposites, in any case. */
export function toBoolean(value: unknown): Coerced<boolean> {
  if (typeof value === "boolean") return { value };
  if (value === 0 || value === 1) return { value: value === 1 };
  if (typeof value === "string") {
    const word = value.toLowerCase();
    if (Object.hasOwn(WORDS, word)) return { value: WORDS[word]! };
  }
  return { kind: "not_a_boolean" };
}
