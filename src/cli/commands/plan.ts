import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { errorText } from "../../core/errors.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { type ImportPathOptions, loadTarget } from "../load-config.ts";
import { documentText, type OutputFormat } from "../output.ts";
import { type FailOn, makePlan, printPlan, refusePlan } from "../planning.ts";

/** Options of `windlass plan`. */
export interface PlanOptions extends ImportPathOptions {
  /** Without it, the plan is printed for a person. */
  readonly output?: OutputFormat;
  /** File that keeps the plan with its token, as JSON. */
  readonly out?: string;
  /** What to exit 1 for. */
  readonly failOn?: readonly FailOn[];
}

/** `windlass plan`: says what a deploy would do, and keeps a token that makes the deploy do exactly that. */
export async function plan(
  ctx: CliContext,
  target: Target,
  what: string,
  args: readonly string[],
  options: PlanOptions,
): Promise<void> {
  const loaded = await loadTarget(ctx, what, args, options);
  const made = await withApi(target, (api) => makePlan(api, ctx, loaded));
  printPlan(ctx, made, options.output);
  refusePlan(made, options.failOn ?? []);
  if (options.out !== undefined) {
    write(resolve(ctx.cwd, options.out), documentText(made, "json"), options.out);
    ctx.err(`kept in ${options.out}; within the hour, \`windlass deploy --plan ${options.out}\` does exactly this\n`);
  } else if (options.output === undefined) {
    ctx.err(`within the hour, \`windlass deploy --plan ${made.token}\` does exactly this\n`);
  }
}

function write(path: string, text: string, shown: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CliError(EXIT.failed, `cannot write ${shown}: ${errorText(error)}; give another file with --out`, error);
  }
}
