import { Application_Source, Application_State } from "../../../gen/windlass/v1/application_pb.ts";
import { applicationName, parseName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { type Api, withApi } from "../api.ts";
import { allRunning, applicationNames, applyConfig, followApplications } from "../apply.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { type LoadedConfig, loadTarget } from "../load-config.ts";
import type { OutputFormat } from "../output.ts";
import { applyPlan, type FailOn, makePlan, printNotes, printPlan, refusePlan, tokenOf } from "../planning.ts";
import type { RuntimeEnvFlags } from "../runtime-env.ts";
import { presentRevisions, refuseTakenBack } from "../taken-back.ts";

/** Options of `windlass deploy`. */
export interface DeployOptions extends RuntimeEnvFlags {
  /** Name of the application at an import path. */
  readonly name?: string;
  /** Print what would be done, and do nothing. */
  readonly dryRun?: boolean;
  /** What to exit 1 for, without doing anything. */
  readonly failOn?: readonly FailOn[];
  /** File or token of a plan to apply instead of a config. */
  readonly plan?: string;
  /** Of `dryRun`; without it, the plan is printed for a person. */
  readonly output?: OutputFormat;
  /** Try again what had failed: builds, and starts that were given up or frozen. */
  readonly retry?: boolean;
  /** Wait until every application runs. */
  readonly wait?: boolean;
  /** Seconds to wait; undefined is no limit. */
  readonly timeout?: number;
}

/** `windlass deploy`: makes a config, or one application by import path, the whole desired state. */
export async function deploy(
  ctx: CliContext,
  target: Target,
  what: string | undefined,
  args: readonly string[],
  options: DeployOptions,
): Promise<void> {
  refuseTogether(what, options);
  if (options.plan !== undefined) {
    const shown = options.plan;
    const token = tokenOf(ctx, shown);
    return withApi(target, async (api) => finish(api, ctx, await planned(api, ctx, token), shown, options));
  }
  const loaded = await loadTarget(ctx, what!, args, options);
  const names = applicationNames(loaded.config);
  await withApi(target, async (api) => {
    if (options.dryRun) {
      const plan = await makePlan(api, ctx, loaded);
      printPlan(ctx, plan, options.output);
      return refusePlan(plan, options.failOn ?? []);
    }
    const before = options.wait ? await presentRevisions(api, names) : new Map<string, bigint>();
    const revision = await accept(api, ctx, loaded, options.failOn ?? []);
    await finish(api, ctx, { names, before, revision }, what!, options);
  });
}

/** What was accepted. */
interface Accepted {
  readonly names: readonly string[];
  /** Revisions before it, of the applications that are waited for. */
  readonly before: ReadonlyMap<string, bigint>;
  readonly revision: bigint;
}

/** Applies a config; with something to fail on, as a plan that has nothing of it. */
async function accept(api: Api, ctx: CliContext, loaded: LoadedConfig, failOn: readonly FailOn[]): Promise<bigint> {
  if (failOn.length === 0) return applyConfig(api, ctx, loaded);
  const plan = await makePlan(api, ctx, loaded);
  refusePlan(plan, failOn);
  printNotes(ctx, plan);
  return applyPlan(api, ctx, plan.token, plan.warnings);
}

/** Applies a plan by its token. What it lists is what there is then. */
async function planned(api: Api, ctx: CliContext, token: string): Promise<Accepted> {
  const present = async () => {
    const { applications } = await api.instance.getInstance({});
    return applications.filter(
      ({ source, state }) => source === Application_Source.DECLARATIVE && state !== Application_State.DELETING,
    );
  };
  const earlier = new Map((await present()).map(({ name, revision }) => [name, revision] as const));
  const revision = await applyPlan(api, ctx, token);
  const resources = (await present()).map(({ name }) => name);
  const nameOf = (resource: string): string => parseName(resource)?.application ?? resource;
  const before = new Map(resources.map((resource) => [nameOf(resource), earlier.get(resource) ?? 0n] as const));
  return { names: resources.map(nameOf), before, revision };
}

/** Says what was accepted, and waits for it. */
async function finish(
  api: Api,
  ctx: CliContext,
  { names, before, revision: accepted }: Accepted,
  what: string,
  options: DeployOptions,
): Promise<void> {
  ctx.out(`${what}: accepted at revision ${accepted}\n`);
  const revision = options.retry ? await retryAll(api, names, accepted) : accepted;
  if (!options.wait) {
    ctx.out("follow it with `windlass status` or `windlass watch`\n");
    return;
  }
  await followApplications(api, ctx, names, {
    progress: (seen) => allRunning(seen, names, revision),
    timeoutS: options.timeout,
    signal: ctx.stopped(),
  });
  await refuseTakenBack(api, before);
  ctx.out(`${names.join(", ") || "nothing"}: running\n`);
}

/** Flags that do not go together. */
function refuseTogether(what: string | undefined, options: DeployOptions): void {
  const { plan, dryRun = false, failOn, output, wait, retry } = options;
  const refuse = (line: string): never => {
    throw new CliError(EXIT.usage, line);
  };
  if (what === undefined && plan === undefined) {
    refuse("give CONFIG_OR_IMPORT_PATH, a config file or an import path, or --plan; see `windlass deploy --help`");
  }
  if (what !== undefined && plan !== undefined)
    refuse("a plan has its config; leave out CONFIG_OR_IMPORT_PATH or --plan");
  if (plan !== undefined && (dryRun || failOn !== undefined)) {
    refuse("a plan says already what it does; --dry-run and --fail-on are for configs");
  }
  if (output !== undefined && !dryRun) refuse("-o is for the plan that --dry-run prints; give both or neither");
  if (dryRun && (wait || retry))
    refuse("--dry-run changes nothing to wait for or to retry; leave out --wait and --retry");
}

/** Resolves with the store's revision that holds all of it. */
async function retryAll(api: Api, names: readonly string[], accepted: bigint): Promise<bigint> {
  let revision = accepted;
  for (const name of names) {
    const answer = await api.applications.retryApplication({ name: applicationName(name) });
    if (answer.revision > revision) revision = answer.revision;
  }
  return revision;
}
