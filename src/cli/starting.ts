import { dirname, resolve } from "node:path";
import { mapTlsPaths, tlsOf } from "../config/tls-options.ts";
import { errorText } from "../core/errors.ts";
import type { ReadyInfo, StartOptions } from "../supervisor/options.ts";
import type { CliContext } from "./context.ts";
import { CliError, EXIT } from "./exit.ts";
import type { LoadedConfig } from "./load-config.ts";
import type { resolveStartOptions, StartSources } from "./start-options.ts";
import { checkTls } from "./start-tls.ts";

/** Where the options of a start come from: flags, variables, and the config that is deployed first, if any. */
export function startSources(
  ctx: CliContext,
  file: string | undefined,
  loaded: LoadedConfig | undefined,
  flags: StartSources["flags"],
): StartSources {
  return {
    flags,
    env: ctx.env,
    cwd: ctx.cwd,
    file: loaded?.start ?? {},
    fileName: file ?? "",
    fileDir: dirname(resolve(ctx.cwd, file ?? "")),
    config: loaded === undefined ? {} : listening(loaded),
  };
}

/** What a config says about listening, for where no flag does. */
function listening({ config, baseDir }: LoadedConfig): StartSources["config"] {
  const { http_options: http } = config;
  return {
    ...(config.http_options?.port === undefined ? {} : { httpPort: config.http_options.port }),
    ...(config.grpc_options?.port === undefined ? {} : { grpcPort: config.grpc_options.port }),
    ...(config.proxy_location === undefined ? {} : { proxyLocation: config.proxy_location }),
    instance: {
      ...(http === undefined ? {} : { httpOptions: mapTlsPaths(http, (path) => resolve(baseDir, path)) }),
      ...(config.grpc_options === undefined ? {} : { grpcOptions: config.grpc_options }),
    },
  };
}

/** Runs the server until it is told to stop; resolves with the exit code. `onReady` is called once, after the ready line. */
export async function serve(
  ctx: CliContext,
  options: ReturnType<typeof resolveStartOptions>,
  onReady: (ready: ReadyInfo) => void,
): Promise<number> {
  try {
    const warnings = checkTls(options.tls, tlsOf(options.instance.httpOptions ?? {}), ctx.clock.now());
    for (const line of warnings) ctx.err(`warning: ${line}\n`);
  } catch (error) {
    throw new CliError(EXIT.failed, errorText(error), error);
  }
  const { runSupervisor } = await import("../supervisor/supervisor.ts");
  const all: StartOptions = {
    ...options,
    onReady(ready) {
      ctx.out(readyLine(ready));
      onReady(ready);
    },
  };
  try {
    return await runSupervisor(all, ctx.clock);
  } catch (error) {
    // A port in use, a state dir that cannot be written: told to the user; anything else is a bug.
    if (error instanceof Error && error.name === "StartError") throw new CliError(EXIT.failed, error.message, error);
    throw error;
  }
}

/** The one line that scripts wait for. */
function readyLine({ control, http, grpc, stateDir, pids, controlPorts, tls }: ReadyInfo): string {
  const ready = { control, http, grpc, state_dir: stateDir, pids, control_ports: controlPorts, tls };
  return `windlass ready ${JSON.stringify(ready)}\n`;
}
