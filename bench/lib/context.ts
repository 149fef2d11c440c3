import type { PeerFigures } from "../peers/figures.ts";
import type { Row } from "./table.ts";

/** What every section of the bench is given. */
export interface Context {
  /** Seconds of one load. */
  readonly seconds: number;
  /** How often a load is repeated; its median counts. Loads to be compared take turns. */
  readonly rounds: number;
  /** How often a single event (a start, a scale call) is repeated. */
  readonly repeats: number;
  /** What the peer does, where it was measured. */
  readonly peer: PeerFigures | undefined;
  /** A line for whoever waits. */
  progress(text: string): void;
  /** A line under the table. */
  note(text: string): void;
}

/** A part of the bench: measures, and says it in rows. */
export type Section = (context: Context) => Promise<Row[]>;
