import { applicationName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { type Api, withApi } from "../api.ts";
import { allRunning, followApplications } from "../apply.ts";
import { stepText } from "../canary-view.ts";
import type { CliContext } from "../context.ts";
import { refuseTakenBack } from "../taken-back.ts";
import { newestRevision } from "./canary.ts";

/** Options of commands that can wait. */
interface WaitOptions {
  readonly wait?: boolean;
  /** Seconds to wait; undefined is no limit. */
  readonly timeout?: number;
}

/** Options of `windlass canary promote`. */
export interface PromoteOptions extends WaitOptions {
  /** All requests at once, instead of the next step. */
  readonly full?: boolean;
}

/** Options of `windlass canary abort`. */
export interface AbortOptions extends WaitOptions {
  /** Why, for the history. */
  readonly reason?: string;
}

/** `windlass canary promote`: the next step, or with `full` the end. */
export async function promoteCanary(
  ctx: CliContext,
  target: Target,
  application: string,
  options: PromoteOptions,
): Promise<void> {
  await change(target, application, async (api, name) => {
    const { application: now } = await api.applications.promoteCanary({ name, full: options.full ?? false });
    const revision = now?.revision ?? 0n;
    ctx.out(
      now?.canary === undefined
        ? `${application}: revision ${revision} is promoted\n`
        : `${application}: revision ${revision} goes on: ${stepText(now.canary)}\n`,
    );
    if (!options.wait) return;
    await untilRunning(api, ctx, application, options);
    await refuseTakenBack(api, new Map([[application, revision]]));
    ctx.out(`${application}: running\n`);
  });
}

/** `windlass canary abort`: back to the stable revision. */
export async function abortCanary(
  ctx: CliContext,
  target: Target,
  application: string,
  options: AbortOptions,
): Promise<void> {
  await change(target, application, async (api, name) => {
    await api.applications.abortCanary({ name, reason: options.reason ?? "" });
    const made = await newestRevision(api, application);
    ctx.out(`${application}: goes back to revision ${made?.rollbackOf}, as revision ${made?.number}\n`);
    if (!options.wait) return;
    await untilRunning(api, ctx, application, options);
    ctx.out(`${application}: running\n`);
  });
}

/** `windlass canary pause`: holds it at its weight. */
export async function pauseCanary(ctx: CliContext, target: Target, application: string): Promise<void> {
  await change(target, application, async (api, name) => {
    const { application: now } = await api.applications.pauseCanary({ name });
    ctx.out(`${application}: canary held${now?.canary === undefined ? "" : ` at ${stepText(now.canary)}`}\n`);
  });
}

/** `windlass canary resume`: lets it go on. */
export async function resumeCanary(ctx: CliContext, target: Target, application: string): Promise<void> {
  await change(target, application, async (api, name) => {
    const { application: now } = await api.applications.resumeCanary({ name });
    ctx.out(`${application}: canary goes on${now?.canary === undefined ? "" : ` with ${stepText(now.canary)}`}\n`);
  });
}

function change(target: Target, application: string, use: (api: Api, name: string) => Promise<void>): Promise<void> {
  return withApi(target, (api) => use(api, applicationName(application)));
}

function untilRunning(api: Api, ctx: CliContext, application: string, { timeout }: WaitOptions): Promise<void> {
  return followApplications(api, ctx, [application], {
    // The feed begins with what is by now, the change included.
    progress: (seen) => allRunning(seen, [application], 0n),
    timeoutS: timeout,
    signal: ctx.stopped(),
  });
}
