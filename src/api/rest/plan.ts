/** `/api/v1/plan`: what a config would do, and doing exactly that. */
import { validateDeployConfig } from "../../config/check.ts";
import { readJson } from "../../config/json.ts";
import { WindlassError } from "../../core/errors.ts";
import { json, type Reply, readText } from "../http.ts";
import { planBody, planChecked } from "../plan.ts";
import { baseDirOf, warningHeaders } from "./applications.ts";
import { flagOf } from "./flag.ts";
import type { RestRequest } from "./router.ts";

/** `POST /api/v1/plan`: plans the config in the body. Content-Type is not looked at. */
export async function postPlan({ request, deps, query, identity, left }: RestRequest): Promise<Reply> {
  const signal = left();
  const onlyListed = flagOf("only_listed", query.get("only_listed"));
  const document = readJson(await readText(request));
  if (!document.ok) throw new WindlassError("INVALID_REQUEST", `the body ${document.message}`);
  const wanted = {
    checked: validateDeployConfig(document.value, { floats: document.floats }),
    baseDir: baseDirOf(request) ?? deps.appDir,
    actor: identity.actor,
    onlyListed,
  };
  return json(200, planBody(await planChecked(deps.controller, wanted, signal)), { "cache-control": "no-store" });
}

/** `POST /api/v1/plan/{token}/apply`: does what the plan says. A body is not looked at. */
export async function applyPlan({ deps, params, query, identity }: RestRequest): Promise<Reply> {
  const validateOnly = flagOf("validate_only", query.get("validate_only"));
  const token = params.token!;
  const { revision, warnings } = await deps.controller.applyPlan({ token, validateOnly, actor: identity.actor });
  return json(200, { revision, warnings }, warningHeaders(warnings));
}
