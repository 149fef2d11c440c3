/** Compares answers with recorded ones. Pure. */
import { isRecord } from "../../config/schema-types.ts";

/** One place where an answer is not as recorded. */
export interface Mismatch {
  /** "applications.a.status"; "" is the root. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** `exact`: whole documents; `subset`: only the recorded keys count, in objects at any depth. */
export type MatchMode = "exact" | "subset";

/** Every mismatch; recorded strings may hold placeholders. */
export function mismatches(expected: unknown, actual: unknown, mode: MatchMode, path = ""): Mismatch[] {
  const at = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if (typeof expected === "string") return matchesText(expected, actual) ? [] : [{ path, expected, actual }];
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return [{ path, expected, actual }];
    const pairs = path.endsWith("replicas") ? paired(expected, actual, mode) : actual;
    return expected.flatMap((item, index) => mismatches(item, pairs[index], mode, at(index)));
  }
  if (!isRecord(expected)) return expected === actual ? [] : [{ path, expected, actual }];
  if (!isRecord(actual)) return [{ path, expected, actual }];
  const left = new Set(Object.keys(actual));
  const found = Object.entries(expected).flatMap(([key, value]) => {
    const match = left.has(key) ? key : [...left].find((other) => isPattern(key) && matchesText(key, other));
    if (match === undefined) return [{ path: at(key), expected: value, actual: undefined }];
    left.delete(match);
    return mismatches(value, actual[match], mode, at(match));
  });
  const extra = mode === "exact" ? [...left] : [];
  return [...found, ...extra.map((key) => ({ path: at(key), expected: undefined, actual: actual[key] }))];
}

/** Replicas have no order: each recorded one gets the first that fits it, else any. */
function paired(expected: readonly unknown[], actual: readonly unknown[], mode: MatchMode): unknown[] {
  const left = [...actual];
  return expected.map((item) => {
    const index = left.findIndex((other) => mismatches(item, other, mode).length === 0);
    return left.splice(Math.max(0, index), 1)[0];
  });
}

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  "<any string>": (value) => typeof value === "string",
  "<path>": (value) => typeof value === "string" && value.startsWith("/"),
  "<ip>": (value) => typeof value === "string" && /^[\d.]+$|^[\da-f:]+$/.test(value),
  "<integer>": (value) => Number.isInteger(value),
  "<number>": (value) => typeof value === "number",
  "<epoch seconds>": (value) => typeof value === "number" && value > 1e9 && value < 1e11,
  "<stats>": (value) =>
    isRecord(value) &&
    (Object.keys(value).length === 0 || ["mean", "std", "min", "max"].every((key) => typeof value[key] === "number")),
};

const isPattern = (text: string): boolean => /<[^<>]+>/.test(text);

/** Whether a value is what a recorded string stands for. */
export function matchesText(expected: string, actual: unknown): boolean {
  const kind = KINDS[expected];
  if (kind !== undefined) return kind(actual);
  if (typeof actual !== "string") return false;
  if (expected === actual) return true;
  const start = /^<text starting with: (.*)>$/s.exec(expected)?.[1];
  if (start !== undefined) return actual.startsWith(start) && actual.length > start.length;
  const meaning = /^<text: (.*)>$/s.exec(expected)?.[1];
  if (meaning !== undefined) return actual !== "" && keyWords(meaning).every((word) => actual.includes(word));
  const parts = expected.split(/(<(?:any string|path|ip|node id|replica id|integer|number)>)/);
  const source = parts.map((part) => (/^<.*>$/.test(part) ? "[^]+" : part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")));
  return parts.length > 1 && new RegExp(`^${source.join("")}$`).test(actual);
}

/** What a free text must mention: quoted names and names of fields. */
function keyWords(meaning: string): string[] {
  const quoted = [...meaning.matchAll(/'([^']+)'/g)].map((match) => match[1]!);
  const fields = meaning.match(/\b[a-z]+(?:_[a-z]+)+\b/g) ?? [];
  return [...quoted, ...fields];
}
