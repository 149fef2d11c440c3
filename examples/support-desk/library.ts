import { readFileSync } from "node:fs";
import type { Topic } from "./classifier.ts";
import { wordsOf } from "./naive-bayes.ts";

interface Article {
  readonly title: string;
  readonly topic: string;
  readonly keywords: string;
}

/** Finds articles on a topic that may help, the best one first. */
export class Library {
  readonly #articles: Article[] = JSON.parse(readFileSync(new URL("./texts/articles.json", import.meta.url), "utf8"));

  find(text: string, { topic }: Topic): string[] {
    const words = new Set(wordsOf(text));
    const matches = ({ keywords }: Article): number => wordsOf(keywords).filter((word) => words.has(word)).length;
    return this.#articles
      .filter((article) => article.topic === topic)
      .sort((a, b) => matches(b) - matches(a))
      .map(({ title }) => title);
  }
}
