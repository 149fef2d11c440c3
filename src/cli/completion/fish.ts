import { keyOf, subcommandKeys } from "./bash.ts";
import type { CompletedCommand, CompletedOption, Values } from "./model.ts";

/** A script for fish, to be sourced or put into its folder of completions as `windlass.fish`. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  return `# Completion of windlass for fish: windlass completion fish | source
function __windlass_at
  set -l at ""
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
      continue
    end
    switch "$at $word"
      case ${subcommandKeys(commands).map(quoted).join(" ")}
        set at "$at $word"
      case ${skips(commands)}
        set skip 1
    end
  end
  test "$at" = "$argv[1]"
end
complete -c windlass -f
${commands.flatMap(linesOf).join("\n")}
`;
}

function skips(commands: readonly CompletedCommand[]): string {
  return commands
    .flatMap((each) =>
      each.options
        .filter(({ values }) => values !== undefined)
        .flatMap(({ flags }) => flags.map((flag) => quoted(`${keyOf(each)} ${flag}`))),
    )
    .join(" ");
}

function linesOf(command: CompletedCommand): string[] {
  const start = `complete -c windlass -n ${quoted(`__windlass_at ${quoted(keyOf(command))}`)}`;
  const subcommands = command.subcommands.map(
    ({ name, description }) => `${start} -a ${quoted(name)} -d ${quoted(description)}`,
  );
  const values = command.subcommands.length > 0 ? [] : argumentsOf(start, command.values);
  return [...subcommands, ...values, ...command.options.map((option) => optionLine(start, option))];
}

function argumentsOf(start: string, values: Values): string[] {
  if (values === "free") return [];
  if (values === "files" || values === "folders") return [`${start} -F`];
  return [`${start} -a ${quoted(values.join(" "))}`];
}

function optionLine(start: string, { flags, description, values }: CompletedOption): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(" ");
  const value =
    values === undefined
      ? ""
      : values === "free"
        ? " -x"
        : typeof values === "string"
          ? " -r -F"
          : ` -x -a ${quoted(values.join(" "))}`;
  return `${start} ${names}${value} -d ${quoted(description)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
