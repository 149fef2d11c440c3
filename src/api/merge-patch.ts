/** JSON Merge Patch, RFC 7386. Pure. */
import { HolderMarks } from "../config/json.ts";
import type { ParseOptions } from "../config/parse.ts";
import type { OneDocument } from "./one-application.ts";

type Floats = NonNullable<ParseOptions["floats"]>;

/** What `patch` makes of `target`, which stays as it is. `floats` are the patch's. */
export function mergePatch(target: unknown, patch: unknown, floats: Floats): OneDocument {
  const made = new HolderMarks();
  const value = merged(target, patch, floats, made);
  // Lists are the patch's own.
  return { value, floats: { has: (holder, key) => made.has(holder, key) || floats.has(holder, key) } };
}

function merged(target: unknown, patch: unknown, floats: Floats, made: HolderMarks): unknown {
  if (!isObject(patch)) return patch;
  const fields = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) fields.delete(key);
    else fields.set(key, merged(fields.get(key), value, floats, made));
  }
  // Defines `__proto__` as a key like any other.
  const result = Object.fromEntries(fields);
  for (const key of Object.keys(patch)) if (floats.has(patch, key)) made.add(result, key);
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
