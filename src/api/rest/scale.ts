/** The external scaling webhook. By now the caller may scale this application; then 415, 400, 503, 404, 412, 409. */
import { readJson } from "../../config/json.ts";
import { parseScaleRequest, type ScaleBody } from "../../config/parse.ts";
import type { DeploymentRecord } from "../../controller/records.ts";
import { errorText, WindlassError } from "../../core/errors.ts";
import { MAX_SCALE_BODY_BYTES } from "../../core/limits.ts";
import { authorize } from "../auth.ts";
import { problemText } from "../errors.ts";
import { header, json, type Reply, readText } from "../http.ts";
import { type CheckedScale, scaleLimits } from "../scale-limits.ts";
import type { RestRequest } from "./router.ts";

const MESSAGE = "Scaling request received. Deployment will get scaled asynchronously.";

/** `POST /api/v1/applications/{application}/deployments/{deployment}/scale`. */
export async function scale({ request, deps, params, identity }: RestRequest): Promise<Reply> {
  const application = params.application!;
  const deployment = params.deployment!;
  const contentType = header(request, "content-type") ?? "";
  if (!/^application\/json *(;|$)/i.test(contentType.trim())) {
    return failure(415, `Content-Type ${JSON.stringify(contentType)} must be application/json`);
  }
  const body = await readScaleBody(request);
  if (!body.ok) return failure(400, `Invalid request body: ${body.problem}`);
  const { call, dryRun, force, manual } = body;
  authorize(identity, { kind: "scale", application, target: call.target });
  if (manual) authorize(identity, { kind: "scale-over", how: "by hand" });
  if (force) authorize(identity, { kind: "scale-over", how: "by force" });
  try {
    const more = { dryRun, force, manual, etag: "", actor: identity.actor };
    const result = await deps.controller.scale({ application, deployment, ...call, ...more });
    const { target, generation } = result.deployment;
    return json(200, {
      message: MESSAGE,
      application,
      deployment,
      previous_target_num_replicas: result.previous,
      target_num_replicas: target.replicas,
      effective_target_num_replicas: target.replicas,
      generation,
      revision: result.revision,
      ...(target.lease === undefined ? {} : { lease: leaseView(target, target.lease) }),
      ...(dryRun ? { dry_run: true } : {}),
    });
  } catch (error) {
    if (!(error instanceof WindlassError)) throw error;
    if (error.reason === "LEASE_HELD" || error.reason === "STALE_FENCE") return heldReply(error);
    throw withWireText(error);
  }
}

function leaseView(
  { fence }: DeploymentRecord["target"],
  { owner, expiresAt }: NonNullable<DeploymentRecord["target"]["lease"]>,
): Record<string, unknown> {
  const end = expiresAt === null ? null : new Date(expiresAt).toISOString();
  return { owner, expires_at: end, fence: fence ?? null };
}

/** Who holds the target instead, so that a program can tell. */
function heldReply({ message, metadata }: WindlassError): Reply {
  const { owner = null, lease_expires_at = null, fence } = metadata;
  return json(409, { error: message, owner, lease_expires_at, fence: fence === undefined ? null : Number(fence) });
}

/** Texts that clients know from the reference. */
function withWireText(error: WindlassError): WindlassError {
  switch (error.reason) {
    case "INSTANCE_UNAVAILABLE":
      return new WindlassError(error.reason, "Serve controller is not available");
    case "NOT_FOUND":
      return new WindlassError(error.reason, "Application or Deployment not found");
    case "DEPLOYMENT_DELETED":
      return new WindlassError(error.reason, "Deployment is deleted");
    default:
      return error;
  }
}

interface Call {
  readonly call: CheckedScale;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly manual: boolean;
}

async function readScaleBody(
  request: RestRequest["request"],
): Promise<({ readonly ok: true } & Call) | { readonly ok: false; readonly problem: string }> {
  const document = readJson(await readText(request, MAX_SCALE_BODY_BYTES));
  if (!document.ok) return { ok: false, problem: document.message };
  const parsed = parseScaleRequest(document.value, { floats: document.floats });
  if (!parsed.ok) {
    const lines = parsed.problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
    return { ok: false, problem: lines.join("; ") };
  }
  try {
    return { ok: true, ...callOf(parsed.config) };
  } catch (error) {
    const problem = error instanceof WindlassError ? problemText(error) : errorText(error);
    return { ok: false, problem: problem.replaceAll("\n", "; ") };
  }
}

function callOf(body: ScaleBody): Call {
  const call = scaleLimits({
    target: body.target_num_replicas + 0, // -0 is a whole number that JSON can write
    requestId: body.request_id ?? "",
    reason: body.reason ?? "",
    owner: body.owner ?? "",
    ttlS: body.ttl_s,
    leaseFallback: body.lease_fallback,
    fence: body.fence === undefined ? undefined : body.fence + 0,
  });
  return { call, dryRun: body.dry_run ?? false, force: body.force ?? false, manual: body.manual ?? false };
}

function failure(status: number, message: string): Reply {
  return json(status, { error: message });
}
