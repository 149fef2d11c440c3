import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { add } from "./shared.ts";

/** `build` and `schema`: the commands that need no server. */
export function addOffline(program: Command, ctx: CliContext): void {
  const build = add(program, "build", "write a config for the applications at import paths; needs no server");
  build
    .argument("<IMPORT_PATH...>", "module and export: ./app.ts:app")
    .option("-o, --output-path <file>", "write to this file instead of stdout")
    .option("-d, --app-dir <folder>", "import paths start here (default: .)");
  build.action(async (importPaths: string[], options: { outputPath?: string; appDir?: string }) => {
    const command = await import("../commands/build.ts");
    await command.build(ctx, importPaths, options);
  });

  const schema = add(program, "schema", "print the JSON Schema of the config, for editors");
  schema.action(async () => {
    const command = await import("../commands/schema.ts");
    await command.schema(ctx);
  });
}
