import { COLOURS } from "./output.ts";

/** A terminal that shows stdout. */
export interface Screen {
  readonly rows: number;
  readonly columns: number;
  readonly colour: boolean;
}

const ESC = "\u001b[";
const HOME = `${ESC}H`;
const CLEAR_LINE_END = `${ESC}K`;
const CLEAR_BELOW = `${ESC}J`;
const CLEAR_ALL = `${ESC}2J`;

/** Text that puts a document over what the screen shows; what does not fit is left out, and said to be. */
export function frame(document: string, screen: Screen, first: boolean): string {
  const lines = document.trimEnd().split("\n");
  // The last row stays free for the cursor, so that nothing scrolls.
  const room = Math.max(1, screen.rows - 1);
  const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
  const clipped = shown.map((line) => {
    const text = line.length > screen.columns ? `${line.slice(0, Math.max(0, screen.columns - 1))}…` : line;
    return `${screen.colour ? painted(text) : text}${CLEAR_LINE_END}\n`;
  });
  return `${first ? CLEAR_ALL : ""}${HOME}${clipped.join("")}${CLEAR_BELOW}`;
}

/** States in colour. */
export function painted(text: string): string {
  return text.replace(/\b[A-Z_]{6,}\b/g, (word) => {
    const colour = COLOURS[word];
    return colour === undefined ? word : `${ESC}${colour}m${word}${ESC}0m`;
  });
}
