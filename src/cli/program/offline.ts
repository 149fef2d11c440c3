import { Argument, type Command } from "commander";
import type { BuildOptions } from "../commands/build.ts";
import { SHELLS, type Shell } from "../completion/model.ts";
import type { CliContext } from "../context.ts";
import { add } from "./shared.ts";

/** `build`, `schema` and `completion`: the commands that need no server. */
export function addOffline(program: Command, ctx: CliContext): void {
  const build = add(program, "build", "write a config for the applications at import paths; needs no server");
  build
    .argument("<IMPORT_PATH...>", "module and export: ./app.ts:app")
    .option("-o, --output-path <file>", "write to this file instead of stdout")
    .option("-d, --app-dir <folder>", "import paths start here (default: .)")
    .option("--grpc-servicer-functions <path>", "a servicer function of the gRPC proxy; may be given again", listed)
    .option("--grpc-enable-reflection", "leave reflection of the gRPC proxy on (the default)")
    .option("--grpc-disable-reflection", "turn reflection of the gRPC proxy off");
  build.action(async (importPaths: string[], options: BuildOptions) => {
    const command = await import("../commands/build.ts");
    await command.build(ctx, importPaths, options);
  });

  const schema = add(program, "schema", "print the JSON Schema of the config, for editors");
  schema.action(async () => {
    const command = await import("../commands/schema.ts");
    await command.schema(ctx);
  });

  const completion = add(program, "completion", "print a script that completes command lines");
  completion.addArgument(new Argument("<SHELL>", "the shell it is for").choices(SHELLS));
  completion.action(async (shell: Shell) => {
    const command = await import("../commands/completion.ts");
    command.completion(ctx, program, shell);
  });
}

function listed(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
