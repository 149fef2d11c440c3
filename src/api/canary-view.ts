/** Canaries for a reader: as the public message, and as REST shows them. Pure. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type Canary,
  Canary_PhaseSchema,
  CanarySchema,
  type TrafficSample,
  TrafficSampleSchema,
} from "../../gen/windlass/v1/revision_pb.ts";
import { type CanaryStanding, canaryWeight } from "../controller/controller.ts";
import type { CanaryRecord } from "../controller/records.ts";
import { enumValue } from "./enums.ts";

type Sample = CanaryStanding["sample"];

/** A canary. Without `standing` it has neither message nor samples. */
export function canaryView(record: CanaryRecord, standing?: CanaryStanding): Canary {
  return create(CanarySchema, {
    revision: BigInt(record.revision),
    stableRevision: BigInt(record.stable),
    step: record.step,
    steps: record.steps.length,
    weight: canaryWeight(record),
    phase: enumValue(Canary_PhaseSchema, phaseWord(record)),
    stepTime: timestampFromMs(record.phase.since),
    ...(standing === undefined
      ? {}
      : {
          message: standing.message,
          sample: sampleView(standing.sample),
          stableSample: sampleView(standing.stableSample),
        }),
  });
}

function sampleView({ requests, errors, latencyMs }: Sample): TrafficSample {
  return create(TrafficSampleSchema, {
    requests: BigInt(requests),
    errors: BigInt(errors),
    ...(latencyMs === null ? {} : { latencyS: latencyMs / 1000 }),
  });
}

/** What `GET /api/v1/applications/{application}/canary` answers; words are those of the message. */
export function canaryBody({ canary, weight, message, sample, stableSample }: CanaryStanding) {
  return {
    revision: canary.revision,
    stable_revision: canary.stable,
    step: canary.step,
    steps: canary.steps.length,
    weight,
    phase: phaseWord(canary),
    message,
    step_time_s: canary.phase.since / 1000,
    sample: sampleBody(sample),
    stable_sample: sampleBody(stableSample),
  };
}

function sampleBody({ requests, errors, latencyMs }: Sample) {
  return { requests, errors, latency_s: latencyMs === null ? null : latencyMs / 1000 };
}

function phaseWord({ phase }: CanaryRecord): string {
  return phase.kind.toUpperCase().replace("-", "_");
}
