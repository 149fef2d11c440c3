/** The external scaling webhook. By now the caller may scale this application; then 415, 400, 503, 404, 412. */
import { readJson } from "../../config/json.ts";
import { parseScaleRequest } from "../../config/parse.ts";
import { errorText, WindlassError } from "../../core/errors.ts";
import { authorize } from "../auth.ts";
import { problemText } from "../errors.ts";
import { header, json, type Reply, readText } from "../http.ts";
import { scaleLimits } from "../scale-limits.ts";
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
  const { target, requestId, reason } = body;
  authorize(identity, { kind: "scale", application, target });
  try {
    const result = await deps.controller.scale({
      application,
      deployment,
      target,
      requestId,
      reason,
      etag: "",
      actor: identity.actor,
    });
    return json(200, {
      message: MESSAGE,
      application,
      deployment,
      previous_target_num_replicas: result.previous,
      target_num_replicas: result.deployment.target.replicas,
      generation: result.deployment.generation,
      revision: result.revision,
    });
  } catch (error) {
    throw error instanceof WindlassError ? withWireText(error) : error;
  }
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

type ScaleBody =
  | { readonly ok: true; readonly target: number; readonly requestId: string; readonly reason: string }
  | { readonly ok: false; readonly problem: string };

async function readScaleBody(request: RestRequest["request"]): Promise<ScaleBody> {
  const document = readJson(await readText(request));
  if (!document.ok) return { ok: false, problem: document.message };
  const parsed = parseScaleRequest(document.value, { floats: document.floats });
  if (!parsed.ok) {
    const lines = parsed.problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
    return { ok: false, problem: lines.join("; ") };
  }
  const { target_num_replicas, request_id = "", reason = "" } = parsed.config;
  try {
    // -0 is a whole number that JSON can write.
    return {
      ok: true,
      target: scaleLimits(target_num_replicas + 0, request_id, reason),
      requestId: request_id,
      reason,
    };
  } catch (error) {
    const problem = error instanceof WindlassError ? problemText(error) : errorText(error);
    return { ok: false, problem: problem.replaceAll("\n", "; ") };
  }
}

function failure(status: number, message: string): Reply {
  return json(status, { error: message });
}
