import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import type { OutputFormat } from "../output.ts";
import { add, addressOption, outputOption, seconds, targetOf, whole } from "./shared.ts";

/** `token` and its subcommands. */
export function addTokens(program: Command, ctx: CliContext): void {
  const token = add(program, "token", "print the scaler token of an application, or make, list and revoke tokens");
  token
    .argument("[APP]", "name of the application; without it, the token that commands here use is printed")
    .option("--rotate", "replace the application's token first; the old one ends at once")
    .addOption(outputOption())
    .addOption(addressOption());
  token.action(async (application: string | undefined, options: { rotate?: boolean; output?: OutputFormat }) => {
    const command = await import("../commands/token.ts");
    await command.showToken(ctx, await targetOf(ctx, token), application, options.rotate ?? false, options.output);
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
  create.action(async () => {
    const command = await import("../commands/token.ts");
    await command.createToken(ctx, await targetOf(ctx, create), create.optsWithGlobals());
  });

  const list = add(token, "list", "list the tokens that were made, without their secrets");
  list.addOption(outputOption()).addOption(addressOption());
  list.action(async () => {
    const command = await import("../commands/token.ts");
    const { output }: { output?: OutputFormat } = list.optsWithGlobals();
    await command.listTokens(ctx, await targetOf(ctx, list), output);
  });

  const revoke = add(token, "revoke", "end a token at once");
  revoke.argument("<ID>", "the token's id, as listed").addOption(addressOption());
  revoke.action(async (id: string) => {
    const command = await import("../commands/token.ts");
    await command.revokeToken(ctx, await targetOf(ctx, revoke), id);
  });
}
