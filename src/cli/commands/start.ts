import type { CliContext } from "../context.ts";
import { loadConfig } from "../load-config.ts";
import { resolveStartOptions, type StartSources } from "../start-options.ts";
import { serve, startSources } from "../starting.ts";

/** `windlass start`: runs until SIGINT or SIGTERM and resolves with the exit code. */
export async function start(ctx: CliContext, file: string | undefined, flags: StartSources["flags"]): Promise<number> {
  const loaded = file === undefined ? undefined : await loadConfig(ctx, file);
  const options = resolveStartOptions(startSources(ctx, file, loaded, flags));
  const over = new AbortController();
  let deploying: Promise<void> | undefined;
  try {
    // Returns at once: the supervisor has children to look after while the deploy goes on.
    return await serve(ctx, options, (ready) => {
      if (loaded === undefined) return;
      deploying = import("../first-deploy.ts").then(({ firstDeploy }) =>
        firstDeploy(ctx, loaded, ready, options, over.signal),
      );
    });
  } finally {
    over.abort();
    await deploying;
  }
}
