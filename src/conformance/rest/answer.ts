/** Compares an answer with the recorded one. Pure. */
import type { Answer } from "./exchange.ts";
import { type Mismatch, mismatches } from "./match.ts";
import type { Expectation } from "./scenario.ts";

/** Every mismatch between an answer and what was recorded. */
export function answerMismatches(expect: Expectation, answer: Answer): Mismatch[] {
  const found: Mismatch[] = [];
  const compare = (path: string, expected: unknown, actual: unknown): void => {
    if (expected !== actual) found.push({ path, expected, actual });
  };
  compare("status", expect.status, answer.status);
  if (expect.content_type !== undefined) compare("content_type", expect.content_type, answer.contentType);
  if (expect.allow !== undefined) compare("allow", expect.allow, answer.headers.allow);
  if (expect.text !== undefined) found.push(...mismatches(expect.text, answer.text, "exact", "text"));
  if ("json" in expect) {
    if (answer.json === undefined) found.push({ path: "json", expected: expect.json, actual: answer.text });
    else found.push(...mismatches(expect.json, answer.json, expect.match ?? "exact"));
  }
  if (expect.text_kind === "validation_report") found.push(...reportMismatches(expect, answer));
  else if (expect.text_kind !== undefined) compare("has a text", true, answer.text !== "");
  return found;
}

/** Each recorded location must be covered by a line of ours about it, about what holds it, or about a part of it. */
function reportMismatches(expect: Expectation, answer: Answer): Mismatch[] {
  const paths = answer.text.split("\n").map((line) => steps(/^[\w.[\]-]*/.exec(line)![0]));
  return (expect.locations ?? [])
    .filter((location) => !paths.some((path) => related(path, steps(withoutMember(location)))))
    .map((location) => ({ path: "report", expected: location, actual: answer.text }));
}

/** The reference names members of unions after the field: "num_replicas.constrained-int". */
function withoutMember(location: string): string {
  return location.replace(/\.[a-z]+-[^.]*(\[.*)?$/, "").replace(/\.(str|int|bool|literal\[.*)$/, "");
}

/** "applications[0].name" and "applications.0.name" alike. */
function steps(path: string): string[] {
  return path.split(/[.[\]]+/).filter((step) => step !== "");
}

function related(a: readonly string[], b: readonly string[]): boolean {
  const common = Math.min(a.length, b.length);
  return a.slice(0, common).join(".") === b.slice(0, common).join(".");
}
