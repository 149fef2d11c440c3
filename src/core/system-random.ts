import type { Random } from "./random.ts";

/** The real source of chance. */
export const systemRandom: Random = { next: () => Math.random() };
