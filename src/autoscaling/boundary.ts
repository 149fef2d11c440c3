/** Until when turns may be skipped because they would decide the same. */
import { type LoadCurve, valueAt } from "./aggregate.ts";
import type { Decision } from "./decide.ts";
import { DELAY_TOLERANCE_S } from "./delay.ts";
import { scaleStep } from "./factor.ts";
import { desiredByRequests } from "./policy.ts";

/** Wall clocks past this, 2^30 s (year 2004), are multiples of 2^-22 s as doubles, the grid of the exact case below. */
const GRID_FROM_S = 2 ** 30;
const GRID = 2 ** 22;
/** Areas and lengths, levels and tails below these keep all sums on the grid within 53 bits. */
const EXACT_AREA = 2 ** 30;
const EXACT_LEVEL = 2 ** 11;
const EXACT_TAIL_S = 2 ** 19;
/** Outside the exact case a mean is off by some 2^-51 of its value; this is wide of it. */
const ROUNDING = 1e-12;
/** How exactly the boundary is searched for: it is only ever found too early. */
const SEARCH_S = 0.01;
const SEARCH_LIMIT_S = 86_400;

/**
 * Until when (epoch seconds, exclusive; Infinity: for ever) each turn of the built-in policy decides the same as
 * `decision`, with the same wait pending, given that no report comes or goes, no replica starts or stops, the target
 * stays and the clock is not set back. Not later than `decision.atS` when nothing is proven, as for users' policies: the
 * next turn must decide.
 * `curve` is the load the decision was made on.
 */
export function constantUntilS(decision: Decision, curve: LoadCurve): number {
  const { atS } = decision;
  if (decision.policy !== "built-in" || decision.kind === "kept") return atS;
  let untilS = sameWishUntilS(decision, curve);
  if (decision.kind === "cold-start" || untilS <= atS) return untilS;
  if (decision.delayS !== null) {
    // It fired: a new wait begins with the very next turn.
    if (decision.delay.kind === "none") return atS;
    const firesS = decision.delay.sinceS + decision.delayS - DELAY_TOLERANCE_S;
    // Early by more than the rounding of the comparison.
    untilS = Math.min(untilS, firesS - DELAY_TOLERANCE_S - Math.abs(firesS) * 2 ** -50);
  }
  return untilS;
}

/** Whether a wish ends at a bound however long it lasts, so that its wait, which begins again and again, is of no account. */
export function isFutile(decision: Decision): boolean {
  if (decision.kind !== "steered" || decision.delayS === null || decision.result !== decision.target) return false;
  const { scaled, shownTarget, target, rules } = decision;
  return scaled < shownTarget ? target <= rules.lower : target >= rules.upper;
}

/** Until when the load leads to the same wish; the wish follows the load without ever turning back. */
function sameWishUntilS(decision: Decision, curve: LoadCurve): number {
  const { atS, total } = decision;
  if (curve.kind === "level") return Number.POSITIVE_INFINITY;
  // Turns before the last change, by a clock that lags behind, all take the same short tail.
  if (atS <= curve.atS) return curve.atS;
  const wish = (load: number): number => wishFor(decision, load);
  const { area, lengthS, level } = curve;
  const onGrid =
    curve.atS >= GRID_FROM_S &&
    Number.isInteger(area * GRID) &&
    Number.isInteger(lengthS * GRID) &&
    Number.isInteger(level) &&
    Math.abs(area) <= EXACT_AREA &&
    lengthS <= EXACT_AREA &&
    Math.abs(level) <= EXACT_LEVEL;
  // On the grid the mean is one correctly rounded quotient, so it moves from `total` to `level` without turning back.
  // Elsewhere it may stray from that way by its rounding, of which only sums without negative parts are sure.
  if (!onGrid && (area < 0 || level < 0)) return atS;
  const margin = onGrid ? 0 : ROUNDING;
  const same = (end: number): boolean => {
    const low = Math.min(total, end);
    const high = Math.max(total, end);
    return wish(low - Math.abs(low) * margin) === wish(high + Math.abs(high) * margin);
  };
  if (!same(total)) return atS;
  const endS = onGrid ? curve.atS + EXACT_TAIL_S : Number.POSITIVE_INFINITY;
  if (endS <= atS) return atS;
  if (same(level)) return endS;
  let lowS = atS;
  let highS = Math.min(endS, atS + SEARCH_LIMIT_S);
  if (same(valueAt(curve, highS))) return highS;
  while (highS - lowS > SEARCH_S) {
    const middleS = (lowS + highS) / 2;
    if (same(valueAt(curve, middleS))) lowS = middleS;
    else highS = middleS;
  }
  return lowS;
}

/** What is wished at a load: a whole number, or which way a deployment goes of which nothing runs. Never falls with it. */
function wishFor({ rules, running, shownTarget }: Decision, load: number): number {
  if (running === 0) return load > 0 ? 1 : 0;
  return scaleStep(desiredByRequests(load, running, shownTarget, rules.targetOngoingRequests), running, rules);
}
