/** What commands refuse, and how it is said. */
import type { ApplicationConfig } from "../config/types.ts";
import { WindlassError } from "../core/errors.ts";
import { routePrefixOf } from "./application-state.ts";
import type { ApplicationRecord, InstanceRecord } from "./records.ts";

/** Refuses a prefix that one of the others serves, or will once it is built. */
export function refuseTakenRoute(wanted: ApplicationConfig, others: readonly ApplicationRecord[], path: string): void {
  const prefix = routePrefixOf(wanted);
  if (prefix === null) return;
  const holder = others.find(
    (other) => !other.deleting && (other.routePrefix === prefix || routePrefixOf(other.config) === prefix),
  );
  if (holder === undefined) return;
  const message = `"${prefix}" is taken by application "${holder.name}"; choose another prefix`;
  throw new WindlassError("INVALID_CONFIG", `${path}: ${message}`, { problems: [{ path, message }] });
}

/** Refuses while the instance ends, and where there is none. */
export function refuseUnlessWritable(instance: InstanceRecord, options: { absentIsFine: boolean }): void {
  if (instance.state === "ending" || (instance.state === "absent" && !options.absentIsFine)) {
    throw new WindlassError("INSTANCE_UNAVAILABLE", "Serve controller is not available");
  }
}

/** What is named by `metadata` is not there. */
export function notFound(metadata: Record<string, string>): WindlassError {
  const message = metadata["deployment"]
    ? "Application or Deployment not found"
    : `Application "${metadata["application"]}" not found`;
  return new WindlassError("NOT_FOUND", message, { metadata });
}

/** `present` is "" where there is nothing any more. */
export function staleEtag(sent: string, present: string): WindlassError {
  const now = present === "" ? "what it was read from is gone" : `it is now "${present}"`;
  return new WindlassError("STALE_ETAG", `etag "${sent}" is stale: ${now}; read it again and retry`);
}
