/** Making a plan, refusing what it would do, and applying it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Api } from "./api.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT, oneLine } from "./exit.ts";
import { isFile, type LoadedConfig } from "./load-config.ts";
import { documentText, type OutputFormat } from "./output.ts";
import { type PlanDocument, planDocument } from "./plan-document.ts";
import { planText } from "./plan-lines.ts";

/** What `--fail-on` may refuse. */
export const FAIL_ON = ["restart", "delete"] as const;

/** One of {@link FAIL_ON}. */
export type FailOn = (typeof FAIL_ON)[number];

/** Says what the config would do; prints warnings that were not printed before. */
export async function makePlan(api: Api, ctx: CliContext, loaded: LoadedConfig): Promise<PlanDocument> {
  const { deployConfigToMessage } = await import("../config/message.ts");
  const config = deployConfigToMessage(loaded.config);
  const { plan } = await api.instance.planConfig({ config, baseDir: loaded.baseDir }, { signal: ctx.stopped() });
  if (plan === undefined) throw new CliError(EXIT.failed, "the server answered no plan; it may be of another version");
  const document = planDocument(plan);
  for (const warning of document.warnings) {
    if (!loaded.warnings.includes(warning)) ctx.err(`warning: ${oneLine(warning)}\n`);
  }
  return document;
}

/** Prints a plan: as a document, or without `output` as a person reads it. */
export function printPlan(ctx: CliContext, plan: PlanDocument, output: OutputFormat | undefined): void {
  ctx.out(output === undefined ? planText(plan, ctx.screen()?.colour ?? false) : documentText(plan, output));
}

/** Prints the notes of a plan that is not printed itself. */
export function printNotes(ctx: CliContext, { applications }: PlanDocument): void {
  for (const { name, deployments } of applications) {
    for (const deployment of deployments) {
      for (const note of deployment.notes) ctx.err(`warning: ${name}/${deployment.name}: ${oneLine(note)}\n`);
    }
  }
}

/** Throws a CliError for applications that cannot be built, and for what `--fail-on` names. */
export function refusePlan(plan: PlanDocument, failOn: readonly FailOn[]): void {
  const broken = plan.applications.filter(({ error }) => error !== "");
  if (broken.length > 0) {
    throw new CliError(
      EXIT.failed,
      broken.map(({ name, error }) =>
        error.startsWith("Deploying application ") ? error : `application ${name} cannot be deployed: ${error}`,
      ),
    );
  }
  const found = FAIL_ON.filter((what) => failOn.includes(what)).flatMap((what) => {
    const names = what === "restart" ? restarting(plan) : deleted(plan);
    return names.length === 0 ? [] : [`${names.join(", ")} would ${what === "restart" ? "restart" : "be deleted"}`];
  });
  if (found.length === 0) return;
  throw new CliError(EXIT.failed, `${found.join(" and ")}, which --fail-on refuses; nothing was changed`);
}

function restarting({ applications }: PlanDocument): string[] {
  return applications.flatMap(({ name, deployments }) =>
    deployments.filter(({ action }) => action === "RESTART").map((deployment) => `${name}/${deployment.name}`),
  );
}

function deleted({ applications }: PlanDocument): string[] {
  return applications.flatMap(({ name, action, deployments }) =>
    action === "DELETE"
      ? [`application ${name}`]
      : deployments.filter((each) => each.action === "DELETE").map((each) => `${name}/${each.name}`),
  );
}

/** Does what a plan says; prints warnings that are not `known`. Resolves with the revision. */
export async function applyPlan(
  api: Api,
  ctx: CliContext,
  token: string,
  known: readonly string[] = [],
): Promise<bigint> {
  const answer = await api.instance.applyConfig({ planToken: token });
  for (const warning of answer.warnings) if (!known.includes(warning)) ctx.err(`warning: ${oneLine(warning)}\n`);
  return answer.revision;
}

/** The token that `--plan` means: in a file that `windlass plan --out` wrote, or itself. */
export function tokenOf(ctx: CliContext, fileOrToken: string): string {
  if (!isFile(ctx, fileOrToken)) {
    if (/^plan-[a-z0-9]+$/.test(fileOrToken)) return fileOrToken;
    throw new CliError(
      EXIT.failed,
      `${fileOrToken} is no file and no token of a plan; make one with \`windlass plan\``,
    );
  }
  let token: unknown;
  try {
    token = (JSON.parse(readFileSync(resolve(ctx.cwd, fileOrToken), "utf8")) as { token?: unknown } | null)?.token;
  } catch {
    // Told below.
  }
  if (typeof token === "string" && token !== "") return token;
  throw new CliError(EXIT.failed, `${fileOrToken} holds no plan; make one with \`windlass plan CONFIG --out FILE\``);
}
