/** Which known key a mistyped one probably means. */

/** Edits (insert, delete, replace, swap neighbours) between two texts, by the optimal-alignment table. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The known key at most 2 edits away (1 for keys of up to 5 letters), or that differs only in case or dashes. */
export function suggestKey(key: string, known: readonly string[]): string | undefined {
  // Longer keys are no typos, and the table would grow with them.
  if (key.length > 80) return undefined;
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  let best: { key: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = plain(key) === plain(candidate) ? 0 : editDistance(key, candidate);
    const limit = Math.min(key.length, candidate.length) <= 5 ? 1 : 2;
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { key: candidate, distance };
  }
  return best?.key;
}
