import { readFile } from "node:fs/promises";
import { batch } from "windlass";
import { NaiveBayes } from "./naive-bayes.ts";

export interface Topic {
  readonly topic: string;
  /** Texts in the same run of the model. */
  readonly batchSize: number;
}

/** Tells the topic of texts; those that come at about the same time share a run of the model. */
export class Classifier {
  #model: NaiveBayes | undefined;

  classify = batch({ maxBatchSize: 8, batchWaitTimeoutS: 0.02 }, async (texts: string[]): Promise<Topic[]> => {
    const model = await this.#load();
    return texts.map((text) => ({ topic: model.classify(text), batchSize: texts.length }));
  });

  /** Called at the start and when `user_config` changes: batches follow at once. */
  reconfigure({ max_batch_size }: { max_batch_size: number }): void {
    this.classify.setMaxBatchSize(max_batch_size);
  }

  async #load(): Promise<NaiveBayes> {
    this.#model ??= new NaiveBayes(
      JSON.parse(await readFile(new URL("./texts/tickets.json", import.meta.url), "utf8")),
    );
    return this.#model;
  }
}
