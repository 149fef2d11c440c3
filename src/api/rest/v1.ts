/** `/api/serve/deployments/`: the reference's REST V1, for one application. docs/rest-v1.md has what it makes of more. */
import { readJson } from "../../config/json.ts";
import { redactConfig } from "../../config/redact.ts";
import { type Snapshot, shownMessage } from "../../controller/controller.ts";
import type { ApplicationRecord } from "../../controller/records.ts";
import { WindlassError } from "../../core/errors.ts";
import { applyChecked } from "../apply.ts";
import { json, type Reply, readText } from "../http.ts";
import { errorFromApplication, fromApplication, validateOne } from "../one-document.ts";
import { baseDirOf, warningHeaders } from "./applications.ts";
import type { RestRequest } from "./router.ts";

/** The status where there is no application. */
const NOT_STARTED = {
  name: "",
  app_status: { status: "NOT_STARTED", message: "", deployment_timestamp: 0 },
  deployment_statuses: [],
};

/** The application's config as it was put, {} without one. */
export function getV1({ deps, revealEnv }: RestRequest): Reply {
  const record = theApplication(deps.controller.snapshot());
  const shown = record !== undefined && record.source === "declarative" && !record.deleting;
  return json(200, shown ? redactConfig(record.config, { revealEnv }) : {});
}

/** The application's status and its deployments'. */
export function getV1Status({ deps }: RestRequest): Reply {
  const now = deps.controller.snapshot();
  const record = theApplication(now);
  if (record === undefined) return json(200, NOT_STARTED);
  return json(200, {
    name: record.name,
    app_status: {
      status: record.status,
      message: record.message,
      deployment_timestamp: record.lastDeployedAt / 1000,
    },
    deployment_statuses: now.deployments
      .filter(({ application }) => application === record.name)
      .map((each) => ({ name: each.name, status: each.status, message: shownMessage(each) })),
  });
}

/** Replaces the whole desired state by the application in the body. Content-Type is not looked at. */
export async function putV1({ request, deps, identity }: RestRequest): Promise<Reply> {
  const document = readJson(await readText(request));
  if (!document.ok) throw new WindlassError("INVALID_REQUEST", `the body ${document.message}`);
  const { application, http_options } = splitBody(document.value);
  const checked = validateOne(
    application,
    { floats: document.floats },
    http_options === undefined ? {} : { http_options },
  );
  try {
    const { warnings } = await applyChecked(deps.controller, {
      checked,
      baseDir: baseDirOf(request) ?? deps.appDir,
      actor: identity.actor,
      validateOnly: false,
    });
    return { status: 200, headers: warningHeaders(warnings.map(fromApplication)) };
  } catch (error) {
    throw errorFromApplication(error);
  }
}

/** V1 has the proxies' host and port beside the application's own fields. */
function splitBody(body: unknown): { application: unknown; http_options?: Record<string, unknown> } {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return { application: body };
  const entries = Object.entries(body);
  const isHttp = ([key]: [string, unknown]): boolean => key === "host" || key === "port";
  const http = entries.filter(isHttp);
  if (http.length === 0) return { application: body };
  return {
    application: Object.fromEntries(entries.filter((entry) => !isHttp(entry))),
    http_options: Object.fromEntries(http),
  };
}

/**
 * The one there is; undefined without any. What configs wrote counts before what the SDK runs, and what stays before
 * what is being deleted. Throws INVALID_REQUEST where there are several.
 */
function theApplication({ applications }: Snapshot): ApplicationRecord | undefined {
  const staying = applications.filter(({ deleting }) => !deleting);
  const declared = staying.filter(({ source }) => source === "declarative");
  const found = [declared, staying, applications].find(({ length }) => length > 0) ?? [];
  if (found.length <= 1) return found[0];
  throw new WindlassError(
    "INVALID_REQUEST",
    `there are ${found.length} applications and this path is for one: use GET /api/serve/applications/`,
  );
}
