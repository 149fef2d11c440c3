import type { Command } from "commander";
import type { CanaryOptions } from "../commands/canary.ts";
import type { AbortOptions, PromoteOptions } from "../commands/canary-change.ts";
import type { CliContext } from "../context.ts";
import { add, addressOption, outputOption, targetOf, timeoutOption } from "./shared.ts";

/** `canary` and its subcommands. */
export function addCanaries(program: Command, ctx: CliContext): void {
  const canary = add(program, "canary", "print where the canary of an application stands, and move it");
  canary
    .argument("<APP>", "name of the application")
    .option("--watch", "print again after each change until the canary ends; exit 1 if it is aborted")
    .addOption(outputOption())
    .addOption(addressOption());
  canary.action(async (application: string, options: CanaryOptions) => {
    const command = await import("../commands/canary.ts");
    await command.canary(ctx, await targetOf(ctx, canary), application, options);
  });

  const promote = addVerb(canary, "promote", "go on to the next step, or to the end");
  promote
    .option("--full", "all requests to the new revision at once")
    .option("--wait", "wait until the new revision serves alone, with progress on stderr; exit 1 if it is aborted")
    .addOption(timeoutOption())
    .addOption(addressOption());
  promote.action(async (application: string, options: PromoteOptions) => {
    const command = await import("../commands/canary-change.ts");
    await command.promoteCanary(ctx, await targetOf(ctx, promote), application, options);
  });

  const abort = addVerb(canary, "abort", "go back to the stable revision");
  abort
    .option("--reason <text>", "why, for the history")
    .option("--wait", "wait until the application is RUNNING, with progress on stderr")
    .addOption(timeoutOption())
    .addOption(addressOption());
  abort.action(async (application: string, options: AbortOptions) => {
    const command = await import("../commands/canary-change.ts");
    await command.abortCanary(ctx, await targetOf(ctx, abort), application, options);
  });

  const pause = addVerb(canary, "pause", "hold it at its present weight; its analysis goes on").addOption(
    addressOption(),
  );
  pause.action(async (application: string) => {
    const command = await import("../commands/canary-change.ts");
    await command.pauseCanary(ctx, await targetOf(ctx, pause), application);
  });

  const resume = addVerb(canary, "resume", "let it go on, its step from the beginning").addOption(addressOption());
  resume.action(async (application: string) => {
    const command = await import("../commands/canary-change.ts");
    await command.resumeCanary(ctx, await targetOf(ctx, resume), application);
  });
}

function addVerb(canary: Command, name: string, description: string): Command {
  return add(canary, name, description).argument("<APP>", "name of the application");
}
