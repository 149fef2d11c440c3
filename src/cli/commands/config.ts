import type { Target } from "../address.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import type { OutputFormat } from "../output.ts";
import { getServeDetails } from "../rest.ts";
import { toYaml } from "../yaml.ts";

/** Options of `windlass config`. */
export interface ConfigOptions {
  /** Only this application. */
  readonly name?: string;
  readonly output: OutputFormat;
}

/** `windlass config`: the configs as they were put, fit for `windlass deploy` below `applications:`. */
export async function config(ctx: CliContext, target: Target, options: ConfigOptions): Promise<void> {
  const { applications } = await getServeDetails(target);
  if (options.name !== undefined) {
    const one = Object.hasOwn(applications, options.name) ? applications[options.name]?.deployed_app_config : undefined;
    if (!one) throw new CliError(EXIT.failed, `no config has been deployed for application "${options.name}"`);
    ctx.out(options.output === "json" ? json(one) : toYaml(one));
    return;
  }
  const all = Object.values(applications)
    .map((application) => application.deployed_app_config)
    .filter((each) => each !== null);
  if (options.output === "json") ctx.out(json(all));
  else ctx.out(all.length === 0 ? "No configuration was found.\n" : all.map((each) => toYaml(each)).join("\n---\n\n"));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
