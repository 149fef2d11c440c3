/**
 * Runs Connect's conformance suite against the control port's server, and against the clients the command line uses.
 * Ends with `N passed, N failed`. Needs Go; the runner is built once.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { goProgram } from "../support/go.ts";

const RUNNER = "connectrpc.com/conformance/cmd/connectconformance";
const VERSION = "v1.0.7";
const here = import.meta.dirname;

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

const runner = await goProgram(RUNNER, VERSION);
const runs = [await run("server")];
const passed = runs.reduce((sum, each) => sum + each.passed, 0);
const failed = runs.reduce((sum, each) => sum + each.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** What the runner counted. One that dies, or hangs for longer than the suite ever took, is a failure. */
async function run(mode: "server" | "client"): Promise<Counts> {
  process.stdout.write(`\nConnect conformance ${VERSION}: the ${mode}\n`);
  const command = [process.execPath, join(here, `${mode}.ts`)];
  const child = spawn(runner, ["--mode", mode, "--conf", join(here, `${mode}.yaml`), "--", ...command], {
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
  const counts = { passed: Number(counted?.[1] ?? 0), failed: Number(counted?.[2] ?? 0) };
  return code === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}
