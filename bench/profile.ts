// node bench/profile.ts [--seconds S] [--rounds N] [--connections N] [--top N] [--path P] [--body-bytes N] [--no-file]
// Where the CPU time of a proxied request goes, beside bare node:http. Needs a build. Prints Markdown tables and adds them
// to bench/results/<date>.md: what a request takes each process, in user code and in the kernel; what share of bare
// node:http comes of it when both have the same cores; and what the proxy, the replica and the bare server do meanwhile.
// Then, on the screen only, the functions with the most time, at their places in the sources.
// The profile counts time on the clock: a write that wakes its reader on the same core has the reader's time in it. How
// much CPU time a request really takes is measured before, without the profile.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { cleanUp } from "./lib/children.ts";
import { load as loadAverage, machine } from "./lib/machine.ts";
import { costs, measureCosts } from "./lib/request-costs.ts";
import { profileRequest, showFunctions, timesTable } from "./lib/request-profile.ts";
import { addToResults } from "./lib/results.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "32" },
    top: { type: "string", default: "25" },
    path: { type: "string", default: "/" },
    "body-bytes": { type: "string" },
    "no-file": { type: "boolean", default: false },
  },
});
process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const bodyBytes = values["body-bytes"];
const load = {
  connections: Number(values.connections),
  seconds: Number(values.seconds),
  path: values.path,
  ...(bodyBytes !== undefined && { method: "POST", bodyBytes: Number(bodyBytes) }),
};
const progress = (text: string): void => void process.stderr.write(`profile: ${text}\n`);
const began = new Date();
const loadAtStart = loadAverage();

const measured = await measureCosts(load, Number(values.rounds), progress);
progress("profile");
const profiled = await profileRequest(load);

const [day, time] = began.toISOString().split("T") as [string, string];
const what = `${values.path}${bodyBytes === undefined ? "" : ` with ${bodyBytes} bytes`}, ${load.connections} connections`;
const text = [
  `## ${day}, ${time.slice(0, 5)} UTC, where the time of a request goes`,
  `${machine()}. Load average ${loadAtStart} at the start, ${loadAverage()} at the end. ${what}, \`--proxy-workers 1\`.`,
  costs(measured, availableParallelism()),
  timesTable(profiled),
].join("\n\n");
process.stdout.write(`${text}\n`);
for (const one of profiled) showFunctions(one, Number(values.top));
if (!values["no-file"]) addToResults(day, text);
process.exit(0);
