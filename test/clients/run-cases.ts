import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, it } from "vitest";
import { CLIENT_CASES } from "./cases.ts";
import { startLab } from "./lab.ts";

/** How to run the test program of a language. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How long a program may take, once it is built. */
const PROGRAM_TIMEOUT_MS = 120_000;

/** Declares the cases of one language. `prepare` installs and builds what the program needs. */
export function describeClient(language: string, prepare: () => Promise<Program>, prepareTimeoutMs: number): void {
  describe(`the ${language} client`, () => {
    let program: Program;
    beforeAll(async () => {
      program = await prepare();
    }, prepareTimeoutMs);
    let outcome: Promise<Outcome> | undefined;

    // The program runs once, in the first case, which is also what stops it.
    it.each(CLIENT_CASES.map((name) => ({ name })))("$name", { timeout: PROGRAM_TIMEOUT_MS }, async ({ name }) => {
      outcome ??= startLab().then(({ env }) => runProgram(program, env));
      const { verdicts, code, output } = await outcome;
      expect(verdicts.get(name) ?? `not printed; the program ended with ${code}:\n${output}`).toBe("ok");
    });

    it("prints nothing but the cases, and ends by itself", async () => {
      const { verdicts, code, output } = await outcome!;
      expect([...verdicts.keys()]).toEqual([...CLIENT_CASES]);
      expect(code, output).toBe(0);
    });
  });
}

interface Outcome {
  /** "ok", or why not, by case. */
  readonly verdicts: ReadonlyMap<string, string>;
  readonly code: number | null;
  readonly output: string;
}

async function runProgram(
  { command, args, cwd, env }: Program,
  lab: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(WINDLASS_|VITEST)/.test(name)));
  const child = spawn(command, args, { cwd, env: { ...clean, ...env, ...lab }, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), PROGRAM_TIMEOUT_MS - 10_000);
  const verdicts = new Map<string, string>();
  let output = "";
  createInterface({ input: child.stdout }).on("line", (line) => {
    output += `${line}\n`;
    const [, not, name, why] = /^(not )?ok ([^:]+)(?:: (.*))?$/.exec(line) ?? [];
    if (name !== undefined) verdicts.set(name, not === undefined ? "ok" : `not ok: ${why}`);
  });
  child.stderr.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  return { verdicts, code, output };
}
