/** What became of an application that somebody else wrote or deleted. */
import { Code, ConnectError } from "@connectrpc/connect";
import { Application_State } from "../../../gen/windlass/v1/application_pb.ts";
import { Revision_Cause } from "../../../gen/windlass/v1/revision_pb.ts";
import { applicationName } from "../../core/names.ts";
import type { Api } from "../api.ts";
import { wentBack } from "../taken-back.ts";

/** See {@link inspectDrift}. */
export interface Drift {
  /** `taken-back`: the very config of the files failed, or its canary was given up; written again, it would fail again. */
  readonly kind: "deleted" | "changed" | "taken-back";
  /** What happened, and by whom, for a person. */
  readonly happened: string;
}

const DELETED: Drift = { kind: "deleted", happened: "was deleted" };

/** Asks what happened. `canary`: whether a canary of what the files say ran before. */
export async function inspectDrift(api: Api, name: string, canary: boolean): Promise<Drift> {
  const resource = applicationName(name);
  try {
    const { application } = await api.applications.getApplication({ name: resource });
    if (application === undefined || application.state === Application_State.DELETING) return DELETED;
    const { revisions } = await api.applications.listRevisions({ parent: resource, pageSize: 1 });
    const newest = revisions[0];
    const own = newest !== undefined && newest.number === application.revision;
    if (!own) return { kind: "changed", happened: "was written by somebody" };
    const back = newest.cause === Revision_Cause.ROLLBACK || newest.cause === Revision_Cause.AUTO_ROLLBACK;
    if (newest.cause === Revision_Cause.AUTO_ROLLBACK || (back && canary)) {
      return { kind: "taken-back", happened: wentBack(name, newest) };
    }
    const what = back ? `was taken back to revision ${newest.rollbackOf} by` : "was changed by";
    return { kind: "changed", happened: `${what} ${newest.actor}` };
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return DELETED;
    throw error;
  }
}
