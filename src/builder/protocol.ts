import type { BuildResult } from "../engine/engine.ts";

/**
 * How the local engine talks to a builder process: `builder <path>`, where the file at <path> holds a
 * BuilderRequest. The builder writes a BuilderOutcome to `resultPath` (whole or not at all, by rename) and exits 0.
 * Any other exit, or no file, is a crash of the builder.
 */
export interface BuilderRequest {
  /** `<module>:<export>`, or COMMAND_IMPORT_PATH: there is no code to build but that of policies. */
  readonly importPath: string;
  /** Absolute folder that a relative module path starts from, and where packages are looked for. */
  readonly baseDir: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Bundles go to `<bundlesDir>/<sha256>/app.mjs`; an existing one is reused. */
  readonly bundlesDir: string;
  readonly resultPath: string;
  /** Scaling policies of the config; see BuildRequest. Absent: none. */
  readonly policies?: readonly string[];
  readonly shadowPolicies?: readonly string[];
  /** Request routers of the config; see BuildRequest. Absent: none. */
  readonly routers?: readonly string[];
  /** Zips to fetch first; absent: none. */
  readonly workingDirs?: WorkingDirRequest;
}

/** The zips of `runtime_env.working_dir` that an application needs. */
export interface WorkingDirRequest {
  readonly uris: readonly string[];
  /** Which of them the import path is resolved in; null: `baseDir`. */
  readonly code: string | null;
  /** They are unpacked to `<folder>/<sha256 of the zip>`; an existing one is reused. */
  readonly folder: string;
}

/** `error` is one line for the user, with file:line where there is one. */
export type BuilderOutcome =
  | { readonly ok: true; readonly result: BuildResult }
  | { readonly ok: false; readonly error: string };
