import { type Revision, Revision_CauseSchema, Revision_StateSchema } from "../../../gen/windlass/v1/revision_pb.ts";
import { applicationConfigFromMessage } from "../../config/message.ts";
import { applicationName } from "../../core/names.ts";
import type { Target } from "../address.ts";
import { withApi } from "../api.ts";
import type { CliContext } from "../context.ts";
import { oneLine } from "../exit.ts";
import { isoTime, label } from "../labels.ts";
import { type OutputFormat, printDocument } from "../output.ts";
import { table } from "../table.ts";

/** `windlass history`: the revisions of one application, newest first; without `output` as a table. */
export async function history(
  ctx: CliContext,
  target: Target,
  application: string,
  output: OutputFormat | undefined,
): Promise<void> {
  const parent = applicationName(application);
  const revisions = await withApi(target, async (api) => {
    const all: Revision[] = [];
    for (let pageToken: string | undefined; pageToken !== ""; ) {
      const page = await api.applications.listRevisions({ parent, pageSize: 1000, pageToken: pageToken ?? "" });
      all.push(...page.revisions);
      pageToken = page.nextPageToken;
    }
    return all;
  });
  if (output !== undefined) return printDocument(ctx, { revisions: revisions.map(documentOf) }, output);
  const rows = revisions.map((revision) => [
    String(revision.number),
    isoTime(revision.createTime) ?? "-",
    oneLine(revision.actor) || "-",
    causeOf(revision),
    label(Revision_StateSchema, revision.state),
    revision.codeHash.slice(0, 12) || "-",
    oneLine(revision.message || revision.reason),
  ]);
  ctx.out(table([["REVISION", "WHEN", "WHO", "CAUSE", "STATE", "CODE", "MESSAGE"], ...rows]));
}

/** "config", "auto-rollback of 3". */
function causeOf({ cause, rollbackOf }: Revision): string {
  const word = label(Revision_CauseSchema, cause).toLowerCase().replace("_", "-");
  return rollbackOf === 0n ? word : `${word} of ${rollbackOf}`;
}

/** With the names and words of REST. */
function documentOf(revision: Revision): Record<string, unknown> {
  return {
    number: Number(revision.number),
    state: label(Revision_StateSchema, revision.state),
    message: revision.message,
    cause: label(Revision_CauseSchema, revision.cause),
    rollback_of: Number(revision.rollbackOf),
    code_hash: revision.codeHash,
    actor: revision.actor,
    reason: revision.reason,
    create_time: isoTime(revision.createTime),
    config: revision.config === undefined ? null : applicationConfigFromMessage(revision.config),
  };
}
