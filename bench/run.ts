// npm run bench -- [--peers] [--venv DIR] [--only SECTIONS] [--seconds S] [--rounds N] [--repeats N] [--no-file]
// Prints one Markdown table and adds it to bench/results/<date>.md. docs/bench.md says how to read it.
import { parseArgs } from "node:util";
import { cleanUp } from "./lib/children.ts";
import type { Context, Section } from "./lib/context.ts";
import { load, machine } from "./lib/machine.ts";
import { addToResults } from "./lib/results.ts";
import { markdown, type Row } from "./lib/table.ts";
import { measureRayIsolated } from "./peers/isolated.ts";
import { installRay } from "./peers/ray-process.ts";
import { compareSideBySide } from "./peers/side-by-side.ts";
import { drain } from "./sections/drain.ts";
import { idle } from "./sections/idle.ts";
import { scaling } from "./sections/scaling.ts";
import { startUp } from "./sections/start-up.ts";
import { throughput } from "./sections/throughput.ts";
import { watchers } from "./sections/watchers.ts";
import { writes } from "./sections/writes.ts";

const SECTIONS: Readonly<Record<string, Section>> = {
  throughput,
  "start-up": startUp,
  scaling,
  writes,
  watchers,
  idle,
  drain,
};

/** The comparison with others, which has tables of its own. */
const SIDE = "side-by-side";
/** Those whose rows have a column for Ray Serve. */
const WITH_RAY = ["throughput", "start-up", "scaling", "idle"];

/** Budgets that need what this bench does not do. */
const ELSEWHERE: readonly Row[] = ["one decision turn at 10,000 autoscaled deployments < 100 ms"].map((text) => ({
  what: text,
  windlass: "",
  budgets: [{ text: "as named", met: undefined }],
}));

const { values } = parseArgs({
  options: {
    peers: { type: "boolean", default: false },
    venv: { type: "string" },
    only: { type: "string" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    repeats: { type: "string", default: "5" },
    "no-file": { type: "boolean", default: false },
  },
});
const everything = [...Object.keys(SECTIONS), SIDE];
const chosen = values.only?.split(",").map((name) => name.trim()) ?? everything;
const unknown = chosen.filter((name) => !everything.includes(name));
const numbers = [values.seconds, values.rounds, values.repeats].map(Number);
if (unknown.length > 0 || numbers.some((number) => !(number > 0))) {
  const what = unknown.length > 0 ? `--only ${unknown.join(",")} is unknown` : "--seconds, --rounds, --repeats are > 0";
  process.stderr.write(`bench: ${what}; sections are ${everything.join(", ")}\n`);
  process.exit(2);
}
if (values.only !== undefined && chosen.includes(SIDE) && !values.peers) {
  process.stderr.write(`bench: --only ${SIDE} compares with others: it needs --peers\n`);
  process.exit(2);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.on("exit", cleanUp);

const progress = (text: string): void => void process.stderr.write(`bench: ${text}\n`);
const notes: string[] = [];
const began = new Date();
const loadAtStart = load();
let failures = 0;

/** What a part of the run gives, or, where it fails, a line that says so. */
async function attempt<T>(name: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    failures += 1;
    const text = error instanceof Error ? error.message : String(error);
    progress(`${name} failed: ${text}`);
    notes.push(`**${name} failed**: ${text}`);
    return undefined;
  }
}

const loads: string[] = [];
if (values.peers) loads.push(`Ray Serve ${load()}`);
const ray = values.peers ? await attempt("Ray Serve", () => installRay(values.venv, progress)) : undefined;
const peer =
  ray !== undefined && chosen.some((name) => WITH_RAY.includes(name))
    ? await attempt("Ray Serve", () => measureRayIsolated({ ray, seconds: numbers[0]!, progress }))
    : undefined;
const context: Context = {
  seconds: numbers[0]!,
  rounds: Math.ceil(numbers[1]!),
  repeats: Math.ceil(numbers[2]!),
  peer,
  progress,
  note: (text) => void notes.push(text),
};
const rows: Row[] = [];
for (const name of chosen.filter((one) => one !== SIDE)) {
  loads.push(`${name} ${load()}`);
  rows.push(...((await attempt(name, () => SECTIONS[name]!(context))) ?? []));
}
let side = "";
if (values.peers && chosen.includes(SIDE)) {
  loads.push(`${SIDE} ${load()}`);
  side = (await attempt(SIDE, () => compareSideBySide({ ...context, ray }))) ?? "";
}
notes.push(`Load average at the start of each part, with what the part before added: ${loads.join(", ")}.`);

const [day, time] = began.toISOString().split("T") as [string, string];
const text = [
  `## ${day}, ${time.slice(0, 5)} UTC`,
  `${machine()}. Load average ${loadAtStart} at the start, ${load()} at the end.`,
  rows.length === 0 ? "" : markdown([...rows, ...ELSEWHERE]),
  side,
  notes.map((note) => `- ${note}`).join("\n"),
]
  .filter((part) => part !== "")
  .join("\n\n");
process.stdout.write(`${text}\n`);
if (!values["no-file"]) addToResults(day, text);
// Kept connections to what has been stopped would hold the process.
process.exit(failures === 0 ? 0 : 1);
