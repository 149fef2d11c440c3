/** Compares texts with recorded shapes. Pure. */
import { parse } from "yaml";
import { isRecord } from "../../config/schema-types.ts";
import { errorText } from "../../core/errors.ts";
import { type Mismatch, mismatches } from "../rest/match.ts";
import { type RecordedText, SHAPES } from "./transcript.ts";

/** Where a text is not as recorded, for the shapes without a logger's lines. `path` names the text. */
export function textMismatches(recorded: RecordedText, actual: string, path: string): Mismatch[] {
  switch (recorded.shape) {
    case SHAPES.empty:
      return actual === "" ? [] : [{ path, expected: "", actual }];
    case SHAPES.text:
      return actual.trimEnd() === recorded.text?.trimEnd() ? [] : [{ path, expected: recorded.text, actual }];
    case SHAPES.yaml:
      return yamlMismatches(recorded, actual, path);
    case SHAPES.documents:
      return documentsMismatches(recorded, actual, path);
    default:
      return [{ path, expected: recorded.shape, actual }];
  }
}

function documentsMismatches(recorded: RecordedText, actual: string, path: string): Mismatch[] {
  const documents = recorded.documents ?? (Array.isArray(recorded.yaml) ? (recorded.yaml as unknown[]) : []);
  const texts = actual.split("\n---\n\n");
  if (texts.length !== documents.length) return [{ path: `${path} documents`, expected: documents.length, actual }];
  return documents.flatMap((document, index) => {
    const shaped = isRecord(document) && Object.hasOwn(document, "yaml") ? document : { yaml: document };
    const text = index === texts.length - 1 ? texts[index]! : `${texts[index]!.trimEnd()}\n`;
    return yamlMismatches({ ...recorded, ...shaped, shape: SHAPES.yaml }, text, `${path}[${index}]`);
  });
}

/** The document, the order of its keys, and how it is laid out. */
function yamlMismatches(recorded: RecordedText, actual: string, path: string): Mismatch[] {
  let document: unknown;
  try {
    document = parse(actual, { version: "1.1" });
  } catch (error) {
    return [{ path, expected: recorded.yaml, actual: `${errorText(error)}: ${actual}` }];
  }
  const same = (what: string, expected: unknown, found: unknown): Mismatch[] =>
    expected === undefined || JSON.stringify(expected) === JSON.stringify(found)
      ? []
      : [{ path: `${path} ${what}`, expected, actual: found }];
  return [
    ...mismatches(recorded.yaml, document, "exact").map((each) => ({ ...each, path: `${path}.${each.path}` })),
    ...same("key order", recorded.key_order, isRecord(document) ? Object.keys(document) : []),
    ...same("leading comment lines", recorded.leading_comment_lines, leadingComments(actual)),
    ...same("trailing newlines", recorded.trailing_newlines, /\n*$/.exec(actual)![0].length),
    ...same("blank lines", recorded.blank_line_after_each_top_level_entry, entriesAreParted(actual)),
  ];
}

function leadingComments(text: string): number {
  const lines = text.split("\n");
  const first = lines.findIndex((line) => !line.startsWith("#"));
  return first === -1 ? lines.length : first;
}

/** Whether each top-level key but the first has a blank line before it. */
function entriesAreParted(text: string): boolean {
  const lines = text.split("\n");
  const keys = lines.flatMap((line, index) => (/^[^\s#-]/.test(line) ? [index] : []));
  return keys.slice(1).every((index) => lines[index - 1] === "");
}
