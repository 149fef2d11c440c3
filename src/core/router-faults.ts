/** Faults of a user's request router, summed: told by those who route, taken in by the controller. Pure. */

/** How the request router of a deployment failed since the last word (windlass.runtime.v1.RouterFaults). */
export interface RouterFaultSum {
  readonly application: string;
  readonly deployment: string;
  /** Tells one version of its code and arguments from the next; see {@link routerVersion}. */
  readonly version: string;
  /** `load`, `error`, `late`, `nonsense` or `hook`. */
  readonly reason: string;
  /** The newest error in one line. */
  readonly error: string;
  /** How many faults, at least 1. */
  readonly count: number;
}

/** The version of a router: bundles are named after what is in them. `kwargsJson`: "" without arguments. */
export function routerVersion(bundlePath: string, kwargsJson: string): string {
  return `${bundlePath} ${kwargsJson}`;
}

/**
 * What two sums on the same deployment come to. Those of another version than the later one's are forgotten, and a hook
 * that failed does not hide what failed requests.
 */
export function addFaults(before: RouterFaultSum | undefined, later: RouterFaultSum): RouterFaultSum {
  if (before === undefined || before.version !== later.version) return later;
  const { reason, error } = later.reason === "hook" && before.reason !== "hook" ? before : later;
  return { ...later, reason, error, count: before.count + later.count };
}
