/** The plans whose tokens still hold, in memory. */
import { stableJson } from "../config/versions.ts";
import { type Random, randomId } from "../core/random.ts";
import type { Basis } from "./plan-basis.ts";
import { builtPaths } from "./records.ts";
import type { BuiltCode, Writes } from "./writes.ts";

/** How long a token holds. */
export const PLAN_TTL_MS = 3_600_000;

/** Plans that are kept, the newest ones. */
export const MAX_PLANS = 32;

/** Characters of their configs together. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** A plan as it can be applied. */
export interface KeptPlan {
  readonly writes: Writes;
  readonly code: BuiltCode;
  readonly basis: Basis;
  /** Set once it was applied: when, and what was there right after. */
  readonly applied?: { readonly revision: number; readonly basis: Basis; readonly warnings: readonly string[] };
}

interface Entry {
  plan: KeptPlan;
  readonly expiresAt: number;
  readonly characters: number;
}

/** Keeps plans for an hour; a new one takes the place of the oldest where there are too many. */
export class PlanStore {
  readonly #random: Random;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Keeps a plan; returns its token. */
  keep(plan: KeptPlan, now: number): { token: string; expiresAt: number } {
    const token = `plan-${randomId(this.#random, 24)}`;
    const expiresAt = now + PLAN_TTL_MS;
    this.#entries.set(token, { plan, expiresAt, characters: stableJson(plan.writes.config).length });
    this.#prune(now);
    return { token, expiresAt };
  }

  /** The plan of a token; undefined where it never was, has ended or was crowded out. */
  find(token: string, now: number): KeptPlan | undefined {
    const entry = this.#entries.get(token);
    return entry === undefined || entry.expiresAt <= now ? undefined : entry.plan;
  }

  /** Notes that a plan was applied. */
  noteApplied(token: string, applied: NonNullable<KeptPlan["applied"]>): void {
    const entry = this.#entries.get(token);
    if (entry) entry.plan = { ...entry.plan, applied };
  }

  /** Paths of what the plans that hold were built to. */
  builtPaths(now: number): string[] {
    return [...this.#entries.values()]
      .filter(({ expiresAt }) => expiresAt > now)
      .flatMap(({ plan }) => [...plan.code.values()])
      .flatMap((result) => builtPaths({ ...result, inputsHash: "" }));
  }

  #prune(now: number): void {
    let characters = 0;
    let kept = 0;
    for (const [token, entry] of [...this.#entries].reverse()) {
      characters += entry.characters;
      const fits = kept === 0 || (kept < MAX_PLANS && characters <= MAX_CHARACTERS);
      if (entry.expiresAt > now && fits) kept += 1;
      else this.#entries.delete(token);
    }
  }
}
