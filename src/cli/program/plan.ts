import { type Command, InvalidArgumentError, Option } from "commander";
import type { PlanOptions } from "../commands/plan.ts";
import type { CliContext } from "../context.ts";
import type { FailOn } from "../planning.ts";
import { add, addressOption, outputOption, targetOf } from "./shared.ts";

const CHOICES: readonly FailOn[] = ["restart", "delete"];

/** `--fail-on` of commands that plan; several times, or with commas. */
export function failOnOption(): Option {
  return new Option(
    "--fail-on <what>",
    "exit 1 and change nothing if a deployment would restart, or anything be deleted",
  )
    .choices(CHOICES)
    .argParser((value: string, before: readonly FailOn[] | undefined) => [
      ...(before ?? []),
      ...value.split(",").map(one),
    ]);
}

function one(text: string): FailOn {
  const known = CHOICES.find((each) => each === text.trim());
  if (known !== undefined) return known;
  throw new InvalidArgumentError("Allowed choices are restart, delete, also with a comma between them.");
}

/** The options of an application at an import path, as deploy and plan have them. */
export function addImportPathOptions(command: Command): Command {
  return command
    .option("--name <name>", "name of the application at an import path (default: default)")
    .option("--runtime-env <file>", "file with the runtime_env of the application at an import path")
    .option("--runtime-env-json <json>", "the same as JSON")
    .option(
      "--working-dir <uri>",
      "the zip that the application at an import path lies in; beats the one of a runtime_env",
    );
}

/** `plan`. */
export function addPlan(program: Command, ctx: CliContext): void {
  const plan = add(program, "plan", "print what a deploy would do, and make a token to do exactly that");
  plan
    .argument("<CONFIG_OR_IMPORT_PATH>", "config file, or module and export: ./app.ts:app")
    .argument("[ARGS...]", "key=value arguments for the application at an import path");
  addImportPathOptions(plan)
    .option("--out <file>", "keep the plan here, for `windlass deploy --plan`")
    .addOption(failOnOption())
    .addOption(outputOption())
    .addOption(addressOption());
  plan.action(async (what: string, args: string[], options: PlanOptions) => {
    const command = await import("../commands/plan.ts");
    await command.plan(ctx, await targetOf(ctx, plan), what, args, options);
  });
}
