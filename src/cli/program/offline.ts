import { Argument, type Command } from "commander";
import type { BuildOptions } from "../commands/build.ts";
import type { SimulateOptions } from "../commands/simulate.ts";
import { SHELLS, type Shell } from "../completion/model.ts";
import type { CliContext } from "../context.ts";
import { add, addressOption, moment, outputOption, startSeconds, targetOf, whole } from "./shared.ts";

/** `build`, `simulate`, `schema` and `completion`: the commands that need no server, or only where they are told to ask one. */
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

  const simulate = add(program, "simulate", "say what the autoscaler would do with a config under a trace of requests");
  simulate
    .requiredOption("--config <file>", "config to try")
    .option("--trace <file>", "CSV of requests (timestamp_s,service_s) or rates (start_s,end_s,rps,service_s)")
    .option("--from <time>", "instead of a trace: the load that a running instance recorded from then on", moment)
    .option("--state-dir <folder>", "with --from: what an instance that is stopped recorded, in its state folder")
    .option("--to <time>", "until then (default: now)", moment)
    .option("--compare <file>", "a second config, for the same requests")
    .option("--deployment <app/deployment>", "only this one; which one a trace without that column is for")
    .option("--replica-start-s <seconds>", "how long a replica takes to start", startSeconds, 2)
    .option("--seed <n>", "draws the requests of rates; the same one, the same requests", whole(0, 4_294_967_295), 1)
    .option("--out <file>", "write a report to this file, .html or .svg")
    .addOption(outputOption())
    .addOption(addressOption());
  simulate.action(async (options: SimulateOptions) => {
    const command = await import("../commands/simulate.ts");
    await command.simulate(ctx, options, () => targetOf(ctx, simulate));
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
