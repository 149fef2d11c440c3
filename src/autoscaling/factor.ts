/** How far one decision goes towards what the policy wants. */

/** Multiplies each step up and down. */
export interface Factors {
  readonly upFactor: number;
  readonly downFactor: number;
}

/**
 * The whole number of replicas after scaling the step from `running` to `desired` (any number) by its factor. May be
 * negative. A wish for at least one replica less goes down by at least one, however small the factor.
 */
export function scaleStep(desired: number, running: number, factors: Factors): number {
  const wanted = Math.ceil(desired);
  // The sums with 0 make -0, which Math.ceil gives, a plain 0.
  if (running === 0) return wanted + 0;
  const step = desired - running;
  if (step === 0) return running;
  const factor = step > 0 ? factors.upFactor : factors.downFactor;
  const scaled = Math.ceil(running + factor * step);
  return (wanted < running && scaled === running ? scaled - 1 : scaled) + 0;
}
