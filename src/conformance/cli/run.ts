/** Runs recorded command lines against a running Windlass, in their order, and says what came out in lines. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readJson } from "../../config/json.ts";
import type { Clock } from "../../core/clock.ts";
import { errorText } from "../../core/errors.ts";
import { canonical } from "../case.ts";
import { type RunningWindlass, startInstance } from "../rest/instance.ts";
import type { FileReport } from "../run.ts";
import { runTranscript, type TranscriptOutcome } from "./run-transcript.ts";
import type { Transcript } from "./transcript.ts";

/** The file of command lines, by its name. */
export const CLI_FILE = "cli_transcripts.json";

/** Runs the file; `onLines` is called with the lines of each case as it ends. What is not covered does not count. */
export async function runCliFile(
  text: string,
  options: {
    readonly clock: Clock;
    /** Folder of the module `fixtures`. */
    readonly fixtures: string;
    readonly onLines?: (lines: readonly string[]) => void;
  },
): Promise<FileReport> {
  const read = readJson(text);
  const cases = read.ok ? (read.value as { cases?: unknown } | null)?.cases : undefined;
  if (!read.ok || !Array.isArray(cases)) {
    return { passed: 0, failed: 1, lines: [`${CLI_FILE}: ${read.ok ? "has no list of cases" : read.message}`] };
  }
  const { clock } = options;
  const fixtures = resolve(options.fixtures);
  // Folders stay for as long as what was deployed from them runs in them.
  const folders = mkdtempSync(join(tmpdir(), "windlass-transcripts-"));
  let started: Promise<RunningWindlass> | undefined;
  const windlass = (): Promise<RunningWindlass> => {
    started ??= startInstance({ appDir: fixtures, instance: true, clock });
    return started;
  };
  const counts = { passed: 0, differs: 0, failed: 0, "not-covered": 0 };
  const lines: string[] = [];
  try {
    for (const transcript of cases as Transcript[]) {
      const outcome = await runTranscript(transcript, { clock, fixtures, folders, windlass }).catch(asFailure);
      counts[outcome.kind] += 1;
      const told = linesOf(transcript, outcome);
      lines.push(...told);
      options.onLines?.(told);
    }
  } finally {
    await (await started?.catch(() => undefined))?.stop();
    rmSync(folders, { recursive: true, force: true });
  }
  const passed = counts.passed + counts.differs;
  const last = `${CLI_FILE}: ${passed} passed, ${counts.failed} failed, ${counts["not-covered"]} not covered`;
  return { passed, failed: counts.failed, lines: [...lines, last] };
}

function asFailure(error: unknown): TranscriptOutcome {
  return { kind: "failed", found: [{ path: "start", expected: "a comparison", actual: errorText(error) }] };
}

function linesOf({ id }: Transcript, outcome: TranscriptOutcome): string[] {
  switch (outcome.kind) {
    case "passed":
      return [`passed  ${id}`];
    case "differs":
      return [`differs ${id} by the rule: ${outcome.rule}`];
    case "not-covered":
      return [`not covered ${id}: ${outcome.why}`];
    case "failed":
      return [
        `failed  ${id}`,
        ...outcome.found.map(
          ({ path, expected, actual }) =>
            `  ${path}: expected ${canonical(expected) ?? "nothing"}, got ${canonical(actual) ?? "nothing"}`,
        ),
      ];
  }
}
