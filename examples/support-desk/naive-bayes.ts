/** Words of a text, in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? [];
}

/** Finds the class whose examples make a text the likeliest; each word counts for itself. */
export class NaiveBayes {
  readonly #classes: { readonly name: string; readonly counts: Map<string, number>; readonly total: number }[];
  readonly #vocabulary: number;

  constructor(examples: Record<string, readonly string[]>) {
    this.#classes = Object.entries(examples).map(([name, texts]) => {
      const words = texts.flatMap(wordsOf);
      const counts = new Map<string, number>();
      for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
      return { name, counts, total: words.length };
    });
    this.#vocabulary = new Set(this.#classes.flatMap(({ counts }) => [...counts.keys()])).size;
  }

  classify(text: string): string {
    const words = wordsOf(text);
    const likelihoods = this.#classes.map(({ name, counts, total }) => {
      // One is added to each count: a word that was never seen must not rule a class out.
      const terms = words.map((word) => Math.log(((counts.get(word) ?? 0) + 1) / (total + this.#vocabulary)));
      return { name, likelihood: terms.reduce((sum, term) => sum + term, 0) };
    });
    return likelihoods.reduce((best, each) => (each.likelihood > best.likelihood ? each : best)).name;
  }
}
