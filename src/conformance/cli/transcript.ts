/** The shape of recorded command lines. Keys are the recording's. */

/** One invocation. */
export interface Transcript {
  readonly id: string;
  /** The state before, in words; see `given.ts`. */
  readonly given: string;
  /** Begins with the reference's name. */
  readonly argv: readonly string[];
  readonly note?: string;
  /** Files in the working directory, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly expect: TranscriptExpectation;
}

/** What was recorded; other keys than these are not covered. */
export interface TranscriptExpectation {
  readonly exit_code: number;
  readonly stdout: RecordedText;
  readonly stderr: RecordedText;
  /** Files that the command wrote. */
  readonly files?: Readonly<Record<string, RecordedText>>;
}

/** A text by its shape; which of the other keys there are depends on it. */
export interface RecordedText {
  readonly shape: string;
  readonly text?: string;
  readonly lines?: readonly LogLine[];
  readonly prompt?: string;
  readonly yaml?: unknown;
  /** Of the shape {@link SHAPES.documents}: one a document, with the keys of the shape `yaml`, or bare. */
  readonly documents?: readonly unknown[];
  readonly key_order?: readonly string[];
  readonly leading_comment_lines?: number;
  readonly blank_line_after_each_top_level_entry?: boolean;
  readonly trailing_newlines?: number;
  readonly last_line?: string;
  readonly exception?: string;
  readonly validation_errors?: number;
}

/** A line of the reference's logger. */
export interface LogLine {
  readonly level: string;
  readonly text: string;
}

/** The shapes there are. */
export const SHAPES = {
  empty: "empty",
  text: "text",
  yaml: "yaml",
  documents: "yaml documents separated by a line ---",
  log: "log lines",
  logAndYaml: "log lines followed by yaml",
  promptAndLog: "prompt text followed by log lines",
  crash: "unhandled error report",
  usage: "usage error",
} as const;

/** What our command line did. */
export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Files that were not there before, by name. */
  readonly written: Readonly<Record<string, string>>;
}
