/** Pairs that one cache holds at most; then it begins anew. */
const LIMIT = 100_000;

/**
 * Remembers what `make` makes of two names. What is asked for all the time is then made once, and is the same string
 * object each time, which maps find faster than an equal one.
 */
export function interned(make: (first: string, second: string) => string): (first: string, second: string) => string {
  const known = new Map<string, Map<string, string>>();
  let size = 0;
  return (first, second) => {
    let own = known.get(first);
    const found = own?.get(second);
    if (found !== undefined) return found;
    if (size === LIMIT) {
      known.clear();
      own = undefined;
      size = 0;
    }
    if (own === undefined) {
      own = new Map();
      known.set(first, own);
    }
    const made = make(first, second);
    own.set(second, made);
    size += 1;
    return made;
  };
}
