import { dirname, resolve } from "node:path";
import type { ReadyInfo } from "../../supervisor/options.ts";
import type { CliContext } from "../context.ts";
import { CliError, EXIT } from "../exit.ts";
import { type LoadedConfig, loadConfig } from "../load-config.ts";
import { resolveStartOptions, type StartSources } from "../start-options.ts";

/** `windlass start`: runs until SIGINT or SIGTERM and resolves with the exit code. */
export async function start(ctx: CliContext, file: string | undefined, flags: StartSources["flags"]): Promise<number> {
  const loaded = file === undefined ? undefined : await loadConfig(ctx, file);
  const options = resolveStartOptions({
    flags,
    env: ctx.env,
    cwd: ctx.cwd,
    file: loaded?.start ?? {},
    fileName: file ?? "",
    fileDir: dirname(resolve(ctx.cwd, file ?? "")),
    config: loaded === undefined ? {} : listening(loaded),
  });
  const { runSupervisor } = await import("../../supervisor/supervisor.ts");
  const over = new AbortController();
  let deploying: Promise<void> | undefined;
  // Returns at once: the supervisor has children to look after while the deploy goes on.
  const onReady = (ready: ReadyInfo): void => {
    ctx.out(readyLine(ready));
    if (loaded === undefined) return;
    deploying = import("../first-deploy.ts").then(({ firstDeploy }) =>
      firstDeploy(ctx, loaded, ready, options, over.signal),
    );
  };
  try {
    return await runSupervisor({ ...options, onReady }, ctx.clock);
  } catch (error) {
    // A port in use, a state dir that cannot be written: told to the user; anything else is a bug.
    if (error instanceof Error && error.name === "StartError") throw new CliError(EXIT.failed, error.message, error);
    throw error;
  } finally {
    over.abort();
    await deploying;
  }
}

/** What a config says about listening, for where no flag does. */
function listening({ config }: LoadedConfig): StartSources["config"] {
  return {
    ...(config.http_options?.port === undefined ? {} : { httpPort: config.http_options.port }),
    ...(config.grpc_options?.port === undefined ? {} : { grpcPort: config.grpc_options.port }),
    ...(config.proxy_location === undefined ? {} : { proxyLocation: config.proxy_location }),
  };
}

/** The one line that scripts wait for. */
function readyLine({ control, http, grpc, stateDir, pids }: ReadyInfo): string {
  return `windlass ready ${JSON.stringify({ control, http, grpc, state_dir: stateDir, pids })}\n`;
}
