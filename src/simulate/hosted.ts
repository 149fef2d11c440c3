/** What a process that runs a user's policy is given to simulate, and what it answers: plain data, for `v8.serialize`. */
import type { Course } from "./course.ts";
import type { Outcome } from "./deployment.ts";
import { type RecordedLoad, type RecordingOptions, recordingCourse } from "./recording.ts";
import { type Load, type RunOptions, traceCourse } from "./run.ts";
import type { OwnPolicy, Subject } from "./subject.ts";

/** One deployment under its load. */
export type HostedWork =
  | { readonly kind: "trace"; readonly load: Load; readonly options: RunOptions }
  | {
      readonly kind: "recording";
      readonly subject: Subject;
      readonly load: RecordedLoad;
      readonly options: RecordingOptions;
    };

/** The simulation of it. */
export function courseOf(work: HostedWork): Course {
  return work.kind === "trace"
    ? traceCourse(work.load, work.options)
    : recordingCourse(work.subject, work.load, work.options);
}

/** The deployment of it. */
export function subjectIn(work: HostedWork): Subject {
  return work.kind === "trace" ? work.load.subject : work.subject;
}

/** One deployment, or several of an application whose policy decides for all, by their names. */
export interface HostedRequest {
  readonly works: readonly HostedWork[];
  readonly policy: OwnPolicy;
  /** Absolute folder that the policy's module path starts from. */
  readonly baseDir: string;
  readonly bundlesDir: string;
  /** Where the result goes. */
  readonly resultPath: string;
}

/** `error` is one line for users. */
export type HostedResult =
  | { readonly ok: true; readonly outcomes: ReadonlyMap<string, Outcome> }
  | { readonly ok: false; readonly error: string };
