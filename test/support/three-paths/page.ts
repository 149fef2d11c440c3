/** The table of docs/three-paths.md. Run by itself, it writes that page's table anew. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ANSWERS, CONTEXT } from "./answers.ts";
import { ABSENT, ERRORS } from "./failures.ts";
import { LIFE } from "./life.ts";
import { LEAVING, LIMITS, TIMEOUTS } from "./limits.ts";
import { given, type Row, type Section } from "./table.ts";
import { TELLING } from "./telling.ts";

/** All cases, in the page's order. */
export const SECTIONS: readonly Section[] = [
  ANSWERS,
  CONTEXT,
  ERRORS,
  ABSENT,
  TIMEOUTS,
  LIMITS,
  LEAVING,
  LIFE,
  TELLING,
];

/** Where the page is. */
export const PAGE = fileURLToPath(new URL("../../../docs/three-paths.md", import.meta.url));

const START = "<!-- The tables: made of test/support/three-paths -->\n";

const cell = (text: string | null): string => (text === null ? "–" : text.replaceAll("|", "\\|"));

function line(row: Row): string {
  const title = cell(row.title);
  if (typeof row.gives === "string") return `| ${title} | ${cell(row.gives)} | the same | the same | |`;
  const handle = given(row, "handle");
  const inside = given(row, "inside");
  const both = handle === inside ? cell(handle) : `${cell(handle)}; in a replica ${cell(inside)}`;
  return `| ${title} | ${cell(row.gives.http)} | ${cell(row.gives.grpc)} | ${both} | ${cell(row.gives.why)} |`;
}

/** The tables as Markdown. */
export function tables(): string {
  return SECTIONS.map(({ title, rows }) =>
    [
      `## ${title}\n`,
      "| Case | HTTP | gRPC | Handles | Why they differ |",
      "|---|---|---|---|---|",
      ...rows.map(line),
      "",
    ].join("\n"),
  ).join("\n");
}

/** The page with its tables made anew. */
export function pageOf(page: string): string {
  const start = page.indexOf(START);
  if (start === -1) throw new Error(`${PAGE} does not say where its tables begin`);
  return `${page.slice(0, start + START.length)}\n${tables()}`;
}

if (import.meta.main) writeFileSync(PAGE, pageOf(readFileSync(PAGE, "utf8")));
