// A summarizer that has its summary translated by another deployment. Models would take the place of the two simple
// methods; the shape stays.
import { readFileSync } from "node:fs";
import { type DeploymentHandle, deployment } from "windlass";

/** Words by language, from a file that lies beside this one in the zip. */
const PHRASES: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(new URL("./phrases.json", import.meta.url), "utf8"),
);

class Translator {
  #words: Record<string, string> = {};

  /** Called when `user_config` changes, without a restart. */
  reconfigure({ language }: { language: string }): void {
    const words = PHRASES[language];
    if (!words) throw new Error(`language "${language}" is not one of ${Object.keys(PHRASES).join(", ")}`);
    this.#words = words;
  }

  translate(text: string): string {
    return text.replace(/\p{L}+/gu, (word) => this.#words[word.toLowerCase()] ?? word);
  }
}

class Summarizer {
  readonly #translator: DeploymentHandle<Translator>;

  constructor(translator: DeploymentHandle<Translator>) {
    this.#translator = translator;
  }

  async fetch(request: Request): Promise<Response> {
    const summary = this.summarize(await request.text());
    return Response.json({ summary: await this.#translator.translate.remote(summary) });
  }

  /** The sentence whose words are the most frequent in the text. */
  summarize(text: string): string {
    const sentences = text.match(/[^.!?]+[.!?]*/g)?.map((sentence) => sentence.trim()) ?? [""];
    const wordsOf = (sentence: string): string[] => sentence.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
    const counts = new Map<string, number>();
    for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const weight = (sentence: string): number =>
      wordsOf(sentence).reduce((sum, word) => sum + counts.get(word)!, 0) / (wordsOf(sentence).length || 1);
    return sentences.reduce((best, sentence) => (weight(sentence) > weight(best) ? sentence : best));
  }
}

export const app = deployment(Summarizer).bind(deployment(Translator).bind());
