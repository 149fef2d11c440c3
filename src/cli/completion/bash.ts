import type { CompletedCommand, Values } from "./model.ts";

/** A script for bash, 3.2 and newer. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# Completion of windlass for bash: eval "$(windlass completion bash)"
_windlass() {
  local IFS=$'\\n' at="" value="" word i
  local cur="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  # bash takes --output=json apart.
  [[ $cur == "=" ]] && cur=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ $word == "=" ]] && continue
    if [[ -n $value ]]; then
      value=""
      continue
    fi
    case "$at $word" in
      ${subcommandKeys(commands)
        .map((key) => `"${key}"`)
        .join(" | ")}) at="$at $word" ;;
${cases(optionValues(commands), (kind) => `value="${kind}"`)}
    esac
  done
  if [[ -z $value && $cur == -* ]]; then
    case "$at" in
${commands.map((each) => `      "${keyOf(each)}") COMPREPLY=($(compgen -W "${words(each.options.flatMap(({ flags }) => flags))}" -- "$cur")) ;;`).join("\n")}
    esac
    return
  fi
  if [[ -z $value ]]; then
    case "$at" in
${commands.map((each) => `      "${keyOf(each)}") value="${kindOf(each)}" ;;`).join("\n")}
    esac
  fi
  case "$value" in
    files) compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
    folders) compopt -o filenames 2> /dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
    words:*) COMPREPLY=($(compgen -W "\${value#words:}" -- "$cur")) ;;
  esac
}
complete -F _windlass windlass
`;
}

/** " token create" for the command of that path, "" for the program. */
export function keyOf({ path }: Pick<CompletedCommand, "path">): string {
  return path.map((name) => ` ${name}`).join("");
}

/** What stands after a command that is no option: its subcommands, else its first argument. */
function kindOf({ subcommands, values }: CompletedCommand): string {
  return kindOfValues(subcommands.length > 0 ? subcommands.map(({ name }) => name) : values);
}

function kindOfValues(values: Values): string {
  return typeof values === "string" ? values : `words:${words(values)}`;
}

/** One a line: IFS is a line end. */
function words(list: readonly string[]): string {
  return list.join("\n");
}

/** Each word that is a subcommand, behind the command it belongs to. */
export function subcommandKeys(commands: readonly CompletedCommand[]): string[] {
  return commands.flatMap((each) => each.subcommands.map(({ name }) => `${keyOf(each)} ${name}`));
}

function optionValues(commands: readonly CompletedCommand[]): [pattern: string, kind: string][] {
  return commands.flatMap((each) =>
    each.options.flatMap(({ flags, values }) =>
      values === undefined
        ? []
        : flags.map((flag): [string, string] => [`${keyOf(each)} ${flag}`, kindOfValues(values)]),
    ),
  );
}

/** Branches of a \`case\`, patterns of the same outcome together. */
function cases(entries: readonly [pattern: string, outcome: string][], then: (outcome: string) => string): string {
  const patterns = Map.groupBy(entries, ([, outcome]) => outcome);
  return [...patterns]
    .map(([outcome, list]) => `      ${list.map(([pattern]) => `"${pattern}"`).join(" | ")}) ${then(outcome)} ;;`)
    .join("\n");
}
