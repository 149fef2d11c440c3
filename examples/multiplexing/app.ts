// One deployment for many models: each replica has a few, and requests go to replicas that have theirs.
import { deployment, getReplicaContext, multiplexed } from "windlass";

const WORDS: Record<string, Record<string, string>> = {
  fr: { river: "fleuve", forest: "forêt" },
  de: { river: "Fluss", forest: "Wald" },
  it: { river: "fiume", forest: "foresta" },
  es: { river: "río", forest: "bosque" },
};

class Translator {
  model = multiplexed({ maxNumModelsPerReplica: 2 }, async (language: string) => {
    const words = WORDS[language];
    if (words === undefined) throw new Error(`no model for "${language}"`);
    console.log("loaded", language);
    return {
      translate: (word: string) => words[word] ?? word,
      [Symbol.dispose]: () => console.log("unloaded", language),
    };
  });

  async fetch(request: Request): Promise<Response> {
    const word = new URL(request.url).searchParams.get("word") ?? "";
    const model = await this.model();
    return Response.json({ word: model.translate(word), replica: getReplicaContext().replicaId });
  }
}

export const app = deployment(Translator, { numReplicas: 2 }).bind();
