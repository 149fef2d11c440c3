import { Argument, type Command, Option } from "commander";
import type { ExplainOptions } from "../commands/explain.ts";
import type { WatchOptions } from "../commands/watch.ts";
import type { CliContext } from "../context.ts";
import type { OutputFormat } from "../output.ts";
import { add, addressOption, moment, outputOption, revision, targetOf, whole } from "./shared.ts";

/** `status`, `history`, `config`, `watch` and `logs`: the commands that look at a running instance. */
export function addReads(program: Command, ctx: CliContext): void {
  const status = add(program, "status", "print where proxies, applications and deployments stand");
  status
    .option("-n, --name <app>", "only this application")
    .option("--watch", "print again after each change, until stopped")
    .addOption(outputOption().default("yaml"))
    .addOption(addressOption());
  status.action(async (options: { name?: string; watch?: boolean; output: OutputFormat }) => {
    const command = await import("../commands/status.ts");
    await command.status(ctx, await targetOf(ctx, status), options);
  });

  const history = add(program, "history", "print the revisions of an application, newest first");
  history.argument("<APP>", "name of the application").addOption(outputOption()).addOption(addressOption());
  history.action(async (application: string, options: { output?: OutputFormat }) => {
    const command = await import("../commands/history.ts");
    await command.history(ctx, await targetOf(ctx, history), application, options.output);
  });

  const explain = add(program, "explain", "say why a deployment has its number of replicas");
  explain
    .addArgument(new Argument("<APP>", "name of the application"))
    .addArgument(new Argument("<DEPLOYMENT>", "name of the deployment"))
    .addOption(new Option("--at <time>", "the decision that held then, as in 2026-01-31T12:00:00Z").argParser(moment))
    .option("--shadow", "what autoscaling_shadow decided, which nothing follows")
    .addOption(outputOption())
    .addOption(addressOption());
  explain.action(async (application: string, deployment: string, options: ExplainOptions) => {
    const command = await import("../commands/explain.ts");
    await command.explain(ctx, await targetOf(ctx, explain), application, deployment, options);
  });

  const config = add(program, "config", "print the configs of the applications as they were deployed");
  config
    .option("-n, --name <app>", "only this application")
    .addOption(outputOption().default("yaml"))
    .addOption(addressOption());
  config.action(async (options: { name?: string; output: OutputFormat }) => {
    const command = await import("../commands/config.ts");
    await command.config(ctx, await targetOf(ctx, config), options);
  });

  const watch = add(program, "watch", "print every change as one JSON object a line, until stopped");
  watch
    .argument("[APP[/DEPLOYMENT]]", "only what belongs to it")
    .option("--decisions", "what the autoscaler decides, and why, instead of the resources")
    .addOption(
      new Option("--shadow", "what autoscaling_shadow decides; implies --decisions").implies({ decisions: true }),
    )
    .option("--since <revision>", "continue after this revision instead of with the present state", revision)
    .addOption(outputOption().default("json"))
    .addOption(addressOption());
  watch.action(async (what: string | undefined, options: Partial<WatchOptions> & { output: OutputFormat }) => {
    const command = await import("../commands/watch.ts");
    const { since = 0n, decisions = false, shadow = false, output } = options;
    await command.watch(ctx, await targetOf(ctx, watch), what, { since, decisions, shadow, output });
  });

  const logs = add(program, "logs", "print what the replicas of an application wrote");
  logs
    .argument("<APP>", "name of the application")
    .argument("[DEPLOYMENT]", "only its replicas")
    .option("--follow", "go on with what is written later, until stopped")
    .option("--lines <n>", "of each replica, the last so many lines (default: 100)", whole(0, 100_000))
    .option("--replica <id>", "only this replica, which may have ended")
    .addOption(outputOption())
    .addOption(addressOption());
  logs.action(
    async (
      application: string,
      deployment: string | undefined,
      { output, ...options }: { follow?: boolean; lines?: number; replica?: string; output?: OutputFormat },
    ) => {
      const command = await import("../commands/logs.ts");
      await command.logs(ctx, await targetOf(ctx, logs), { application, deployment, ...options }, output);
    },
  );
}
