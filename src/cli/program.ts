import { Command } from "commander";
import type { CliContext } from "./context.ts";
import type { OutputFormat } from "./output.ts";
import { addApply } from "./program/apply.ts";
import { addCanaries } from "./program/canary.ts";
import { addOffline } from "./program/offline.ts";
import { addPlan } from "./program/plan.ts";
import { addReads } from "./program/read.ts";
import { addServe } from "./program/serve.ts";
import { add, outputOption, usageErrors } from "./program/shared.ts";
import { addTokens } from "./program/token.ts";
import { addWrites } from "./program/write.ts";
import { VERSION } from "./version.ts";

/**
 * The command line: flags and help texts. Each command's code is loaded when it runs, so that `--help` and `version`
 * load nothing else. `setExitCode` is called by commands that end with another code than 0 without an error.
 */
export function buildProgram(ctx: CliContext, setExitCode: (code: number) => void): Command {
  const program = new Command("windlass");
  program
    .description("Deploys, scales, heals and watches services on this machine.")
    .configureOutput({ writeOut: ctx.out, writeErr: ctx.err, outputError: () => {}, getOutHasColors: () => false })
    .configureHelp({ helpWidth: 100, showGlobalOptions: false });
  usageErrors(program);
  addServe(program, ctx, setExitCode);
  addWrites(program, ctx);
  addApply(program, ctx, setExitCode);
  addPlan(program, ctx);
  addReads(program, ctx);
  addCanaries(program, ctx);
  addTokens(program, ctx);
  addOffline(program, ctx);
  const version = add(program, "version", "print the version of Windlass and of Node").addOption(outputOption());
  version.action(async ({ output }: { output?: OutputFormat }) => {
    if (output === undefined) return ctx.out(`windlass ${VERSION} (node ${process.version})\n`);
    const { printDocument } = await import("./output.ts");
    printDocument(ctx, { windlass: VERSION, node: process.version }, output);
  });
  return program;
}
