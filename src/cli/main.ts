import { CommanderError } from "commander";
import { errorText } from "../core/errors.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";
import { buildProgram } from "./program.ts";

/** Runs one command line, without the program's name, and resolves with the exit code. Never throws. */
export async function main(argv: readonly string[], ctx: CliContext): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(ctx, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(ctx, error);
  }
}

function report(ctx: CliContext, error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (error instanceof CliError) {
    for (const line of error.lines) ctx.err(`windlass: ${line}\n`);
    return error.exitCode;
  }
  ctx.err(`windlass: this is a bug, please report it: ${oneLine(errorText(error))}\n`);
  return EXIT.failed;
}
