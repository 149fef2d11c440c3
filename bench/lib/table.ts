/** One line of the table. Texts are ready to print; an absent one prints as "–". */
export interface Row {
  readonly what: string;
  readonly windlass: string;
  /** The same done by a handler on bare `node:http`, in the same run. */
  readonly bare?: string;
  readonly bareRatio?: string;
  readonly ray?: string;
  readonly rayRatio?: string;
  readonly budgets?: readonly Budget[];
}

/** A line of the design's budgets. `met` undefined: this run did not measure what it needs. */
export interface Budget {
  readonly text: string;
  readonly met: boolean | undefined;
}

/** A budget that needs a figure of the peer, which a run without `--peers` does not have. */
export function against(peer: number | undefined, text: string, met: (peer: number) => boolean): Budget {
  return { text, met: peer === undefined ? undefined : met(peer) };
}

const HEAD = ["What", "Windlass", "bare node:http", "ratio", "Ray Serve 2.60.0", "ratio", "Budget", "Verdict"];

/** The table in Markdown. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map((row) =>
    line([
      row.what,
      row.windlass,
      row.bare,
      row.bareRatio,
      row.ray,
      row.rayRatio,
      row.budgets?.map(({ text }) => text).join("; "),
      row.budgets?.map(verdict).join("; "),
    ]),
  );
  return [line(HEAD), line(HEAD.map(() => "---")), ...lines].join("\n");
}

/** A verdict in a word or two. */
export function verdict({ met }: Budget): string {
  if (met === undefined) return "not measured";
  return met ? "met" : "**not met**";
}

/** A line of a Markdown table. */
export function line(cells: readonly (string | undefined)[]): string {
  return `| ${cells.map((cell) => (cell || "–").replaceAll("|", "\\|")).join(" | ")} |`;
}
