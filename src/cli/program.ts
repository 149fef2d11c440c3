import { Command, InvalidArgumentError, Option } from "commander";
import type { Target } from "./address.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";
import type { OutputFormat } from "./output.ts";
import { START_FLAGS, type StartFlag, variableOf } from "./start-flags.ts";
import { VERSION } from "./version.ts";

/**
 * The command line: flags and help texts. Each command's code is loaded when it runs, so that `--help` and `version`
 * load nothing else. `setExitCode` is called by commands that end with another code than 0 without an error.
 */
export function buildProgram(ctx: CliContext, setExitCode: (code: number) => void): Command {
  const program = new Command("windlass");
  program
    .description("Deploys, scales, heals and watches services on this machine.")
    .configureOutput({ writeOut: ctx.out, writeErr: ctx.err, outputError: () => {}, getOutHasColors: () => false })
    .configureHelp({ helpWidth: 100, showGlobalOptions: false });
  usageErrors(program);
  addStart(program, ctx, setExitCode);
  addDeploy(program, ctx);
  addReads(program, ctx);
  addWrites(program, ctx);
  addTokens(program, ctx);
  add(program, "version", "print the version of Windlass and of Node").action(() => {
    ctx.out(`windlass ${VERSION} (node ${process.version})\n`);
  });
  return program;
}

function addStart(program: Command, ctx: CliContext, setExitCode: (code: number) => void): void {
  const start = add(program, "start", "run Windlass in the foreground; with CONFIG, deploy it once ready");
  start.argument("[CONFIG]", "config file, YAML or JSON");
  for (const flag of START_FLAGS satisfies readonly StartFlag[] as readonly StartFlag[]) {
    const option = new Option(flag.value === undefined ? `--${flag.name}` : `--${flag.name} <${flag.value}>`);
    option.description = flag.default === undefined ? flag.help : `${flag.help} (default: ${flag.default})`;
    if (flag.list) option.argParser((value: string, previous: string[] | undefined) => [...(previous ?? []), value]);
    start.addOption(option);
  }
  start.addHelpText(
    "after",
    `\nEach flag has a variable (${variableOf("control-port")}) and a key in CONFIG's start: section (control_port).
A flag beats the variable, the variable beats the file.`,
  );
  start.action(async (file: string | undefined, options: StartValues) => {
    const flags = Object.fromEntries(
      START_FLAGS.map(({ name }) => [name, startFlagValue(name, options)]).filter(([, value]) => value !== undefined),
    );
    const command = await import("./commands/start.ts");
    setExitCode(await command.start(ctx, file, flags));
  });
}

type StartValues = Readonly<Record<string, string | boolean | string[] | undefined>>;

/** Commander reads `--no-instance` as "instance is false". */
function startFlagValue(name: string, options: StartValues): string | boolean | string[] | undefined {
  if (name.startsWith("no-")) return options[camel(name.slice(3))] === false ? true : undefined;
  return options[camel(name)];
}

function addDeploy(program: Command, ctx: CliContext): void {
  const deploy = add(program, "deploy", "make a config, or the application at an import path, the whole desired state");
  deploy
    .argument("<CONFIG_OR_IMPORT_PATH>", "config file, or module and export: ./app.ts:app")
    .argument("[ARGS...]", "key=value arguments for the application at an import path")
    .option("--name <name>", "name of the application at an import path (default: default)")
    .option("--wait", "wait until every application is RUNNING, with progress on stderr; exit 1 if one fails")
    .addOption(timeoutOption())
    .addOption(addressOption());
  deploy.action(async (what: string, args: string[], options: { name?: string; wait?: boolean; timeout?: number }) => {
    const command = await import("./commands/deploy.ts");
    await command.deploy(ctx, await targetOf(ctx, deploy), what, args, options);
  });
}

function addReads(program: Command, ctx: CliContext): void {
  const status = add(program, "status", "print where proxies, applications and deployments stand");
  status
    .option("-n, --name <app>", "only this application")
    .option("--watch", "print again after each change, until stopped")
    .addOption(outputOption().default("yaml"))
    .addOption(addressOption());
  status.action(async (options: { name?: string; watch?: boolean; output: OutputFormat }) => {
    const command = await import("./commands/status.ts");
    await command.status(ctx, await targetOf(ctx, status), options);
  });

  const config = add(program, "config", "print the configs of the applications as they were deployed");
  config
    .option("-n, --name <app>", "only this application")
    .addOption(outputOption().default("yaml"))
    .addOption(addressOption());
  config.action(async (options: { name?: string; output: OutputFormat }) => {
    const command = await import("./commands/config.ts");
    await command.config(ctx, await targetOf(ctx, config), options);
  });

  const watch = add(program, "watch", "print every change as one JSON object a line, until stopped");
  watch
    .argument("[APP[/DEPLOYMENT]]", "only what belongs to it")
    .option("--since <revision>", "continue after this revision instead of with the present state", revision)
    .addOption(addressOption());
  watch.action(async (what: string | undefined, options: { since?: bigint }) => {
    const command = await import("./commands/watch.ts");
    await command.watch(ctx, await targetOf(ctx, watch), what, { since: options.since ?? 0n });
  });
}

function addWrites(program: Command, ctx: CliContext): void {
  const scale = add(program, "scale", "set the number of replicas of a deployment");
  scale
    .argument("<APP>", "name of the application")
    .argument("<DEPLOYMENT>", "name of the deployment")
    .argument("<N>", "number of replicas", whole(0, 4_294_967_295))
    .option("--wait", "wait until exactly N replicas are RUNNING, with progress on stderr")
    .addOption(timeoutOption())
    .option("--reason <text>", "why, for the journal")
    .addOption(addressOption());
  scale.action(
    async (
      application: string,
      deployment: string,
      replicas: number,
      options: { wait?: boolean; timeout?: number },
    ) => {
      const command = await import("./commands/scale.ts");
      await command.scale(ctx, await targetOf(ctx, scale), { application, deployment, replicas }, options);
    },
  );

  const remove = add(program, "delete", "delete one application");
  remove.argument("<APP>", "name of the application").addOption(addressOption());
  remove.action(async (application: string) => {
    const command = await import("./commands/delete.ts");
    await command.deleteApplication(ctx, await targetOf(ctx, remove), application);
  });

  const shutdown = add(program, "shutdown", "end the instance and all its applications");
  shutdown
    .option("-y, --yes", "do not ask")
    .option("--process", "end the processes of `windlass start` too")
    .addOption(addressOption());
  shutdown.action(async (options: { yes?: boolean; process?: boolean }) => {
    const command = await import("./commands/shutdown.ts");
    await command.shutdown(ctx, await targetOf(ctx, shutdown), options);
  });
}

function addTokens(program: Command, ctx: CliContext): void {
  const token = add(program, "token", "print the scaler token of an application, or make, list and revoke tokens");
  token
    .argument("[APP]", "name of the application; without it, the token that commands here use is printed")
    .option("--rotate", "replace the application's token first; the old one ends at once")
    .addOption(addressOption());
  token.action(async (application: string | undefined, options: { rotate?: boolean }) => {
    const command = await import("./commands/token.ts");
    await command.showToken(ctx, await targetOf(ctx, token), application, options.rotate ?? false);
  });

  const create = add(token, "create", "make a token; its secret is printed once");
  create
    .addOption(
      new Option("--role <role>", "what it allows")
        .choices(["admin", "deployer", "scaler", "viewer"])
        .makeOptionMandatory(),
    )
    .option("--app <app>", "the one application a scaler token is for")
    .option("--max-replicas <n>", "the largest target a scaler token may set", whole(0, 4_294_967_295))
    .option("--ttl <seconds>", "how long it lasts (default: for ever)", seconds)
    .addOption(outputOption())
    .addOption(addressOption());
  create.action(async (options) => {
    const command = await import("./commands/token.ts");
    await command.createToken(ctx, await targetOf(ctx, create), options);
  });

  const list = add(token, "list", "list the tokens that were made, without their secrets");
  list.addOption(outputOption()).addOption(addressOption());
  list.action(async (options: { output?: OutputFormat }) => {
    const command = await import("./commands/token.ts");
    await command.listTokens(ctx, await targetOf(ctx, list), options.output);
  });

  const revoke = add(token, "revoke", "end a token at once");
  revoke.argument("<ID>", "the token's id, as listed").addOption(addressOption());
  revoke.action(async (id: string) => {
    const command = await import("./commands/token.ts");
    await command.revokeToken(ctx, await targetOf(ctx, revoke), id);
  });
}

function add(parent: Command, name: string, description: string): Command {
  const command = parent.command(name).description(description);
  usageErrors(command);
  return command;
}

/** Usage errors become one line that names the command to ask for help. */
function usageErrors(command: Command): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw error;
    const path: string[] = [];
    for (let at: Command | null = command; at !== null; at = at.parent) path.unshift(at.name());
    const help = `see \`${path.join(" ")} --help\``;
    // Without a command the help text was printed already.
    if (error.code === "commander.help") throw new CliError(EXIT.usage, `no command given; ${help}`);
    throw new CliError(EXIT.usage, `${oneLine(error.message.replace(/^error: /, "")).replace(/\.$/, "")}; ${help}`);
  });
}

/** `-a` may stand before or after a subcommand of `token`. */
async function targetOf(ctx: CliContext, command: Command): Promise<Target> {
  const { findTarget } = await import("./address.ts");
  return findTarget(ctx, command.optsWithGlobals().address as string | undefined);
}

function addressOption(): Option {
  return new Option("-a, --address <url>", "where the API is (default: $WINDLASS_ADDRESS, else http://127.0.0.1:8265)");
}

function outputOption(): Option {
  return new Option("-o, --output <format>", "format of the output").choices(["yaml", "json"]);
}

function timeoutOption(): Option {
  return new Option("--timeout <seconds>", "wait at most this long, then exit 1 (default: no limit); implies --wait")
    .argParser(seconds)
    .implies({ wait: true });
}

function seconds(value: string): number {
  const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  // Timers hold 2^31 - 1 milliseconds.
  if (number > 0 && number <= 2_147_483) return number;
  throw new InvalidArgumentError("It must be a number of seconds above 0 and up to 2147483.");
}

function whole(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

function revision(value: string): bigint {
  if (/^\d{1,18}$/.test(value)) return BigInt(value);
  throw new InvalidArgumentError("It must be a revision: a whole number from 0.");
}

function camel(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
