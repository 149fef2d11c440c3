import { Argument, type Command, Option } from "commander";
import { CliError, EXIT } from "../exit.ts";
import { add } from "./shared.ts";

/** Commands that are named already and come with the autoscaler: they exit 2 and say so. */
export function addPlanned(program: Command): void {
  const explain = add(program, "explain", "say why a deployment has its number of replicas; not built yet");
  explain
    .addArgument(new Argument("<APP>", "name of the application"))
    .addArgument(new Argument("<DEPLOYMENT>", "name of the deployment"))
    .addOption(new Option("--at <time>", "the decision that held then"));
  explain.action(() => notBuilt("explain", "`windlass history` and `windlass watch` show what changed"));
}

function notBuilt(command: string, meanwhile: string): never {
  throw new CliError(EXIT.usage, `${command} comes with the autoscaler, which is not built yet; ${meanwhile}`);
}
