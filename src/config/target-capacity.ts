/** What the instance-wide `target_capacity` does to replica counts. */

/** Whether capacity is being raised or lowered; null when no capacity is set. */
export type CapacityDirection = "UP" | "DOWN" | null;

/** The part of a config that decides the direction. */
export interface CapacityState {
  readonly applications: readonly string[];
  readonly targetCapacity: number | null;
}

/** `n` replicas at `percent` (0 to 100, null is 100): rounded half up, at least 1 unless `n` or `percent` is 0. */
export function applyTargetCapacity(n: number, percent: number | null): number {
  if (percent === null || percent === 100) return n;
  if (percent === 0 || n === 0) return 0;
  return Math.max(1, Math.floor((n * percent) / 100 + 0.5));
}

/**
 * The direction once `next` replaces `current` (null: there was none), given the direction so far. Between configs
 * with the same application names it follows the percentage; a config with other names starts afresh.
 */
export function targetCapacityDirection(
  current: CapacityState | null,
  next: CapacityState,
  previous: CapacityDirection,
): CapacityDirection {
  const same = current !== null && sameNames(current.applications, next.applications);
  if (same && next.targetCapacity === current.targetCapacity) return previous;
  if (next.targetCapacity === null) return null;
  if (!same) return "UP";
  return current.targetCapacity !== null && next.targetCapacity > current.targetCapacity ? "UP" : "DOWN";
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  const names = new Set(a);
  return names.size === new Set(b).size && b.every((name) => names.has(name));
}
