/** Finds values in a config by patterns such as `deployments[].ray_actor_options.*`. */
import type { Path } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

/**
 * The paths of all values that match: `key` is that key, `key[]` every item of a list, `*` any key but env_vars. What
 * stands for "not given" does not match: null, empty text, empty lists and empty objects.
 */
export function select(value: unknown, pattern: string): Path[] {
  return walk(value, pattern.split("."));
}

/** The value at a path; undefined where the path leaves the value. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Readonly<Record<string | number, unknown>>)?.[step], value);
}

function walk(value: unknown, pattern: readonly string[]): Path[] {
  const [head, ...rest] = pattern;
  if (head === undefined) return isGiven(value) ? [[]] : [];
  if (!isRecord(value)) return [];
  if (head.endsWith("[]")) {
    const key = head.slice(0, -2);
    const items = value[key];
    if (!Array.isArray(items)) return [];
    return items.flatMap((item, index) => walk(item, rest).map((steps) => [key, index, ...steps]));
  }
  const keys = head === "*" ? Object.keys(value).filter((key) => key !== "env_vars") : [head];
  return keys.flatMap((key) => (Object.hasOwn(value, key) ? walk(value[key], rest).map((s) => [key, ...s]) : []));
}

function isGiven(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}
