import { access, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { getReplicaContext, getRequestContext, multiplexed } from "windlass";
import { LanguageModel } from "./language-model.ts";

const TEXTS = new URL("./texts/", import.meta.url);

export interface LanguageScore {
  readonly language: string;
  readonly score: number;
  readonly replica: string;
}

/** Scores and writes texts by one model for each language, of which a replica has two at a time. */
export class Languages {
  #wordMs = 0;
  #writing = 0;

  model = multiplexed({ maxNumModelsPerReplica: 2 }, async (language: string) => {
    return new LanguageModel(await readFile(new URL(`${language}.txt`, TEXTS), "utf8"));
  });

  /** Called at the start and when `user_config` changes: answers that are being written follow at once. */
  reconfigure({ word_ms }: { word_ms: number }): void {
    this.#wordMs = word_ms;
  }

  /** Called now and then; a replica that throws is replaced. */
  async checkHealth(): Promise<void> {
    await access(TEXTS);
  }

  /** What the policy in policy.ts scales by. */
  recordAutoscalingStats(): Record<string, number> {
    return { writing: this.#writing };
  }

  async score(language: string, text: string): Promise<LanguageScore> {
    const model = await this.model(language);
    return { language, score: model.score(text), replica: getReplicaContext().replicaId };
  }

  /** The words of an answer, each as soon as it is there; in the language whose model the call asks for. */
  async *write(prompt: string, count: number): AsyncGenerator<string> {
    const model = await this.model();
    const { signal, requestId } = getRequestContext()!;
    let written = 0;
    this.#writing += 1;
    try {
      for (const word of model.write(prompt, count)) {
        // Nobody waits any more: the wait ends and throws.
        await sleep(this.#wordMs, undefined, { signal });
        yield word;
        written += 1;
      }
    } finally {
      this.#writing -= 1;
      if (signal.aborted) console.log(`${requestId}: nobody reads on after ${written} words`);
    }
  }
}
