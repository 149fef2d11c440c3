/** A canary as the command line shows it. Pure. */
import { type Canary, Canary_PhaseSchema, type TrafficSample } from "../../gen/windlass/v1/revision_pb.ts";
import { oneLine } from "./exit.ts";
import { isoTime, label } from "./labels.ts";
import { table } from "./table.ts";

/** With the names and words of REST. */
export function canaryDocument(application: string, canary: Canary): Record<string, unknown> {
  return {
    application,
    revision: Number(canary.revision),
    stable_revision: Number(canary.stableRevision),
    step: canary.step,
    steps: canary.steps,
    weight: canary.weight,
    phase: label(Canary_PhaseSchema, canary.phase),
    message: canary.message,
    step_time: isoTime(canary.stepTime),
    sample: sampleDocument(canary.sample),
    stable_sample: sampleDocument(canary.stableSample),
  };
}

function sampleDocument(sample: TrafficSample | undefined): Record<string, unknown> {
  return {
    requests: Number(sample?.requests ?? 0n),
    errors: Number(sample?.errors ?? 0n),
    latency_s: sample?.latencyS ?? null,
  };
}

/** For a person: where it stands, what it waits for, and a table of the requests of its step. */
export function canaryText(application: string, canary: Canary): string {
  const { revision, stableRevision, message, phase } = canary;
  const since = isoTime(canary.stepTime);
  const lines = [
    `${application}: canary of revision ${revision} beside revision ${stableRevision}`,
    `${stepText(canary)}, ${label(Canary_PhaseSchema, phase)}${since === null ? "" : ` since ${since}`}`,
    ...(message === "" ? [] : [oneLine(message)]),
  ];
  const rows = table([
    ["REVISION", "REQUESTS", "ERRORS", "LATENCY"],
    [`${revision} canary`, ...sampleCells(canary.sample)],
    [`${stableRevision} stable`, ...sampleCells(canary.stableSample)],
  ]);
  return `${lines.join("\n")}\n\n${rows}`;
}

/** "step 1 of 3, 10 % of the requests". */
export function stepText({ step, steps, weight }: Canary): string {
  return `step ${step + 1} of ${steps}, ${weight} % of the requests`;
}

function sampleCells(sample: TrafficSample | undefined): string[] {
  const requests = Number(sample?.requests ?? 0n);
  const errors = Number(sample?.errors ?? 0n);
  const rate = requests === 0 ? "" : ` (${Number(((errors / requests) * 100).toFixed(2))} %)`;
  const latency = sample?.latencyS === undefined ? "-" : `${(sample.latencyS * 1000).toFixed(1)} ms`;
  return [String(requests), `${errors}${rate}`, latency];
}
