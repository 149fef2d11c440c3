import { type Command, InvalidArgumentError, Option } from "commander";
import type { Target } from "../address.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT, oneLine } from "../exit.ts";

/** Adds a command whose usage errors are ours. */
export function add(parent: Command, name: string, description: string): Command {
  const command = parent.command(name).description(description);
  usageErrors(command);
  return command;
}

/** Usage errors become one line that names the command to ask for help. */
export function usageErrors(command: Command): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw error;
    const path: string[] = [];
    for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
    const help = `see \`${path.join(" ")} --help\``;
    // Without a command the help text was printed already.
    if (error.code === "commander.help") throw new CliError(EXIT.usage, `no command given; ${help}`);
    const text = oneLine(error.message.replace(/^error: /, "")).replace(/\.$/, "");
    const [, value, name, rule] =
      /^command-argument value '(.*)' is invalid for argument '(\w+)'\. It (.+)$/.exec(text) ?? [];
    const said = name === undefined ? choicesText(text) : `${name} ${rule}, got "${value}"`;
    throw new CliError(EXIT.usage, `${said}; ${help}`);
  });
}

/** Commander's words for a value that is none of the choices, in the form of our other errors. */
function choicesText(text: string): string {
  const option = /^option '.*?(--[\w-]+)[^']*' argument '(.*)' is invalid\. Allowed choices are (.+)$/.exec(text);
  const argument = /^command-argument value '(.*)' is invalid for argument '(\w+)'\. Allowed choices are (.+)$/.exec(
    text,
  );
  if (option) return `${option[1]} must be one of ${option[3]}, got "${option[2]}"`;
  return argument ? `${argument[2]} must be one of ${argument[3]}, got "${argument[1]}"` : text;
}

/** `-a` may stand before or after a subcommand. */
export async function targetOf(ctx: CliContext, command: Command): Promise<Target> {
  const { findTarget } = await import("../address.ts");
  return findTarget(ctx, command.optsWithGlobals().address as string | undefined);
}

/** `-a`. */
export function addressOption(): Option {
  return new Option("-a, --address <url>", "where the API is (default: $WINDLASS_ADDRESS, else http://127.0.0.1:8265)");
}

/** `-o` of commands that print a document. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "format of the output").choices(["yaml", "json"]);
}

/** `--timeout` of commands that can wait. */
export function timeoutOption(): Option {
  return new Option("--timeout <seconds>", "wait at most this long, then exit 1 (default: no limit); implies --wait")
    .argParser(seconds)
    .implies({ wait: true });
}

/** A number of seconds above 0. */
export function seconds(value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  // Timers hold 2^31 - 1 milliseconds.
  if (number > 0 && number <= 2_147_483) return number;
  throw new InvalidArgumentError("It must be a number of seconds above 0 and up to 2147483.");
}

/** How long a replica takes to start, in seconds. */
export function startSeconds(value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0 && number <= 86_400) return number;
  throw new InvalidArgumentError("It must be a number of seconds from 0 to 86400.");
}

/** A whole number between two bounds. */
export function whole(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** How long a lease lasts, in seconds. */
export function ttl(value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 0 && number <= 604_800) return number;
  throw new InvalidArgumentError("It must be a number of seconds from 0 to 604800.");
}

/** A fence: a number that only grows. */
export function fence(value: string): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
}

/** A revision of the store. */
export function revision(value: string): bigint {
  if (/^\d{1,18}$/.test(value)) return BigInt(value);
  throw new InvalidArgumentError("It must be a revision: a whole number from 0.");
}

/** Epoch milliseconds of a time as users write it. */
export function moment(text: string): number {
  const at = /^\d{9,10}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isFinite(at)) return at;
  throw new InvalidArgumentError("It must be a time like 2026-01-31T12:00:00Z, or epoch seconds.");
}
