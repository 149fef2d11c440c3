import type { Command } from "commander";
import type { ApplyOptions } from "../commands/apply.ts";
import type { CliContext } from "../context.ts";
import { add, addressOption, outputOption, targetOf, timeoutOption } from "./shared.ts";

/** `apply`. */
export function addApply(program: Command, ctx: CliContext, setExitCode: (code: number) => void): void {
  const apply = add(program, "apply", "make applications what the files of a folder say, and leave others alone");
  apply
    .requiredOption("-f, --file <file>", "file, folder with all below it, or - for stdin; may be given again", listed)
    .option("--exclude <glob>", "leave these files of folders out; may be given again", listed)
    .option("--prune", "delete applications that an earlier apply of the set made and no file names any more")
    .option("--allow-empty", "let the files name no application at all")
    .option("--set <name>", "the set that the applications belong to (default: the paths of -f)")
    .option("--take-over", "write applications that belong to another set too")
    .option("--dry-run", "print what would be done, and change nothing but build the sources")
    .option("--exit-code", "with --dry-run: exit 5 if something would be done")
    .option("--wait", "wait until every application is RUNNING, with progress on stderr; exit 1 if one fails")
    .addOption(timeoutOption())
    .option("--watch", "go on: apply again when files change, and when others change the applications")
    .option("--no-repair", "with --watch: leave what others change")
    .addOption(outputOption())
    .addOption(addressOption());
  apply.action(async (options: ApplyOptions) => {
    const command = await import("../commands/apply.ts");
    await command.apply(ctx, await targetOf(ctx, apply), options, setExitCode);
  });
}

function listed(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
