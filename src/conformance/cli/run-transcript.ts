/** Runs one transcript: brings the instance to its state, runs the command line, compares. */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../core/clock.ts";
import { exchange } from "../rest/exchange.ts";
import type { RunningWindlass } from "../rest/instance.ts";
import type { Mismatch } from "../rest/match.ts";
import { APPLICATIONS_PATH } from "../rest/scenario.ts";
import { getDocument } from "../rest/send.ts";
import { configOf, type Given, parseGiven } from "./given.ts";
import { filesFound, TRANSCRIPT_RULES } from "./rules.ts";
import { textMismatches } from "./shapes.ts";
import { type Ran, type RecordedText, SHAPES, type Transcript } from "./transcript.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/windlass.cjs", import.meta.url));
/** The address and the HTTP port of the recording. */
const RECORDED_ADDRESS = "http://127.0.0.1:8365";
const RECORDED_HTTP_PORT = "18000";
const DEAD_ADDRESS = "http://127.0.0.1:9";
/** How long a state may take to come about, and a command to end. */
const PATIENCE_MS = 60_000;

/** How a transcript came out. */
export type TranscriptOutcome =
  | { readonly kind: "passed" }
  | { readonly kind: "differs"; readonly rule: string }
  | { readonly kind: "failed"; readonly found: readonly Mismatch[] }
  | { readonly kind: "not-covered"; readonly why: string };

/** What {@link runTranscript} needs. */
export interface TranscriptOptions {
  readonly clock: Clock;
  /** Folder of the module `fixtures`. */
  readonly fixtures: string;
  /** Where each transcript gets a folder of its own. */
  readonly folders: string;
  /** Gives the running Windlass, which is started when it is first asked for. */
  windlass(): Promise<RunningWindlass>;
}

/** Runs one; rejects when its state does not come about. */
export async function runTranscript(recorded: Transcript, options: TranscriptOptions): Promise<TranscriptOutcome> {
  const given = parseGiven(recorded.given);
  if (given === undefined) return { kind: "not-covered", why: `given "${recorded.given}"` };
  const why = unknownShape(recorded);
  if (why !== undefined) return { kind: "not-covered", why };
  const live = given.kind !== "dead" && given.kind !== "offline";
  const windlass = live ? await options.windlass() : undefined;
  const address = windlass?.control ?? DEAD_ADDRESS;
  const transcript = localised(recorded, windlass);
  const folder = mkdtempSync(join(options.folders, "transcript-"));
  cpSync(options.fixtures, folder, { recursive: true });
  const run = (argv: readonly string[], stdin = "") =>
    runCommand(argv, { folder, address, stdin, clock: options.clock });
  if (windlass !== undefined) await bringAbout(given, windlass, run, options.clock);
  for (const [name, text] of Object.entries(transcript.files ?? {})) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const before = new Set(readdirSync(folder));
  const { exitCode, stdout, stderr } = await run(transcript.argv.slice(1), transcript.stdin);
  const added = readdirSync(folder).filter((name) => !before.has(name));
  const written = Object.fromEntries(added.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  return judge({ transcript, given, ran: { exitCode, stdout, stderr, written }, address });
}

/** As recorded, or by the first rule that applies. Pure. */
export function judge(different: {
  readonly transcript: Transcript;
  readonly given: Given;
  readonly ran: Ran;
  readonly address: string;
}): TranscriptOutcome {
  const { expect } = different.transcript;
  const { exitCode, stdout, stderr } = different.ran;
  const code =
    exitCode === expect.exit_code ? [] : [{ path: "exit code", expected: expect.exit_code, actual: exitCode }];
  const found = [
    ...code,
    ...textMismatches(expect.stdout, stdout, "stdout"),
    ...textMismatches(expect.stderr, stderr, "stderr"),
    ...filesFound(different),
  ];
  if (found.length === 0) return { kind: "passed" };
  const rule = TRANSCRIPT_RULES.find((each) => each.applies(different));
  if (rule === undefined) return { kind: "failed", found };
  const broken = rule.found(different);
  return broken.length === 0 ? { kind: "differs", rule: rule.name } : { kind: "failed", found: broken };
}

function unknownShape({ expect }: Transcript): string | undefined {
  const { exit_code: _, stdout, stderr, files = {}, ...rest } = expect as unknown as Record<string, unknown>;
  const other = Object.keys(rest)[0];
  if (other !== undefined) return `expect.${other}`;
  const known: readonly string[] = Object.values(SHAPES);
  const texts = [stdout, stderr, ...Object.values(files as object)] as RecordedText[];
  const shape = texts.find((text) => !known.includes(text.shape))?.shape;
  return shape === undefined ? undefined : `shape "${shape}"`;
}

/** The transcript with our address and port in place of the recording's. */
function localised(transcript: Transcript, windlass: RunningWindlass | undefined): Transcript {
  if (windlass === undefined) return transcript;
  const text = JSON.stringify(transcript)
    .replaceAll(RECORDED_ADDRESS, windlass.control)
    .replaceAll(RECORDED_HTTP_PORT, new URL(windlass.http).port);
  return JSON.parse(text) as Transcript;
}

type Run = (argv: readonly string[]) => Promise<Omit<Ran, "written">>;

/** Makes the instance what `given` says; rejects when it does not get there. */
async function bringAbout(given: Given, windlass: RunningWindlass, run: Run, clock: Clock): Promise<void> {
  const call = (method: string, body?: object) =>
    exchange(windlass.control, {
      method,
      path: APPLICATIONS_PATH,
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  const there = (await getDocument(windlass))?.controller_info["node_id"] !== undefined;
  if (given.kind === "absent") {
    if (there) await call("DELETE");
    return;
  }
  if (given.kind !== "instance") return;
  const applications = given.applications ?? (there ? undefined : []);
  if (applications === undefined) return;
  const [first] = applications;
  if (first?.byImportPath !== undefined) {
    const deployed = await run(["deploy", first.import_path, ...first.byImportPath, "--name", first.name]);
    if (deployed.exitCode !== 0) throw new Error(`the state was not reached: ${deployed.stderr}`);
  } else {
    const answer = await call("PUT", configOf(applications));
    if (answer.status !== 200) throw new Error(`the state was not reached: ${answer.status} ${answer.text}`);
  }
  const start = clock.monotonic();
  for (;;) {
    const now = (await getDocument(windlass))?.applications ?? {};
    const names = Object.keys(now);
    if (names.length === applications.length && applications.every(({ name }) => now[name]?.status === "RUNNING"))
      return;
    if (clock.monotonic() - start > PATIENCE_MS) throw new Error(`the state was not reached: ${JSON.stringify(now)}`);
    await clock.sleep(20);
  }
}

function runCommand(
  argv: readonly string[],
  at: { readonly folder: string; readonly address: string; readonly stdin: string; readonly clock: Clock },
): Promise<Omit<Ran, "written">> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(WINDLASS_|VITEST|NODE_ENV$)/.test(name)),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [LAUNCHER, ...argv], {
      cwd: at.folder,
      env: { ...env, WINDLASS_ADDRESS: at.address, WINDLASS_STATE_DIR: join(at.folder, "no-state") },
    });
    const timer = at.clock.timer(PATIENCE_MS, () => child.kill("SIGKILL"));
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (exitCode) => {
      timer.cancel();
      resolve({ exitCode, stdout, stderr });
    });
    // A command that reads nothing may have ended already.
    child.stdin.on("error", () => {});
    child.stdin.end(at.stdin);
  });
}
