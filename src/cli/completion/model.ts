import type { Command, Option } from "commander";
import { START_FLAGS, type StartFlag } from "../start-flags.ts";

/** Shells that completion scripts are made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** What may follow an option or stand as an argument. `free`: anything, so that nothing can be offered. */
export type Values = "free" | "files" | "folders" | readonly string[];

/** An option as scripts need it. */
export interface CompletedOption {
  /** "-o", "--output". */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined for switches. */
  readonly values: Values | undefined;
}

/** A command with its options; `path` is empty for the program itself. */
export interface CompletedCommand {
  readonly path: readonly string[];
  readonly description: string;
  readonly subcommands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  /** Of its arguments. */
  readonly values: Values;
}

/** Every command of the program, the program first. */
export function completedCommands(program: Command, path: readonly string[] = []): CompletedCommand[] {
  const own: CompletedCommand = {
    path,
    description: program.description(),
    subcommands: program.commands.map((each) => ({ name: each.name(), description: each.description() })),
    options: [...program.options.map(completedOption), HELP],
    values: program.registeredArguments.map((each) => argumentValues(each.name(), each.argChoices))[0] ?? "free",
  };
  return [own, ...program.commands.flatMap((each) => completedCommands(each, [...path, each.name()]))];
}

const HELP: CompletedOption = { flags: ["-h", "--help"], description: "display help for command", values: undefined };

function completedOption(option: Option): CompletedOption {
  const flags = [option.short, option.long].filter((flag) => flag !== undefined);
  const takesValue = option.required || option.optional;
  return { flags, description: option.description, values: takesValue ? optionValues(option) : undefined };
}

const FLAGS: readonly StartFlag[] = START_FLAGS;

function optionValues({ flags, argChoices, long }: Option): Values {
  if (argChoices !== undefined) return argChoices;
  const placeholder = /<(.*)>/.exec(flags)?.[1] ?? "";
  const choices = FLAGS.find((flag) => `--${flag.name}` === long)?.choices;
  if (choices !== undefined) return choices;
  if (placeholder === "file") return "files";
  return placeholder === "folder" ? "folders" : "free";
}

function argumentValues(name: string, choices: readonly string[] | undefined): Values {
  return choices ?? (/^(CONFIG|IMPORT_PATH)/.test(name) ? "files" : "free");
}
