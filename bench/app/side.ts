// What the comparison with others asks for: two bytes, bodies both ways, events, and a call to another deployment.
import { type DeploymentHandle, deployment } from "windlass";

const large = new Map<number, Uint8Array<ArrayBuffer>>();

/** Events of 32 bytes, each with a turn of the event loop of its own, as tokens come from a model. */
async function* events(count: number): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    yield encoder.encode(`data: ${String(i).padStart(24, "0")}\n\n`);
  }
}

async function answerAll(request: Request): Promise<Response> {
  const from = request.url.indexOf("/", 8);
  const query = request.url.indexOf("?", from);
  const path = request.url.slice(from, query === -1 ? undefined : query);
  const number = Number(request.url.slice(request.url.indexOf("=", from) + 1));
  if (path === "/up") return new Response(String((await request.arrayBuffer()).byteLength));
  if (path === "/down") {
    const body = large.get(number) ?? new Uint8Array(number).fill(120);
    large.set(number, body);
    return new Response(body);
  }
  if (path === "/sse") {
    const headers = { "content-type": "text/event-stream" };
    return new Response(ReadableStream.from(events(number)), { headers });
  }
  return new Response("ok");
}

class Answer {
  answer(question: string): string {
    return question;
  }
}

class Asker {
  readonly answer: DeploymentHandle<Answer>;

  constructor(answer: DeploymentHandle<Answer>) {
    this.answer = answer;
  }

  async fetch(): Promise<Response> {
    return new Response(await this.answer.answer.remote("ok"));
  }
}

export const side = deployment(answerAll, { name: "Side" }).bind();
export const chain = deployment(Asker, { name: "Asker" }).bind(deployment(Answer, { name: "Answer" }).bind());
