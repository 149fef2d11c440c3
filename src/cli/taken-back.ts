/** Whether what was deployed was taken back since, which leaves the application running. */
import { Code, ConnectError } from "@connectrpc/connect";
import { type Revision, Revision_Cause } from "../../gen/windlass/v1/revision_pb.ts";
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

/** Throws a CliError when one of the applications went back since it had the revision of `before`. */
export async function refuseTakenBack(api: Api, before: ReadonlyMap<string, bigint>): Promise<void> {
  const lines: string[] = [];
  for (const [name, earlier] of before) {
    const parent = applicationName(name);
    const { revisions } = await api.applications.listRevisions({ parent, pageSize: 1 });
    const newest = revisions[0];
    if (newest === undefined || newest.number <= earlier) continue;
    const { cause } = newest;
    if (cause !== Revision_Cause.AUTO_ROLLBACK && cause !== Revision_Cause.ROLLBACK) continue;
    lines.push(wentBack(name, newest));
  }
  if (lines.length > 0) throw new CliError(EXIT.failed, lines);
}

/** What a revision that a rollback made means for the one before it, as a line. */
export function wentBack(application: string, { cause, rollbackOf, actor, reason }: Revision): string {
  const why = reason === "" ? "" : `: ${reason}`;
  return cause === Revision_Cause.AUTO_ROLLBACK
    ? `application ${application} failed and went back to revision ${rollbackOf}${why}`
    : `application ${application} went back to revision ${rollbackOf}, asked by ${actor}${why}`;
}
