import { applicationName, deploymentName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { follow, followDecisions } from "../feed.ts";
import { documentStream, type OutputFormat } from "../output.ts";
import { decisionLine, watchLine } from "../watch-line.ts";

/** Options of `windlass watch`. */
export interface WatchOptions {
  /** Continue after this revision; 0 begins with the present state. */
  readonly since: bigint;
  /** What the autoscaler decides instead of the resources. */
  readonly decisions: boolean;
  /** Decisions of autoscaling_shadow. */
  readonly shadow: boolean;
  readonly output: OutputFormat;
}

/** `windlass watch`: the feed, by default one JSON object a line, until stopped. */
export async function watch(
  ctx: CliContext,
  target: Target,
  what: string | undefined,
  options: WatchOptions,
): Promise<void> {
  const signal = ctx.stopped();
  const print = documentStream(ctx, options.output);
  await withApi(target, async (api) => {
    const notice = (text: string): void => ctx.err(`windlass: ${text}\n`);
    const { since, shadow } = options;
    const how = { since, signal, patienceMs: 0, endless: true, notice };
    if (options.decisions) {
      const name = what === undefined ? "applications/-" : resourceName(what);
      for await (const event of followDecisions(api, ctx, { name, shadow, ...how })) print(decisionLine(event));
      return;
    }
    const feed = follow(api, ctx, { name: resourceName(what), ...how });
    for await (const message of feed) {
      const line = watchLine(message);
      if (line !== undefined) print(line);
    }
  });
}

/** APP or APP/DEPLOYMENT as a resource name; "" is everything. */
function resourceName(what: string | undefined): string {
  if (what === undefined) return "";
  const slash = what.indexOf("/");
  return slash < 0 ? applicationName(what) : deploymentName(what.slice(0, slash), what.slice(slash + 1));
}
