import { type Command, Option } from "commander";
import type { DeployOptions } from "../commands/deploy.ts";
import type { RollbackOptions } from "../commands/rollback.ts";
import type { ScaleOptions } from "../commands/scale.ts";
import type { CliContext } from "../context.ts";
import { addImportPathOptions, failOnOption } from "./plan.ts";
import { add, addressOption, fence, outputOption, targetOf, timeoutOption, ttl, whole } from "./shared.ts";

const FALLBACKS = ["hold", "floor", "policy"] as const;

/** `deploy`, `rollback`, `scale`, `delete` and `shutdown`: the commands that change a running instance. */
export function addWrites(program: Command, ctx: CliContext): void {
  const deploy = add(program, "deploy", "make a config, or the application at an import path, the whole desired state");
  deploy
    .argument("[CONFIG_OR_IMPORT_PATH]", "config file, or module and export: ./app.ts:app")
    .argument("[ARGS...]", "key=value arguments for the application at an import path");
  addImportPathOptions(deploy)
    .option("--dry-run", "print what would be done, and change nothing but build the sources")
    .addOption(failOnOption())
    .option("--plan <file>", "do exactly what this plan says: a file of `windlass plan --out`, or a token")
    .addOption(outputOption())
    .option("--retry", "try again what had failed: builds, and starts that were given up or frozen")
    .option("--wait", "wait until every application is RUNNING, with progress on stderr; exit 1 if one fails")
    .addOption(timeoutOption())
    .addOption(addressOption());
  deploy.action(async (what: string | undefined, args: string[], options: DeployOptions) => {
    const command = await import("../commands/deploy.ts");
    await command.deploy(ctx, await targetOf(ctx, deploy), what, args, options);
  });

  const rollback = add(program, "rollback", "put an earlier revision of an application in force again");
  rollback
    .argument("<APP>", "name of the application")
    .option("--to <revision>", "its number (default: the last one that was up)", whole(1, 99_999_999))
    .option("--reason <text>", "why, for the history")
    .option("--wait", "wait until the application is RUNNING, with progress on stderr; exit 1 if it fails")
    .addOption(timeoutOption())
    .option("--dry-run", "only check it, and print what it would go back to")
    .addOption(addressOption());
  rollback.action(async (application: string, options: RollbackOptions) => {
    const command = await import("../commands/rollback.ts");
    await command.rollback(ctx, await targetOf(ctx, rollback), application, options);
  });

  const scale = add(program, "scale", "set the number of replicas of a deployment");
  scale
    .argument("<APP>", "name of the application")
    .argument("<DEPLOYMENT>", "name of the deployment")
    .argument("<N>", "number of replicas", whole(0, 4_294_967_295))
    .option("--wait", "wait until exactly N replicas are RUNNING, with progress on stderr")
    .addOption(timeoutOption())
    .option("--dry-run", "check everything, say what would come, and change nothing")
    .option("--reason <text>", "why, for the journal")
    .option("--owner <name>", "take or renew the lease under this name: nobody else may scale while it lasts")
    .option("--ttl <seconds>", "how long the lease lasts, up to 604800; 0 gives it up (default: without end)", ttl)
    .option("--fence <n>", "refused if lower than one that was accepted before", fence)
    .addOption(new Option("--fallback <what>", "what becomes of the target when the lease ends").choices(FALLBACKS))
    .option("--force", "take the target whoever holds the lease")
    .addOption(addressOption());
  scale.action(async (application: string, deployment: string, replicas: number, options: ScaleOptions) => {
    const command = await import("../commands/scale.ts");
    await command.scale(ctx, await targetOf(ctx, scale), { application, deployment, replicas }, options);
  });

  const remove = add(program, "delete", "delete one application");
  remove.argument("<APP>", "name of the application").addOption(addressOption());
  remove.action(async (application: string) => {
    const command = await import("../commands/delete.ts");
    await command.deleteApplication(ctx, await targetOf(ctx, remove), application);
  });

  const shutdown = add(program, "shutdown", "end the instance and all its applications");
  shutdown
    .option("-y, --yes", "do not ask")
    .option("--process", "end the processes of `windlass start` too")
    .addOption(addressOption());
  shutdown.action(async (options: { yes?: boolean; process?: boolean }) => {
    const command = await import("../commands/shutdown.ts");
    await command.shutdown(ctx, await targetOf(ctx, shutdown), options);
  });
}
