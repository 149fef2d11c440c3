/** Which of two revisions of an application a request goes to. Pure. */
import type { Random } from "../core/random.ts";

/** How requests are shared while a canary runs (windlass.runtime.v1.Split as numbers). */
export interface SplitRule {
  readonly stableRevision: number;
  readonly canaryRevision: number;
  /** Percent of the requests that go to the canary. */
  readonly weight: number;
  /** Lower case; empty: each request is drawn. */
  readonly stickyHeader: string;
}

/**
 * The revision a request goes to. With a value to stick to it is a matter of that value alone: as the weight grows,
 * values move to the canary and none moves back. Without one it is drawn.
 */
export function chooseRevision(split: SplitRule, stickyValue: string | undefined, random: Random): number {
  const { stableRevision, canaryRevision, weight } = split;
  const at = stickyValue === undefined ? random.next() * 100 : percentOf(`${canaryRevision}/${stickyValue}`);
  return at < weight ? canaryRevision : stableRevision;
}

/** The revision that a caller names, where it is one of the two. */
export function namedRevision(split: SplitRule, name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  const { stableRevision, canaryRevision } = split;
  return [stableRevision, canaryRevision].find((revision) => String(revision) === name);
}

/** The revision of a call that would like `wanted`: that one, where it is one of the two, else drawn. */
export function revisionOfCall(split: SplitRule, wanted: number, random: Random): number {
  return wanted === split.stableRevision || wanted === split.canaryRevision
    ? wanted
    : chooseRevision(split, undefined, random);
}

/** Spreads texts evenly over 0 to 100: FNV-1a with murmur's last mixing, as FNV alone spreads short texts badly. */
function percentOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32) * 100;
}
