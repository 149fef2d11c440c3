/** The canary of one application, below `/api/v1/applications/{application}/canary`. */
import type { CanaryRequest } from "../../controller/controller.ts";
import { canaryBody } from "../canary-view.ts";
import { json, type Reply, readText } from "../http.ts";
import { notFound } from "../lookup.ts";
import { checkReason } from "../rollback-request.ts";
import { type BodyFields, readFields } from "./body-fields.ts";
import { writtenReply } from "./revisions.ts";
import type { RestRequest } from "./router.ts";

/** `GET …/canary`: where it stands, and the requests of its present step. */
export function getCanary({ deps, params }: RestRequest): Reply {
  const application = params.application!;
  const named = `application ${JSON.stringify(application)}`;
  if (deps.controller.application(application) === undefined) throw notFound(named);
  const standing = deps.controller.canary(application);
  if (standing === undefined) throw notFound(`canary of ${named} now`);
  return json(200, canaryBody(standing), { "cache-control": "no-store" });
}

/** What each verb may be asked with. */
const BODIES: Readonly<Record<CanaryRequest["verb"], BodyFields>> = {
  promote: { of: "a promotion", example: '{"full": true}', kinds: { full: "boolean" } },
  abort: { of: "an abort", example: '{"reason": "too slow"}', kinds: { reason: "string" } },
  pause: { of: "a pause", example: "{}", kinds: {} },
  resume: { of: "a resumption", example: "{}", kinds: {} },
};

/** `POST …/canary/{promote|abort|pause|resume}`. Content-Type is not looked at. */
export async function postCanary(
  { request, deps, params, identity }: RestRequest,
  verb: CanaryRequest["verb"],
): Promise<Reply> {
  const body: { full?: boolean; reason?: string } = readFields(await readText(request), BODIES[verb]);
  const { full = false, reason = "" } = body;
  checkReason(reason);
  const { application, revision } = await deps.controller.changeCanary({
    application: params.application!,
    verb,
    full,
    reason,
    actor: identity.actor,
  });
  const standing = application.canary && deps.controller.canary(application.name);
  return writtenReply(application, {
    revision,
    application_revision: application.revision ?? 0,
    canary: standing === undefined ? null : canaryBody(standing),
  });
}
