// Requests that come at about the same time share one run of a model.
import { batch, deployment } from "windlass";

const GOOD = new Set(["good", "great", "fine", "happy"]);
const BAD = new Set(["bad", "poor", "sad", "late"]);

/** Stands for a model: a run costs about the same for one text and for eight. */
async function runModel(texts: readonly string[]): Promise<number[]> {
  return texts.map((text) =>
    text
      .toLowerCase()
      .split(/\W+/)
      .reduce((score, word) => score + Number(GOOD.has(word)) - Number(BAD.has(word)), 0),
  );
}

class Scorer {
  score = batch({ maxBatchSize: 8, batchWaitTimeoutS: 0.02 }, async (texts: string[]) => {
    const scores = await runModel(texts);
    return scores.map((score) => ({ score, together: texts.length }));
  });

  /** Called when `user_config` changes: batches follow at once. */
  reconfigure({ max_batch_size }: { max_batch_size: number }): void {
    this.score.setMaxBatchSize(max_batch_size);
  }

  /** Each `text` of the query is a call of its own, as if it came in a request of its own. */
  async fetch(request: Request): Promise<Response> {
    const texts = new URL(request.url).searchParams.getAll("text");
    return Response.json(await Promise.all(texts.map((text) => this.score(text))));
  }
}

export const app = deployment(Scorer, { maxOngoingRequests: 16 }).bind();
