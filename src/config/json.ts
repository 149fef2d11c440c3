/** Reads JSON and notes which numbers were written as floats, a difference that two fields depend on. */
import type { FloatMarks } from "./schema-types.ts";

/** A read document, or one line that says what is wrong with the text. */
export type JsonResult =
  | { readonly ok: true; readonly value: unknown; readonly floats: FloatMarks }
  | { readonly ok: false; readonly message: string };

type Reviver = (this: object, key: string, value: unknown, context?: { source?: string }) => unknown;

/** Marks by the object or list that holds the number. */
export class HolderMarks implements FloatMarks {
  private readonly marks = new WeakMap<object, Set<string>>();

  add(holder: object, key: string | number): void {
    const keys = this.marks.get(holder) ?? new Set();
    this.marks.set(holder, keys.add(String(key)));
  }

  has(holder: object, key: string | number): boolean {
    return this.marks.get(holder)?.has(String(key)) ?? false;
  }
}

/** Whether a number's text has a point or an exponent. */
export function isFloatText(text: string): boolean {
  return /[.eE]/.test(text) && !/^[+-]?0[xo]/i.test(text);
}

/** Parses JSON text; never throws. */
export function readJson(text: string): JsonResult {
  const floats = new HolderMarks();
  const reviver: Reviver = function (key, value, context) {
    if (typeof value === "number" && context?.source !== undefined && isFloatText(context.source))
      floats.add(this, key);
    return value;
  };
  try {
    return { ok: true, value: JSON.parse(text, reviver as Parameters<typeof JSON.parse>[1]), floats };
  } catch (error) {
    if (error instanceof RangeError) return { ok: false, message: "is nested too deeply; flatten it" };
    return { ok: false, message: `is not JSON: ${(error as Error).message.replaceAll("\n", " ").slice(0, 200)}` };
  }
}
