/** `GET /api/v1/applications/{application}/deployments/{deployment}/decisions`: why it has its number of replicas. */
import { WindlassError } from "../../core/errors.ts";
import { decisionBody } from "../decision-view.ts";
import { json, type Reply } from "../http.ts";
import { notFound } from "../lookup.ts";
import { flagOf } from "./flag.ts";
import type { RestRequest } from "./router.ts";

/** Those that are kept, newest first; with `at`, the one that held then; with `shadow`, those of the shadow. */
export async function getDecisions({ deps, params, query }: RestRequest): Promise<Reply> {
  const application = params.application!;
  const deployment = params.deployment!;
  if (deps.controller.deployment(application, deployment) === undefined) {
    throw notFound(`deployment ${JSON.stringify(`${application}/${deployment}`)}`);
  }
  const shadow = flagOf("shadow", query.get("shadow"));
  const atS = momentOf(query.get("at"));
  const held =
    atS === undefined
      ? await deps.controller.decisions(application, deployment, shadow)
      : [await deps.controller.decisionAt(application, deployment, atS, shadow)].filter((one) => one !== undefined);
  return json(200, { decisions: held.map(decisionBody) }, { "cache-control": "no-store" });
}

/** Epoch seconds, or ISO 8601. */
function momentOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const atS = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1_000;
  if (Number.isFinite(atS)) return atS;
  throw new WindlassError(
    "INVALID_REQUEST",
    `at ${JSON.stringify(text)} must be epoch seconds or ISO 8601, e.g. 2026-01-31T12:00:00Z`,
  );
}
