/** The history of one application, below `/api/v1/applications/{application}`. */
import type { ApplicationRecord } from "../../controller/records.ts";
import { json, type Reply, readText } from "../http.ts";
import { notFound } from "../lookup.ts";
import { revisionBody } from "../revision-view.ts";
import { checkRollback } from "../rollback-request.ts";
import { ifMatch } from "./application.ts";
import { entityTag } from "./application-view.ts";
import { type BodyFields, readFields } from "./body-fields.ts";
import type { RestRequest } from "./router.ts";

/** `GET …/revisions`: those that are kept, newest first. */
export function getRevisions({ deps, params, revealEnv }: RestRequest): Reply {
  const application = params.application!;
  if (deps.controller.application(application) === undefined) {
    throw notFound(`application ${JSON.stringify(application)}`);
  }
  const newestFirst = deps.controller.revisions(application).toReversed();
  const revisions = newestFirst.map((record) => revisionBody(record, revealEnv));
  return json(200, { revisions }, { "cache-control": "no-store" });
}

/** `POST …/rollback`: goes back to an earlier revision. Content-Type is not looked at. */
export async function postRollback({ request, deps, params, identity }: RestRequest): Promise<Reply> {
  const { etag } = ifMatch(request);
  const wish = readWish(await readText(request));
  const answer = await deps.controller.rollback({
    application: params.application!,
    ...wish,
    etag,
    actor: identity.actor,
  });
  return writtenReply(answer.application, {
    revision: answer.revision,
    application_revision: answer.application.revision ?? 0,
    rolled_back_to: answer.rolledBackTo,
  });
}

/** `POST …/retry`: tries again what failed. A body is not looked at. */
export async function postRetry({ deps, params, identity }: RestRequest): Promise<Reply> {
  const { application, revision } = await deps.controller.retry({
    application: params.application!,
    actor: identity.actor,
  });
  return writtenReply(application, { revision, status: application.status });
}

/** What a write of an application answers: how it stands, its etag, and `more`. */
export function writtenReply(application: ApplicationRecord, more: Record<string, unknown>): Reply {
  const tag = entityTag(application);
  const { name, generation } = application;
  return json(200, { name, generation, etag: tag.slice(1, -1), ...more }, { etag: tag });
}

/** What a rollback is asked with. */
const ROLLBACK: BodyFields = {
  of: "a rollback",
  example: '{"to_revision": 3}',
  kinds: { to_revision: "number", reason: "string", request_id: "string", validate_only: "boolean" },
};

function readWish(text: string) {
  const body: { to_revision?: number; reason?: string; request_id?: string; validate_only?: boolean } = readFields(
    text,
    ROLLBACK,
  );
  return {
    ...checkRollback({ toRevision: body.to_revision ?? 0, reason: body.reason ?? "" }),
    requestId: body.request_id ?? "",
    validateOnly: body.validate_only ?? false,
  };
}
