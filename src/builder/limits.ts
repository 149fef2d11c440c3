import { BuildError } from "./resolve.ts";

/** What a `runtime_env.working_dir` may cost. */
export interface ZipLimits {
  /** Bytes of the zip itself. */
  readonly zipBytes: number;
  /** Bytes of all files in it, unpacked. */
  readonly unpackedBytes: number;
  /** Files and folders in it. */
  readonly entries: number;
  /** Milliseconds the whole download may take. */
  readonly downloadMs: number;
  /** Milliseconds a server may be silent, before its answer and within it. */
  readonly silenceMs: number;
  readonly redirects: number;
}

const MIB = 1024 * 1024;

/** The limits in force. Together with a slow import a build stays below the two minutes the engine grants it. */
export const ZIP_LIMITS: ZipLimits = {
  zipBytes: 256 * MIB,
  unpackedBytes: 1024 * MIB,
  entries: 50_000,
  downloadMs: 60_000,
  silenceMs: 15_000,
  redirects: 5,
};

/** A size in an error: "256 MiB", "1.5 MiB", "800 bytes". */
export function showBytes(bytes: number): string {
  if (bytes < MIB) return `${bytes} bytes`;
  return `${Math.round((bytes / MIB) * 10) / 10} MiB`;
}

/** The error of a zip that is larger than it may be. */
export function zipTooLarge(limits: ZipLimits): BuildError {
  return new BuildError(
    `is larger than the limit of ${showBytes(limits.zipBytes)}: leave out what the application does not need`,
  );
}
