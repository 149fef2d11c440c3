/** The matrix as a table: the one that is printed is the one in docs/interop.md. */
import { applies, type CaseName, type Row } from "./cases.ts";

/** One case of one client, and what became of it. */
export interface Cell {
  readonly client: string;
  readonly server: string;
  readonly row: Row;
  readonly case: CaseName;
  /** Undefined where it passed. */
  readonly error: string | undefined;
}

const COLUMNS: Readonly<Record<string, readonly CaseName[]>> = {
  unary: ["unary", "large message"],
  watches: ["WatchInstance", "WatchApplications", "WatchDeployments", "WatchReplicas", "WatchScalingDecisions"],
  bidi: ["bidi"],
  errors: ["ErrorInfo", "BadRequest", "error of a stream", "no token"],
  deadline: ["deadline"],
  cancel: ["cancel"],
};

/** A Markdown table: a line for each client, server, protocol, codec and compression; each place says how many passed. */
export function table(cells: readonly Cell[]): string {
  const lines = new Map<string, Cell[]>();
  for (const cell of cells) {
    const { protocol, codec, compression } = cell.row;
    const key = `| ${cell.client} | ${cell.server} | ${protocol} | ${codec} | ${compression} |`;
    lines.set(key, [...(lines.get(key) ?? []), cell]);
  }
  const names = Object.keys(COLUMNS);
  return [
    `| Client | Server | Protocol | Codec | Compression | ${names.join(" | ")} |`,
    `|---|---|---|---|---|${names.map(() => "---|").join("")}`,
    ...[...lines].map(([key, own]) => `${key} ${names.map((name) => place(own, COLUMNS[name]!)).join(" | ")} |`),
  ].join("\n");
}

function place(cells: readonly Cell[], cases: readonly CaseName[]): string {
  const known = cells.filter((cell) => cases.includes(cell.case));
  if (known.length === 0) return "–";
  const passed = known.filter(({ error }) => error === undefined).length;
  return passed === known.length ? String(passed) : `${passed} of ${known.length}`;
}

/** Cells of rows whose results are not known yet. */
export function cellsOf(client: string, server: string, rows: readonly Row[], cases: readonly CaseName[]): Cell[] {
  return rows.flatMap((row) =>
    cases
      .filter((name) => applies(name, row))
      .map((name) => ({ client, server, row, case: name, error: "it was not tried" })),
  );
}
