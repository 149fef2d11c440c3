/** `/api/serve/applications/`: the reference's REST V2. */
import { validateDeployConfig } from "../../config/check.ts";
import { readJson } from "../../config/json.ts";
import { errorText, WindlassError } from "../../core/errors.ts";
import { applyChecked } from "../apply.ts";
import { header, json, type NodeRequest, type Reply, readText, text } from "../http.ts";
import { instanceDetails } from "./details.ts";
import type { RestRequest } from "./router.ts";

/** How long a DELETE waits for the instance to end before it answers all the same. */
const END_WAIT_MS = 30_000;

const API_TYPES = ["imperative", "declarative"] as const;

/** Everything that is. */
export function getApplications({ deps, query, revealEnv }: RestRequest): Reply {
  const value = query.get("api_type") ?? "";
  const apiType = API_TYPES.find((known) => known === value.toLowerCase());
  if (value !== "" && apiType === undefined) {
    return text(400, `Invalid 'api_type' value: '${value}'. Must be one of: ${API_TYPES.join(", ")}`);
  }
  const runtime = { nowMs: deps.clock.now(), startedAtMs: deps.startedAtMs, host: deps.host };
  return json(200, instanceDetails(deps.controller.snapshot(), { ...runtime, apiType, revealEnv }));
}

/** Replaces the whole desired state. Content-Type is not looked at. */
export async function putApplications({ request, deps, identity }: RestRequest): Promise<Reply> {
  const document = readJson(await readText(request));
  if (!document.ok) throw new WindlassError("INVALID_REQUEST", `the body ${document.message}`);
  const { warnings } = await applyChecked(deps.controller, {
    checked: validateDeployConfig(document.value, { floats: document.floats }),
    baseDir: baseDirOf(request) ?? deps.appDir,
    actor: identity.actor,
    validateOnly: false,
  });
  return { status: 200, headers: warningHeaders(warnings) };
}

/** Ends the instance; 200 also where there is none, and where it takes longer than we wait. */
export async function deleteInstance({ deps, identity }: RestRequest): Promise<Reply> {
  await deps.controller.endInstance(identity.actor);
  const patience = new AbortController();
  const timer = deps.clock.timer(END_WAIT_MS, () => patience.abort(), { unref: true });
  try {
    await deps.controller.instanceEnded(patience.signal);
  } catch (error) {
    deps.logger.warn("the instance has not ended yet", { reason: errorText(error) });
  } finally {
    timer.cancel();
  }
  return { status: 200 };
}

/** The folder in `x-windlass-base-dir`. Node reads headers as Latin-1; paths are UTF-8 more often than not. */
export function baseDirOf(request: NodeRequest): string | undefined {
  const value = header(request, "x-windlass-base-dir");
  if (value === undefined || value === "") return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

// Clients cut answers off whose headers exceed 16 KiB in all.
const MAX_WARNINGS = 20;
const MAX_WARNING_LENGTH = 400;

/** One header line a warning. */
export function warningHeaders(warnings: readonly string[]): Record<string, readonly string[]> {
  if (warnings.length === 0) return {};
  const lines = warnings.slice(0, MAX_WARNINGS).map((warning) => headerText(warning).slice(0, MAX_WARNING_LENGTH));
  if (warnings.length > MAX_WARNINGS) lines.push(`and ${warnings.length - MAX_WARNINGS} more`);
  return { "x-windlass-warnings": lines };
}

/** Header values are printable ASCII on one line; the rest is percent-escaped. */
function headerText(value: string): string {
  return value.replace(/[\r\n\t]+/g, " ").replace(/[^ -~]+/gu, (other) => encodeURIComponent(other.toWellFormed()));
}
