/** Whether what was deployed was taken back by the controller itself, which leaves the application running. */
import { Code, ConnectError } from "@connectrpc/connect";
import { Revision_Cause } from "../../gen/windlass/v1/revision_pb.ts";
import { applicationName } from "../core/names.ts";
import type { Api } from "./api.ts";
import { CliError, EXIT } from "./exit.ts";

/** The revisions in force of these applications; 0 for one that is not there, none where the server cannot tell. */
export async function presentRevisions(api: Api, names: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
  const found = new Map<string, bigint>();
  for (const name of names) {
    try {
      const { application } = await api.applications.getApplication({ name: applicationName(name) });
      found.set(name, application?.revision ?? 0n);
    } catch (error) {
      // What the caller does next fails for the same reason, and says so.
      if (!(error instanceof ConnectError)) throw error;
      if (error.code === Code.NotFound) found.set(name, 0n);
    }
  }
  return found;
}

/** Throws a CliError when one of the applications went back by itself since it had the revision of `before`. */
export async function refuseTakenBack(api: Api, before: ReadonlyMap<string, bigint>): Promise<void> {
  const lines: string[] = [];
  for (const [name, earlier] of before) {
    const parent = applicationName(name);
    const { revisions } = await api.applications.listRevisions({ parent, pageSize: 1 });
    const newest = revisions[0];
    if (newest === undefined || newest.number <= earlier || newest.cause !== Revision_Cause.AUTO_ROLLBACK) continue;
    const why = newest.reason === "" ? "" : `: ${newest.reason}`;
    lines.push(`application ${name} failed and went back to revision ${newest.rollbackOf}${why}`);
  }
  if (lines.length > 0) throw new CliError(EXIT.failed, lines);
}
