/** Versions and probes: open to everyone. */
import { createHash } from "node:crypto";
import { json, type Reply, text } from "../http.ts";
import type { RestRequest } from "./router.ts";

/** The reference version whose REST surface this is; stock clients read it. */
export const RAY_VERSION = "2.60.0";

/** Our own version, as in package.json. */
export const WINDLASS_VERSION = "0.1.0";

/** Stock clients want forty hex digits; these stand for our version. */
const COMMIT = createHash("sha1").update(`windlass ${WINDLASS_VERSION}`).digest("hex");

/** `GET /api/ray/version` and `GET /api/version`. */
export function version({ deps }: RestRequest): Reply {
  return json(200, {
    version: "4",
    ray_version: RAY_VERSION,
    ray_commit: COMMIT,
    session_name: `session_${sessionDate(deps.startedAtMs)}_${process.pid}`,
    windlass_version: WINDLASS_VERSION,
  });
}

function sessionDate(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replaceAll(":", "-").replace("T", "_");
}

/** `GET /-/healthz`: the process lives. */
export function healthz(): Reply {
  return text(200, "success");
}

/** `GET /-/readyz`: whether the API may be used; 503 before. */
export function readyz({ deps }: RestRequest): Reply {
  const ready = deps.isReady();
  return json(ready ? 200 : 503, { ready, pid: process.pid, revision: deps.store.revision });
}
