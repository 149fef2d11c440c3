import type { Path } from "./schema-types.ts";

/** The path as users see it: `applications[0].deployments[1].num_replicas`; "" for the document itself. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** A value inside a message: JSON on one line, at most 60 characters. */
export function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
