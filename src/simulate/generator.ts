import type { Random } from "../core/random.ts";

/** Chance that can be repeated: `seed`, a whole number below 2^32, decides all (the SFC32 generator). */
export function generator(seed: number): Random {
  let a = seed | 0;
  let b = 0x9e3779b9 | 0;
  let c = 0x243f6a88 | 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  // Seeds that are alike must not begin alike.
  for (let i = 0; i < 12; i++) next();
  return { next };
}
