import type { Target } from "../address.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { deleteServe, getServeDetails } from "../rest.ts";

/** How long `--process` waits for the control port to close. */
const GONE_AFTER_MS = 60_000;

/** Options of `windlass shutdown`. */
export interface ShutdownOptions {
  /** Do not ask. */
  readonly yes?: boolean;
  /** Also end the processes of `windlass start`. */
  readonly process?: boolean;
}

/** `windlass shutdown`: ends the instance and all its applications. */
export async function shutdown(ctx: CliContext, target: Target, options: ShutdownOptions): Promise<void> {
  // Tells a dead address and a bad token before it asks.
  const { controller_info: controller } = await getServeDetails(target);
  if (controller !== undefined && Object.keys(controller).length === 0 && !options.process) {
    ctx.out(`no instance runs at ${target.address}, nothing was shut down; --process ends Windlass itself\n`);
    return;
  }
  if (!options.yes) await confirm(ctx, target);
  if (options.process) return shutdownProcess(ctx, target);
  await deleteServe(target);
  ctx.out(`the instance at ${target.address} is shut down; the next deploy makes a new one\n`);
}

async function confirm(ctx: CliContext, target: Target): Promise<void> {
  ctx.out(`This shuts down the instance at ${target.address} and deletes all applications there. Continue? [y/N]: `);
  const answer = await ctx.readLine();
  if (answer !== null && /^y(es)?$/i.test(answer.trim())) return;
  if (answer === null) ctx.out("\n");
  throw new CliError(EXIT.failed, "aborted, nothing was changed; -y answers yes");
}

async function shutdownProcess(ctx: CliContext, target: Target): Promise<void> {
  const { withApi } = await import("../api.ts");
  await withApi(target, (api) => api.instance.shutdownInstance({ endProcess: true }));
  const start = ctx.clock.monotonic();
  while (ctx.clock.monotonic() - start < GONE_AFTER_MS) {
    if (!(await answers(target))) {
      ctx.out(`Windlass at ${target.address} has ended\n`);
      return;
    }
    await ctx.clock.sleep(50);
  }
  throw new CliError(
    EXIT.failed,
    `${target.address} still answers after ${GONE_AFTER_MS / 1000} s; see the log of \`windlass start\``,
  );
}

async function answers(target: Target): Promise<boolean> {
  try {
    // A kept connection could outlive the listening port.
    await (await fetch(`${target.address}/-/healthz`, { headers: { connection: "close" } })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
