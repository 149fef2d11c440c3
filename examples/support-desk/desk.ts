import { type DeploymentHandle, isWebSocketRequest, upgradeWebSocket } from "windlass";
import type { Classifier } from "./classifier.ts";
import type { Languages } from "./languages.ts";
import type { Library } from "./library.ts";
import type { Redactor } from "./redactor.ts";

/** Words of an answer. */
const WORDS = 12;

export interface Backs {
  readonly redactor: DeploymentHandle<Redactor>;
  readonly classifier: DeploymentHandle<Classifier>;
  readonly library: DeploymentHandle<Library>;
  readonly languages: DeploymentHandle<Languages>;
}

/** Answers HTTP, websockets and gRPC by the same three methods, which are named as in desk.proto. */
export class Desk {
  readonly #backs: Backs;
  readonly #languages: readonly string[];

  constructor(backs: Backs, languages: readonly string[]) {
    this.#backs = backs;
    this.#languages = languages;
  }

  async sort({ text }: { text: string }) {
    const { redactor, classifier, library, languages } = this.#backs;
    // A chain: responses are arguments as they are, and nothing is waited for here.
    const clean = redactor.redact.remote(text);
    const topic = classifier.classify.remote(clean);
    const articles = library.find.remote(clean, topic);
    // A fan-out: every model is asked at the same time.
    const scores = await Promise.all(
      this.#languages.map((id) => languages.options({ multiplexedModelId: id }).score.remote(id, clean)),
    );
    const { language } = scores.reduce((best, each) => (each.score > best.score ? each : best));
    return { text: await clean, language, ...(await topic), articles: await articles, scores };
  }

  async *reply({ text }: { text: string }) {
    const { language } = await this.sort({ text });
    const model = this.#backs.languages.options({ stream: true, multiplexedModelId: language });
    let count = 0;
    for await (const word of model.write.remote(text, WORDS)) yield { text: word, last: ++count === WORDS };
  }

  async *converse(tickets: AsyncIterable<{ text: string }>) {
    for await (const ticket of tickets) yield* this.reply(ticket);
  }

  async fetch(request: Request): Promise<Response> {
    if (isWebSocketRequest(request)) return this.#talk(request);
    const { pathname, searchParams } = new URL(request.url);
    const text = request.method === "POST" ? await request.text() : (searchParams.get("text") ?? "");
    if (pathname.endsWith("/sort")) return Response.json(await this.sort({ text }));
    if (pathname.endsWith("/reply")) return sse(this.reply({ text }));
    return new Response("there are /sort, /reply and websockets\n", { status: 404 });
  }

  /** Each message of the client is a ticket, each of ours a word. */
  #talk(request: Request): Response {
    const { socket, response } = upgradeWebSocket(request);
    socket.onmessage = async ({ data }) => {
      for await (const word of this.reply({ text: String(data) })) socket.send(JSON.stringify(word));
    };
    return response;
  }
}

/** Server-sent events. A client that leaves ends the generator, and with it what was called for it. */
function sse(items: AsyncIterable<unknown>): Response {
  async function* events() {
    for await (const item of items) yield `data: ${JSON.stringify(item)}\n\n`;
  }
  return new Response(ReadableStream.from(events()).pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}
