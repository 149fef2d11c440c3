/** The deliberate differences of our command line, by rule; each has an expectation of its own. Pure. */
import type { Mismatch } from "../rest/match.ts";
import type { Given } from "./given.ts";
import { textMismatches } from "./shapes.ts";
import { type Ran, type RecordedText, SHAPES, type Transcript } from "./transcript.ts";

/** What a rule looks at. */
export interface Different {
  readonly transcript: Transcript;
  readonly given: Given;
  readonly ran: Ran;
  /** "http://127.0.0.1:8265": the one that the command was to use. */
  readonly address: string;
}

/** One deliberate difference: the first that applies decides, and says what is not as itself expects. */
export interface TranscriptRule {
  readonly name: string;
  applies(different: Different): boolean;
  found(different: Different): Mismatch[];
}

/** The rules. */
export const TRANSCRIPT_RULES: readonly TranscriptRule[] = [
  {
    name: "contract 2, fix: what is no address is a usage error, exit code 2",
    applies: ({ transcript: { argv } }) => !/^https?:\/\//.test(optionOf(argv, "-a", "--address") ?? "http://"),
    found: (different) => refused(different, 2, [optionOf(different.transcript.argv, "-a", "--address")!]),
  },
  {
    name: "contract 2, fix: a dead address is exit code 3",
    applies: ({ given }) => given.kind === "dead",
    found: (different) => refused(different, 3, [different.address]),
  },
  {
    name: "contract 2, fix: an unknown application is exit code 1",
    applies: (different) => unknownApplication(different) !== undefined && different.transcript.expect.exit_code === 0,
    found: (different) => refused(different, 1, [unknownApplication(different)!]),
  },
  {
    name: "contract 2: help texts are our own",
    applies: ({ transcript: { argv } }) => argv.some((word) => word === "--help" || word === "-h"),
    found: (different) => [
      ...exit(different, 0),
      ...(/^Usage: windlass .*\n\n/.test(different.ran.stdout) && different.ran.stderr === ""
        ? []
        : [{ path: "stdout", expected: "Usage: windlass …", actual: different.ran.stdout }]),
    ],
  },
  {
    name: "contract 2: prompts are worded by us, name the address, and end with [y/N]",
    applies: ({ transcript }) => promptOf(transcript) !== undefined,
    found: (different) => [
      ...exit(different, different.transcript.expect.exit_code),
      ...prompted(different),
      ...(different.transcript.expect.exit_code === 0 ? quiet(different) : told(different, [])),
    ],
  },
  {
    name: "contract 2: errors go to stderr alone, a line a problem, which names what is wrong",
    applies: ({ transcript }) => transcript.expect.exit_code !== 0,
    found: (different) => refused(different, different.transcript.expect.exit_code, namedIn(different.transcript)),
  },
  {
    name: "contract 2: what goes with a document goes to stderr, so that stdout is the document",
    applies: ({ transcript }) => transcript.expect.stdout.shape === SHAPES.logAndYaml,
    found: (different) => [
      ...exit(different, 0),
      ...textMismatches({ ...different.transcript.expect.stdout, shape: SHAPES.yaml }, different.ran.stdout, "stdout"),
      ...untraced("stderr", different.ran.stderr),
      ...filesFound(different),
    ],
  },
  {
    name: "contract 2: what the reference logs is told to people in plain lines of our own",
    applies: ({ transcript }) => transcript.expect.stdout.shape === SHAPES.log,
    found: (different) => [
      ...exit(different, 0),
      ...quiet(different),
      ...plain(different.transcript.expect.stdout, different),
      ...filesFound(different),
    ],
  },
];

/** Where files that were to be written are not as recorded. */
export function filesFound({ transcript, ran }: Pick<Different, "transcript" | "ran">): Mismatch[] {
  return Object.entries(transcript.expect.files ?? {}).flatMap(([name, recorded]) =>
    textMismatches(recorded, ran.written[name] ?? "", name),
  );
}

function exit({ ran }: Different, code: number): Mismatch[] {
  return ran.exitCode === code ? [] : [{ path: "exit code", expected: code, actual: ran.exitCode }];
}

/** Exit code and nothing on stdout; stderr names each of `words`. */
function refused(different: Different, code: number, words: readonly string[]): Mismatch[] {
  const { stdout } = different.ran;
  return [
    ...exit(different, code),
    ...(stdout === "" ? [] : [{ path: "stdout", expected: "", actual: stdout }]),
    ...told(different, words),
    ...(lines(different.ran.stderr).length >= (different.transcript.expect.stderr.validation_errors ?? 1)
      ? []
      : [{ path: "stderr", expected: "a line a problem", actual: different.ran.stderr }]),
  ];
}

/** stderr has only lines of ours, at least one error, and each of `words`. */
function told({ ran: { stderr } }: Different, words: readonly string[]): Mismatch[] {
  const all = lines(stderr);
  const ours = all.some((line) => line.startsWith("windlass: ")) && all.every(isOurs);
  return [
    ...(ours ? [] : [{ path: "stderr", expected: "windlass: …", actual: stderr }]),
    ...words
      .filter((word) => !stderr.includes(word))
      .map((word) => ({ path: "stderr", expected: `names ${word}`, actual: stderr })),
    ...untraced("stderr", stderr),
  ];
}

/** stderr has warnings at most. */
function quiet({ ran: { stderr } }: Different): Mismatch[] {
  const others = lines(stderr).filter((line) => !line.startsWith("warning: "));
  return others.length === 0 ? [] : [{ path: "stderr", expected: "warnings at most", actual: stderr }];
}

/** stdout says something where the reference reports an outcome, in text without the logger's prefix and colours. */
function plain(recorded: RecordedText, { ran: { stdout }, address }: Different): Mismatch[] {
  const outcomes = (recorded.lines ?? []).filter(({ level }) => level !== "INFO");
  const named = outcomes.some(({ text }) => text.includes(address)) ? [address] : [];
  const said = outcomes.length === 0 || (stdout.trim() !== "" && named.every((word) => stdout.includes(word)));
  const bare = !stdout.includes("\u001b") && !/^\d{4}-\d\d-\d\d /m.test(stdout);
  return [
    ...(said && bare ? [] : [{ path: "stdout", expected: { plainly: recorded.lines }, actual: stdout }]),
    ...untraced("stdout", stdout),
  ];
}

function prompted({ transcript, ran: { stdout }, address }: Different): Mismatch[] {
  const at = stdout.indexOf("[y/N]:");
  const rest = at === -1 ? "" : stdout.slice(at + "[y/N]:".length).trim();
  const asked = at > 0 && stdout.slice(0, at).includes(address) && !stdout.slice(0, at).trimEnd().includes("\n");
  const answered = transcript.expect.exit_code === 0 ? rest !== "" : rest === "";
  return asked && answered ? [] : [{ path: "stdout", expected: transcript.expect.stdout, actual: stdout }];
}

function promptOf({ expect: { stdout } }: Transcript): string | undefined {
  return stdout.shape === SHAPES.promptAndLog
    ? stdout.prompt
    : /\[y\/N\]:/.test(stdout.text ?? "")
      ? stdout.text
      : undefined;
}

/** The application that `-n` names and that is not there. */
function unknownApplication({ transcript: { argv }, given }: Different): string | undefined {
  const name = optionOf(argv, "-n", "--name");
  if (name === undefined || !["status", "config"].includes(argv[1] ?? "")) return undefined;
  const there = given.kind === "instance" && given.applications?.some((application) => application.name === name);
  return there ? undefined : name;
}

function optionOf(argv: readonly string[], ...names: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => names.includes(word));
  return at === -1 ? undefined : argv[at + 1];
}

/** What the recorded error puts in quotes, by the user's words: arguments by their name without dots. */
function namedIn({ expect: { stderr } }: Transcript): string[] {
  const text = stderr.last_line ?? stderr.text ?? "";
  const quoted = [...text.matchAll(/'([^'<>]+)'/g)].map(([, word]) => word!);
  return quoted.map((word) => (/^[A-Z_]+S\.\.\.$/.test(word) ? word.slice(0, -4) : word));
}

const isOurs = (line: string): boolean => /^(windlass|warning): /.test(line);

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

function untraced(path: string, text: string): Mismatch[] {
  return /^\s+at .*:\d+:\d+\)?$/m.test(text) ? [{ path, expected: "no stack trace", actual: text }] : [];
}
