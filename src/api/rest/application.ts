/** `/api/v1/applications/{application}`: one application, the others left alone. */
import { readJson } from "../../config/json.ts";
import { WindlassError } from "../../core/errors.ts";
import { header, json, type NodeRequest, type Reply, readText } from "../http.ts";
import { notFound } from "../lookup.ts";
import { mergePatch } from "../merge-patch.ts";
import { changeOne, type OneApplicationRequest, putOne } from "../one-application.ts";
import { applicationBody, entityTag } from "./application-view.ts";
import { baseDirOf, warningHeaders } from "./applications.ts";
import { flagOf } from "./flag.ts";
import type { RestRequest } from "./router.ts";

/** The media type that PATCH takes. */
export const MERGE_PATCH = "application/merge-patch+json";

/** The application as it is. */
export function getApplication({ deps, params, revealEnv }: RestRequest): Reply {
  const name = params.application!;
  const now = deps.controller.snapshot();
  const record = now.applications.find((application) => application.name === name);
  if (record === undefined) throw notFound(`application ${JSON.stringify(name)}`);
  const deployments = now.deployments.filter(({ application }) => application === name);
  // The tag is that of the desired state: an answer with the same tag may tell another status.
  const headers = { etag: entityTag(record), "cache-control": "no-store" };
  return json(200, applicationBody(record, deployments, revealEnv), headers);
}

/** Makes it or replaces its whole config. Content-Type is not looked at. */
export async function putApplication(request: RestRequest): Promise<Reply> {
  const write = writeOf(request);
  const document = readJson(await readText(request.request));
  if (!document.ok) throw new WindlassError("INVALID_REQUEST", `the body ${document.message}`);
  return writtenReply(write.name, await putOne(request.deps, write, document));
}

/** Changes what the merge patch in the body names. */
export async function patchApplication(request: RestRequest): Promise<Reply> {
  const contentType = header(request.request, "content-type") ?? "";
  if (contentType.split(";", 1)[0]!.trim().toLowerCase() !== MERGE_PATCH) {
    const error = `Content-Type ${JSON.stringify(contentType)} must be ${MERGE_PATCH}`;
    return json(415, { error }, { "accept-patch": MERGE_PATCH });
  }
  const write = { ...writeOf(request), allowMissing: false };
  const patch = readJson(await readText(request.request));
  if (!patch.ok) throw new WindlassError("INVALID_REQUEST", `the body ${patch.message}`);
  const written = await changeOne(request.deps, write, (stored) => mergePatch(stored, patch.value, patch.floats));
  const { value } = patch;
  const unrouted =
    typeof value === "object" && value !== null && "route_prefix" in value && value.route_prefix === null;
  const warnings = unrouted
    ? [
        ...written.warnings,
        'route_prefix: null in a merge patch removes it, so it is "/"; put the config whole for null',
      ]
    : written.warnings;
  return writtenReply(write.name, { ...written, warnings });
}

/** Deletes it; its replicas drain after the answer. */
export async function deleteApplication({ request, deps, params, query, identity }: RestRequest): Promise<Reply> {
  if (query.has("validate_only")) {
    throw new WindlassError("INVALID_REQUEST", "DELETE has no validate_only: leave it out; nothing was deleted");
  }
  const application = params.application!;
  const { etag } = ifMatch(request);
  const { revision } = await deps.controller.deleteApplication({
    application,
    allowMissing: false,
    etag,
    actor: identity.actor,
  });
  return json(200, { name: application, revision });
}

function writtenReply(name: string, written: Awaited<ReturnType<typeof putOne>>): Reply {
  const { application, revision, warnings } = written;
  const tag = application === undefined ? undefined : entityTag(application);
  const body = {
    name,
    generation: application?.generation ?? 0,
    etag: tag?.slice(1, -1) ?? "",
    revision,
    warnings,
  };
  return json(200, body, { ...(tag === undefined ? {} : { etag: tag }), ...warningHeaders(warnings) });
}

/** What the request says besides its body. Throws INVALID_REQUEST. */
function writeOf({ request, params, query, identity }: RestRequest): OneApplicationRequest {
  const { etag, mustExist } = ifMatch(request);
  const onlyNew = header(request, "if-none-match")?.trim();
  if (onlyNew !== undefined && onlyNew !== "*") {
    throw new WindlassError("INVALID_REQUEST", `If-None-Match ${JSON.stringify(onlyNew)} must be *`);
  }
  return {
    name: params.application!,
    baseDir: baseDirOf(request),
    allowMissing: !mustExist,
    onlyNew: onlyNew === "*",
    etag,
    validateOnly: flagOf("validate_only", query.get("validate_only")),
    requestId: "",
    actor: identity.actor,
  };
}

/**
 * `If-Match`: one etag, in quotes or bare; weak ones count, since those on the way who change only the encoding make
 * them so. `*` is any that exists.
 */
export function ifMatch(request: NodeRequest): { etag: string; mustExist: boolean } {
  const value = header(request, "if-match")?.trim();
  if (value === undefined) return { etag: "", mustExist: false };
  if (value === "*") return { etag: "", mustExist: true };
  const etag = /^(?:W\/)?"([^"\s,]+)"$/.exec(value)?.[1] ?? /^([^"\s,]+)$/.exec(value)?.[1];
  if (etag !== undefined) return { etag, mustExist: false };
  throw new WindlassError("INVALID_REQUEST", `If-Match ${JSON.stringify(value)} must be one etag, or *`);
}
