import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { START_FLAGS, type StartFlag, variableOf } from "../start-flags.ts";
import { add } from "./shared.ts";

type Values = Readonly<Record<string, string | boolean | string[] | undefined>>;

const FLAGS: readonly StartFlag[] = START_FLAGS;

/** `start` and `run`: the commands that are the server. */
export function addServe(program: Command, ctx: CliContext, setExitCode: (code: number) => void): void {
  const start = add(program, "start", "run Windlass in the foreground; with CONFIG, deploy it once ready");
  start.argument("[CONFIG]", "config file, YAML or JSON");
  addStartFlags(start, {});
  start.action(async (file: string | undefined, options: Values) => {
    const command = await import("../commands/start.ts");
    setExitCode(await command.start(ctx, file, startFlags(options)));
  });

  const run = add(program, "run", "start Windlass, deploy, and follow status and logs until stopped; for development");
  run
    .argument("<CONFIG_OR_IMPORT_PATH>", "config file, or module and export: ./app.ts:app")
    .argument("[ARGS...]", "key=value arguments for the application at an import path")
    .option("--reload", "deploy again whenever a file of the application changes")
    .option("--name <name>", "name of the application at an import path (default: default)")
    .option("--route-prefix <path>", "route prefix of the application at an import path (default: /)");
  addStartFlags(run, { "state-dir": "a new one, removed at the end" });
  run.action(async (what: string, args: string[], options: Values & RunValues) => {
    const command = await import("../commands/run.ts");
    setExitCode(await command.run(ctx, what, args, startFlags(options), options));
  });
}

interface RunValues {
  readonly reload?: boolean;
  readonly name?: string;
  readonly routePrefix?: string;
}

function addStartFlags(command: Command, defaults: Readonly<Record<string, string>>): void {
  for (const flag of FLAGS) {
    const option = new Option(flag.value === undefined ? `--${flag.name}` : `--${flag.name} <${flag.value}>`);
    const byDefault = defaults[flag.name] ?? flag.default;
    option.description = byDefault === undefined ? flag.help : `${flag.help} (default: ${byDefault})`;
    if (flag.list) option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
    command.addOption(option);
  }
  command.addHelpText(
    "after",
    `\nEach flag of start has a variable (${variableOf("control-port")}) and a key in the config's start: section
(control_port). A flag beats the variable, the variable beats the file.`,
  );
}

function startFlags(options: Values): Record<string, string | true | string[]> {
  const flags: Record<string, string | true | string[]> = {};
  for (const { name } of FLAGS) {
    // Commander reads `--no-instance` as "instance is false".
    const value = name.startsWith("no-") ? options[camel(name.slice(3))] === false : options[camel(name)];
    if (value !== undefined && value !== false) flags[name] = value;
  }
  return flags;
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
