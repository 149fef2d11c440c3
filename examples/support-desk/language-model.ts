/** What three letters in a row tell of a language, and which words follow which. Learned from one text. */
export class LanguageModel {
  readonly #trigrams = new Map<string, number>();
  readonly #followers = new Map<string, string[]>();
  readonly #starts: string[] = [];

  constructor(text: string) {
    for (const trigram of trigramsOf(text)) this.#trigrams.set(trigram, (this.#trigrams.get(trigram) ?? 0) + 1);
    for (const sentence of text.split("\n").filter((line) => line !== "")) {
      const words = sentence.split(" ");
      this.#starts.push(words[0]!);
      for (const [i, word] of words.slice(1).entries()) {
        const followers = this.#followers.get(words[i]!) ?? [];
        this.#followers.set(words[i]!, [...followers, word]);
      }
    }
  }

  /** How likely the text is in this language: the mean logarithm over its trigrams, at most 0. */
  score(text: string): number {
    const trigrams = trigramsOf(text);
    const total = this.#trigrams.size + trigrams.length;
    const terms = trigrams.map((trigram) => Math.log(((this.#trigrams.get(trigram) ?? 0) + 1) / total));
    return terms.reduce((sum, term) => sum + term, 0) / (terms.length || 1);
  }

  /** Words as they may follow each other; the same for the same prompt. */
  *write(prompt: string, count: number): Generator<string> {
    let choices = this.#starts;
    for (let i = 0; i < count; i++) {
      const word = choices[hash(`${i} ${prompt}`) % choices.length]!;
      yield word;
      choices = this.#followers.get(word) ?? this.#starts;
    }
  }
}

function trigramsOf(text: string): string[] {
  const letters = ` ${text.toLowerCase().replace(/[^\p{L}]+/gu, " ")} `;
  return Array.from({ length: Math.max(letters.length - 2, 0) }, (_, i) => letters.slice(i, i + 3));
}

/** FNV-1a. */
function hash(text: string): number {
  return [...text].reduce((sum, letter) => Math.imul(sum ^ letter.codePointAt(0)!, 0x01000193) >>> 0, 0x811c9dc5);
}
