/**
 * Runs Connect's conformance suite against the control port's server, and against connect-node as our clients use it.
 * Ends with `N passed, N failed`. Needs Go; the runner is built once.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { goProgram } from "../support/go.ts";

const RUNNER = "connectrpc.com/conformance/cmd/connectconformance";
const VERSION = "v1.0.7";
const here = import.meta.dirname;

interface Counts {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
}

const runner = await goProgram(RUNNER, VERSION);
const known = (what: string): string => `@${join(here, `client-known-${what}.txt`)}`;
const runs = [
  await run("server"),
  await run("client", ["--known-failing", known("failing"), "--known-flaky", known("flaky")]),
];
// The page says how many cases there are; a suite that shrinks shows there.
const page = readFileSync(join(here, "..", "..", "docs", "interop.md"), "utf8");
for (const { total } of runs) {
  const said = `${total.toLocaleString("en-US")} cases`;
  if (page.includes(said)) continue;
  process.stdout.write(`docs/interop.md does not say "${said}"\n`);
  runs.push({ total: 0, passed: 0, failed: 1 });
  break;
}
const passed = runs.reduce((sum, each) => sum + each.passed, 0);
const failed = runs.reduce((sum, each) => sum + each.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** What the runner counted. One that dies, or hangs for longer than the suite ever took, is a failure. */
async function run(mode: "server" | "client", flags: readonly string[] = []): Promise<Counts> {
  process.stdout.write(`\nConnect conformance ${VERSION}: the ${mode}\n`);
  const command = [process.execPath, join(here, `${mode}.ts`)];
  const child = spawn(runner, ["--mode", mode, "--conf", join(here, `${mode}.yaml`), ...flags, "--", ...command], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 240_000,
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text);
    out += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const counted = /^(\d+) passed, (\d+) failed/m.exec(out);
  const total = Number(/^Total cases: (\d+)/m.exec(out)?.[1] ?? 0);
  const counts = { total, passed: Number(counted?.[1] ?? 0), failed: Number(counted?.[2] ?? 0) };
  return code === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}
