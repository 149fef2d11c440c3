/** The writes of a whole config, tried or done with code that is built already. */
import type { DeployConfig } from "../config/types.ts";
import type { BuildRequest, BuildResult } from "../engine/engine.ts";
import type { CommandAction, CommandContext } from "./command-context.ts";
import { applyConfig, putOneApplication } from "./commands.ts";
import { takeBuildEvent } from "./events.ts";
import type { Draft } from "./world.ts";

/** What is to be written. */
export interface Writes {
  readonly config: DeployConfig;
  /** Absolute folder that relative import paths start from. */
  readonly baseDir: string;
  readonly actor: string;
  /** Writes the listed applications one by one and leaves all else as it is. */
  readonly onlyListed: boolean;
}

/** What builds came to, by application. */
export type BuiltCode = ReadonlyMap<string, BuildResult>;

/** How a build ended. */
export type BuildOutcome =
  | { readonly ok: true; readonly result: BuildResult }
  | { readonly ok: false; readonly error: string };

/** Names of the applications that are written. */
export function listedNames({ config }: Writes): string[] {
  return config.applications.map(({ name }) => name ?? "default");
}

/** The builds that the writes need, by application; the draft is spoilt by it. Throws what the writes are refused for. */
export function neededBuilds(draft: Draft, writes: Writes, context: CommandContext): Map<string, BuildRequest> {
  const { actions } = write(draft, writes, context);
  const requests = actions.flatMap((action) => (action.kind === "build" ? [action.request] : []));
  return new Map(requests.map((request) => [applicationOf(draft, request.buildId), request] as const));
}

/** Does the writes as if every build had ended at once. Returns what else the engine is to do. */
export function writeBuilt(
  draft: Draft,
  writes: Writes,
  outcomes: ReadonlyMap<string, BuildOutcome>,
  context: CommandContext,
): { warnings: string[]; actions: CommandAction[] } {
  const { warnings, actions } = write(draft, writes, context);
  const left: CommandAction[] = [];
  for (const action of actions) {
    if (action.kind !== "build") {
      left.push(action);
      continue;
    }
    const { buildId } = action.request;
    const outcome = outcomes.get(applicationOf(draft, buildId)) ?? { ok: false, error: "it was not built" };
    const event = outcome.ok
      ? ({ kind: "built", buildId, result: outcome.result } as const)
      : ({ kind: "build-failed", buildId, error: outcome.error } as const);
    takeBuildEvent(draft, event, context);
  }
  return { warnings, actions: left };
}

function write(
  draft: Draft,
  writes: Writes,
  context: CommandContext,
): { warnings: string[]; actions: readonly CommandAction[] } {
  if (!writes.onlyListed) return applyConfig(draft, writes, context);
  const { baseDir, actor } = writes;
  const actions = writes.config.applications.flatMap((config) => {
    const name = config.name ?? "default";
    const how = { allowMissing: true, etag: "", validateOnly: false, requestId: "", actor };
    return putOneApplication(draft, { name, config, baseDir, ...how }, context).actions;
  });
  return { warnings: unusedFields(writes.config), actions };
}

const INSTANCE_FIELDS = [
  "target_capacity",
  "http_options",
  "grpc_options",
  "logging_config",
  "proxy_location",
] as const;

function unusedFields(config: DeployConfig): string[] {
  return INSTANCE_FIELDS.filter((field) => (config[field] ?? null) !== null).map(
    (field) => `${field}: left out, because only the listed applications are written`,
  );
}

function applicationOf(draft: Draft, buildId: string): string {
  const found = draft.applications().find(({ build }) => build.kind === "building" && build.buildId === buildId);
  if (!found) throw new Error("a build without an application");
  return found.name;
}
