/** Reads a config file, YAML or JSON, to plain data that still knows where each value stood. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { errorText, type Problem } from "../core/errors.ts";
import { HolderMarks, isFloatText } from "./json.ts";
import type { FloatMarks, Path } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

/** A problem and, where it is known better than by `path`, its place: `steps` from the root, and `at` on from there. */
type PlacedProblem = Problem & { readonly steps?: Path; readonly at?: Path };

/** A read file. */
export type ConfigDocument =
  | {
      readonly ok: true;
      /** The document without its `start:` section. */
      readonly data: Record<string, unknown>;
      /** The `start:` section; empty without one. */
      readonly start: Record<string, unknown>;
      /** Numbers that were written as floats, for parse. */
      readonly floats: FloatMarks;
      /** A problem with its place in the file: `quickstart.yaml:7:5 applications[0].name: …`. */
      readonly describe: (problem: PlacedProblem) => string;
      /** The place of a path: `quickstart.yaml:7:5`. */
      readonly placeOf: (path: string) => string;
    }
  /** One line each, beginning with the file's name. */
  | { readonly ok: false; readonly problems: string[] };

/** Reads the text of a config file; `fileName` is only for messages. Never throws. */
export function readConfigDocument(text: string, fileName: string): ConfigDocument {
  try {
    return read(text, fileName);
  } catch (error) {
    return notRead(error, fileName);
  }
}

/** Reads each document of a file that is not empty; one may also be an application by itself. Never throws. */
export function readConfigDocuments(text: string, fileName: string): ConfigDocument[] {
  try {
    const { documents, lines } = parse(text);
    return documents
      .filter(({ contents, errors }) => errors.length > 0 || !isEmpty(contents))
      .map((document) => readOne(document, lines, fileName));
  } catch (error) {
    return [notRead(error, fileName)];
  }
}

function notRead(error: unknown, fileName: string): ConfigDocument {
  const why = error instanceof RangeError ? "is nested too deeply; flatten it" : `is not YAML: ${errorText(error)}`;
  return { ok: false, problems: [`${fileName}: ${oneLine(why)}`] };
}

function parse(text: string): { documents: readonly Document[]; lines: LineCounter } {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: true });
  return { documents, lines };
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function read(text: string, fileName: string): ConfigDocument {
  const { documents, lines } = parse(text);
  const [document] = documents;
  const fail = (message: string): ConfigDocument => ({ ok: false, problems: [`${fileName}: ${message}`] });
  if (!document?.contents) return fail("is empty; a config has at least `applications: []`");
  if (documents.length > 1)
    return fail("holds several documents; keep one, with all applications in the list `applications`");
  const found = readOne(document, lines, fileName);
  if (found.ok && found.data["applications"] === undefined && found.data["import_path"] !== undefined) {
    return {
      ok: false,
      problems: [`${found.placeOf("")}: is one application: make it an item of the list \`applications\``],
    };
  }
  return found;
}

function readOne(document: Document, lines: LineCounter, fileName: string): ConfigDocument {
  const fail = (message: string, offset?: number): ConfigDocument => ({
    ok: false,
    problems: [`${fileName}${offset === undefined ? "" : place(lines, offset)}: ${message}`],
  });
  // The parser may run out of depth again on its way back.
  const tooDeep = document.errors.find(({ code }) => code === "RESOURCE_EXHAUSTION");
  if (tooDeep) return fail(explain(tooDeep), tooDeep.pos[0]);
  // What follows the first break of the syntax is mostly its consequence; keys that stand twice are told one by one.
  const broken = document.errors.find(({ code }) => code !== "DUPLICATE_KEY");
  if (broken) return fail(explain(broken), broken.pos[0]);
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => `${fileName}${place(lines, error.pos[0])}: ${explain(error)}`),
    };
  }
  if (document.contents === null || isEmpty(document.contents)) {
    return fail("is empty; a config has at least `applications: []`");
  }
  if (!isMap(document.contents)) return fail("must be a map with the key applications", document.contents.range?.[0]);
  let plain: Record<string, unknown>;
  const floats = new HolderMarks();
  try {
    // A bounded number of aliases, so that a small file cannot unfold to a huge one.
    plain = document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>;
  } catch (error) {
    return fail(oneLine(errorText(error)));
  }
  markFloats(document.contents, plain, floats);
  const { start = {}, ...rest } = plain;
  if (start !== null && !isRecord(start)) return fail("start must be a map of the flags of `windlass start`");
  const data = copyMarks(plain, rest, floats);
  const placeOf = (path: string): string =>
    `${fileName}${place(lines, findOffset(document, path === "" ? [] : stepsOf(path)))}`;
  return { ok: true, data, start: start ?? {}, floats, describe: describer(document, lines, fileName), placeOf };
}

const place = (lines: LineCounter, offset: number): string => {
  const { line, col } = lines.linePos(offset);
  return `:${line}:${col}`;
};

const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

function explain(error: { code: string; message: string }): string {
  if (error.code === "DUPLICATE_KEY") return "this key stands twice in the same map; remove one";
  if (error.code === "TAB_AS_INDENT") return "YAML is indented with spaces, not tabs";
  if (error.code === "RESOURCE_EXHAUSTION") return "is nested too deeply; flatten it";
  return `is not YAML: ${oneLine(error.message)}`;
}

function copyMarks(from: object, to: Record<string, unknown>, floats: HolderMarks): Record<string, unknown> {
  for (const key of Object.keys(to)) if (floats.has(from, key)) floats.add(to, key);
  return to;
}

/** Walks nodes and data side by side; aliases and merged keys keep the plain number, which only loses a mark. */
function markFloats(node: unknown, data: unknown, floats: HolderMarks): void {
  if (typeof data !== "object" || data === null) return;
  if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) visit(item, data, index, floats);
  } else if (isMap(node)) {
    for (const pair of node.items)
      visit(pair.value, data, String(isScalar(pair.key) ? pair.key.value : pair.key), floats);
  }
}

function visit(node: unknown, holder: object, key: string | number, floats: HolderMarks): void {
  if (isAlias(node)) return;
  if (!isScalar(node)) markFloats(node, (holder as Record<string | number, unknown>)[key], floats);
  else if (typeof node.value === "number" && isFloatText(node.source ?? "")) floats.add(holder, key);
}

function describer(document: Document, lines: LineCounter, fileName: string) {
  return (problem: PlacedProblem): string => {
    const offset = findOffset(document, [...(problem.steps ?? stepsOf(problem.path)), ...(problem.at ?? [])]);
    const where = `${fileName}${place(lines, offset)}`;
    return problem.path === "" ? `${where}: ${problem.message}` : `${where} ${problem.path}: ${problem.message}`;
  };
}

/** Offset of the deepest part of the path that exists; keys rather than values, for they are what a reader looks for. */
function findOffset(document: Document, steps: Path): number {
  let node: unknown = document.contents;
  let offset = (document.contents as Node | null)?.range?.[0] ?? 0;
  for (const step of steps) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset;
}

/** The steps of a path as {@link formatPath} writes it. */
function stepsOf(path: string): Path {
  const steps: (string | number)[] = [];
  for (const match of path.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|[^.[\]]+/g)) {
    if (match[1] !== undefined) steps.push(Number(match[1]));
    else steps.push(match[2] === undefined ? match[0] : (JSON.parse(match[2]) as string));
  }
  return steps;
}
