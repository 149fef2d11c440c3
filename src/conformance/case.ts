/** What the runner knows of a vector file and of the outcome of one case. */
import type { FloatMarks } from "../config/schema-types.ts";

/** One recorded case; the rest of its keys depend on the file. */
export type VectorCase = { readonly id: string } & Readonly<Record<string, unknown>>;

/** `differs`: the reference's outcome is not ours on purpose, and our own rule held. */
export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "differs"; readonly rule: string }
  | { readonly kind: "failed"; readonly expected: unknown; readonly actual: unknown };

/** Runs a case against the product's own functions. */
export type CaseRunner = (vector: VectorCase, floats: FloatMarks) => Outcome;

/** Passed when `actual` equals `expected` as JSON, whatever the order of keys. */
export function compare(expected: unknown, actual: unknown): Outcome {
  return canonical(expected) === canonical(actual) ? { kind: "passed" } : { kind: "failed", expected, actual };
}

/** Held when `held`; `actual` is what is shown otherwise. */
export function differs(rule: string, held: boolean, expected: unknown, actual: unknown): Outcome {
  return held ? { kind: "differs", rule } : { kind: "failed", expected: { rule, recorded: expected }, actual };
}

/** JSON with sorted keys; numbers that are not finite as the vectors write them. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "number" && !Number.isFinite(item)) return String(item);
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
