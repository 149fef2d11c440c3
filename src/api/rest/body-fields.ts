/** Small JSON bodies: an object whose fields all have a name and a kind. */
import { readJson } from "../../config/json.ts";
import { WindlassError } from "../../core/errors.ts";

/** What a field of a body may be. */
export type FieldKind = "string" | "number" | "boolean";

/** What a body is for, and its fields. */
export interface BodyFields {
  /** Ends "is no field of …": "a rollback". */
  readonly of: string;
  /** A body for the refusal of another one. */
  readonly example: string;
  readonly kinds: Readonly<Record<string, FieldKind>>;
}

/** The fields of a body; one that is empty has none. Throws INVALID_REQUEST. */
export function readFields(text: string, { of, example, kinds }: BodyFields): Readonly<Record<string, unknown>> {
  const document = readJson(text.trim() === "" ? "{}" : text);
  if (!document.ok) throw refused(`the body ${document.message}`);
  const { value } = document;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refused(`the body must be a JSON object such as ${example}, got ${JSON.stringify(value)}`);
  }
  for (const [key, field] of Object.entries(value)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
    if (kind === undefined) {
      const names = Object.keys(kinds);
      throw refused(
        `${JSON.stringify(key)} is no field of ${of}; it has ${names.length === 0 ? "none" : names.join(", ")}`,
      );
    }
    if (typeof field !== kind) throw refused(`${key} must be a ${kind}, got ${JSON.stringify(field)}`);
  }
  return value as Record<string, unknown>;
}

function refused(message: string): WindlassError {
  return new WindlassError("INVALID_REQUEST", message);
}
