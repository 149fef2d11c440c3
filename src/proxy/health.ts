/** What a proxy's health depends on. */
export interface HealthFacts {
  readonly draining: boolean;
  /** A table with routes was seen; later empty ones do not take that back. */
  readonly populated: boolean;
}

/** Why a proxy is not healthy, in the words that clients get; undefined: it is. */
export function unhealthyText({ draining, populated }: HealthFacts): string | undefined {
  if (draining) return "This node is being drained.";
  return populated ? undefined : "Route table is not populated yet.";
}
