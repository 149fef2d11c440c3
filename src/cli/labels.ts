import type { DescEnum } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Deployment } from "../../gen/windlass/v1/deployment_pb.ts";
import { Replica_StateSchema } from "../../gen/windlass/v1/deployment_pb.ts";

/** An enum value as users know it: STATE_RUNNING → RUNNING. A value this build does not know shows its number. */
export function label(schema: DescEnum, value: number): string {
  const name = schema.value[value]?.name;
  return name === undefined ? String(value) : name.slice(schema.sharedPrefix?.length ?? 0);
}

/** ISO 8601 in UTC; null where there is none. */
export function isoTime(timestamp: Timestamp | undefined): string | null {
  return timestamp === undefined ? null : new Date(timestampMs(timestamp)).toISOString();
}

/** A deployment's replica counts by state name: {RUNNING: 2}. */
export function replicaCounts(deployment: Deployment): Record<string, number> {
  return Object.fromEntries(
    deployment.replicaCounts.map((entry) => [label(Replica_StateSchema, entry.state), entry.count]),
  );
}
