/** Chance as a dependency. Not for secrets: those come from node:crypto where they are made. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

const ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** A random id of lower-case letters and digits. */
export function randomId(random: Random, length: number): string {
  let id = "";
  for (let i = 0; i < length; i++) id += ID_ALPHABET[Math.floor(random.next() * ID_ALPHABET.length)];
  return id;
}

/** Uniform integer in [0, bound). */
export function randomInt(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}
