/** JSON bodies. Pure. */

/** A parsed body, or why it is none, on one line. */
export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

/** Parses a body; an empty one is a problem. */
export function parseJson(body: string): JsonResult {
  if (body.trim() === "") return { ok: false, problem: "it is empty" };
  try {
    return { ok: true, value: JSON.parse(body) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { ok: false, problem: text.replace(/\s+/g, " ").slice(0, 200) };
  }
}
