import { keyOf, subcommandKeys } from "./bash.ts";
import type { CompletedCommand, Values } from "./model.ts";

/** A script for zsh, to be sourced or put into a folder of \`fpath\` as \`_windlass\`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef windlass
# Completion of windlass for zsh: source <(windlass completion zsh)
_windlass() {
  local at="" skip="" word
  local -a found
  local -i i
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $skip ]]; then
      skip=""
      continue
    fi
    case "$at $word" in
      ${subcommandKeys(commands).map(quoted).join(" | ")}) at="$at $word" ;;
      ${skips(commands)}) skip=yes ;;
    esac
  done
  case "$at" in
${commands.map(branch).join("\n")}
  esac
}
if [[ \${funcstack[1]} == _windlass ]]; then
  _windlass "$@"
else
  compdef _windlass windlass
fi
`;
}

function skips(commands: readonly CompletedCommand[]): string {
  return commands
    .flatMap((each) =>
      each.options
        .filter(({ values }) => values !== undefined)
        .flatMap(({ flags }) => flags.map((flag) => quoted(`${keyOf(each)} ${flag}`))),
    )
    .join(" | ");
}

function branch(command: CompletedCommand): string {
  const { options, subcommands, values } = command;
  const valued = options.filter((option) => option.values !== undefined);
  const after = valued.map(
    ({ flags, values: allowed }) => `        ${flags.map(quoted).join(" | ")}) ${offer(allowed!)}; return ;;`,
  );
  const described = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([name, text]) => quoted(`${name.replaceAll(":", "\\:")}:${text}`)).join(" ");
  const flags = described(options.flatMap((option) => option.flags.map((flag) => [flag, option.description] as const)));
  const rest =
    subcommands.length > 0
      ? `found=(${described(subcommands.map(({ name, description }) => [name, description] as const))}); _describe command found`
      : offer(values);
  return `    ${quoted(keyOf(command))})
      case "\${words[CURRENT - 1]}" in
${after.join("\n")}
      esac
      if [[ \${words[CURRENT]} == -* ]]; then
        found=(${flags})
        _describe option found
      else
        ${rest}
      fi
      ;;`;
}

function offer(values: Values): string {
  if (values === "files") return "_files";
  if (values === "folders") return "_files -/";
  return values === "free" ? "_message value" : `compadd -- ${values.map(quoted).join(" ")}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
