import { stripVTControlCharacters } from "node:util";
import { stringify } from "yaml";

/** YAML as the reference prints it: key order kept, a blank line between the top-level entries. */
export function toYaml(document: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(document).map(([key, value]) => stringify({ [key]: clean(value) }, OPTIONS));
  return entries.length === 0 ? "{}\n" : entries.join("\n");
}

const OPTIONS = {
  // Readers of the reference's output use YAML 1.1, where an unquoted `on` is a boolean.
  version: "1.1",
  singleQuote: true,
  blockQuote: "literal",
  lineWidth: 0,
  indentSeq: false,
  aliasDuplicateObjects: false,
} as const;

/** Terminal escapes of a user's error message would otherwise reach the reader's terminal. */
function clean(value: unknown): unknown {
  if (typeof value === "string") return stripVTControlCharacters(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clean(inner)]));
  }
  return value;
}
