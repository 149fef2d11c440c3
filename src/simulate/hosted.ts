/** What a process that runs a user's policy is given to simulate, and what it answers: plain data, for `v8.serialize`. */
import type { Course } from "./course.ts";
import type { Outcome } from "./deployment.ts";
import { type RecordedLoad, type RecordingOptions, recordingCourse } from "./recording.ts";
import { type Load, type RunOptions, traceCourse } from "./run.ts";
import type { Subject } from "./subject.ts";

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

/** A deployment whose policy is to be run. */
export interface HostedRequest {
  readonly work: HostedWork;
  /** Absolute folder that the policy's module path starts from. */
  readonly baseDir: string;
  readonly bundlesDir: string;
  /** Where the result goes. */
  readonly resultPath: string;
}

/** `error` is one line for users. */
export type HostedResult =
  | { readonly ok: true; readonly outcome: Outcome }
  | { readonly ok: false; readonly error: string };
