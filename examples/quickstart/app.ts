// Finds sentences, sentiment, dates and amounts of money in English text.
import { deployment, getReplicaContext } from "windlass";
import model from "wink-eng-lite-web-model";
import winkNLP from "wink-nlp";

const USAGE = `POST text, or JSON {"text": "..."}, to this address:

  curl -d 'I paid $25 on 3 March 2024. It was great!' http://127.0.0.1:8000/
`;

const MAX_CHARACTERS = 100_000;

interface Analysis {
  sentences: number;
  tokens: number;
  /** From -1, negative, to 1, positive. */
  sentiment: number;
  dates: string[];
  amounts: string[];
  /** Which replica did the work. */
  replica: string;
}

class Analyzer {
  readonly #nlp = winkNLP(model, ["sbd", "ner", "sentiment"]);

  async fetch(request: Request): Promise<Response> {
    if (request.method === "GET" || request.method === "HEAD") return new Response(USAGE);
    if (request.method !== "POST") return new Response(`${request.method} is not supported\n`, { status: 405 });
    const text = await readText(request);
    if (text === undefined) return problem('the body must be text or JSON {"text": "..."}');
    if (text.length > MAX_CHARACTERS)
      return problem(`the text has ${text.length} characters, the limit is ${MAX_CHARACTERS}`);
    return Response.json(this.analyze(text));
  }

  analyze(text: string): Analysis {
    const { its } = this.#nlp;
    const document = this.#nlp.readDoc(text);
    const entities = document.entities().out(its.detail) as unknown as { value: string; type: string }[];
    const ofType = (type: string) => entities.filter((entity) => entity.type === type).map((entity) => entity.value);
    return {
      sentences: document.sentences().length(),
      tokens: document.tokens().length(),
      sentiment: document.out(its.sentiment) as unknown as number,
      dates: ofType("DATE"),
      amounts: ofType("MONEY"),
      replica: getReplicaContext().replicaId,
    };
  }
}

async function readText(request: Request): Promise<string | undefined> {
  const body = await request.text();
  if (!request.headers.get("content-type")?.includes("json")) return body;
  try {
    const { text } = JSON.parse(body) as { text?: unknown };
    return typeof text === "string" ? text : undefined;
  } catch {
    return undefined;
  }
}

function problem(error: string): Response {
  return Response.json({ error }, { status: 400 });
}

export const app = deployment(Analyzer).bind();
