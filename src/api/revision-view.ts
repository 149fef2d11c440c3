/** Revisions for a reader: as the public message, and as REST shows them. Pure. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Revision,
  Revision_CauseSchema,
  Revision_StateSchema,
  RevisionSchema,
} from "../../gen/windlass/v1/revision_pb.ts";
import { applicationConfigToMessage } from "../config/message.ts";
import { redactConfig } from "../config/redact.ts";
import type { RevisionRecord } from "../controller/records.ts";
import { applicationName } from "../core/names.ts";
import { enumValue } from "./enums.ts";

/** A revision. `revealEnv`: show the values of environment variables. */
export function revisionView(record: RevisionRecord, revealEnv: boolean): Revision {
  return create(RevisionSchema, {
    name: `${applicationName(record.application)}/revisions/${record.number}`,
    number: BigInt(record.number),
    config: applicationConfigToMessage(redactConfig(record.config, { revealEnv })),
    codeHash: record.built?.bundleHash ?? "",
    state: enumValue(Revision_StateSchema, record.outcome),
    message: record.message,
    cause: enumValue(Revision_CauseSchema, causeWord(record)),
    rollbackOf: BigInt(rollbackOf(record)),
    actor: record.actor,
    reason: record.reason,
    createTime: timestampFromMs(record.createdAt),
  });
}

/** An item of `GET /api/v1/applications/{application}/revisions`; words are those of the message. */
export function revisionBody(record: RevisionRecord, revealEnv: boolean) {
  return {
    number: record.number,
    state: record.outcome.toUpperCase(),
    message: record.message,
    cause: causeWord(record),
    rollback_of: rollbackOf(record),
    code_hash: record.built?.bundleHash ?? "",
    actor: record.actor,
    reason: record.reason,
    create_time_s: record.createdAt / 1000,
    config: redactConfig(record.config, { revealEnv }),
  };
}

function causeWord({ cause }: RevisionRecord): string {
  return cause.kind.toUpperCase().replace("-", "_");
}

/** 0 for what is no rollback. */
function rollbackOf({ cause }: RevisionRecord): number {
  return "of" in cause ? cause.of : 0;
}
