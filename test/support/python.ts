import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAKE_VENV = fileURLToPath(new URL("make-venv.py", import.meta.url));

/** What a program left behind. */
export interface ProgramResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Path of a program of a virtual environment, which is made with these requirements unless it is there already. */
export async function pythonProgram(venv: string, requirements: readonly string[]): Promise<(name: string) => string> {
  const { code, out, err } = await runProgram("python3", [MAKE_VENV, venv, ...requirements]);
  if (code !== 0) throw new Error(`the virtual environment ${venv} could not be made: ${err}`);
  return (name) => join(out.trim(), "bin", name);
}

/** Runs a program to its end; its environment is this one's without variables of Ray and Windlass, and `env`. */
export function runProgram(
  file: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string; stdin?: string } = {},
): Promise<ProgramResult> {
  const { stdin = "", cwd } = options;
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(RAY_|WINDLASS_|VITEST)/.test(name)),
  );
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      { env: { ...env, ...options.env }, maxBuffer: 64 << 20, ...(cwd === undefined ? {} : { cwd }) },
      (error, out, err) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
    );
    child.stdin?.end(stdin);
  });
}
