/** Ordinary clients of examples/support-desk, for each way in. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SupportDesk, TicketSchema, WordSchema } from "../../examples/support-desk/desk_pb.ts";
import { grpcClient, openBidi } from "./grpc-client.ts";
import type { Windlass } from "./windlass.ts";

/** A word of an answer. */
export interface Word {
  readonly text: string;
  readonly last: boolean;
}

/** What a ticket is about. */
export interface Sorted {
  readonly text: string;
  readonly language: string;
  readonly topic: string;
  readonly batchSize: number;
  readonly articles: string[];
  readonly scores: { language: string; score: number; replica: string }[];
}

/** Connect's client over gRPC, on a connection of its own. */
export function connectClient({ grpc }: Windlass): Client<typeof SupportDesk> {
  return createClient(SupportDesk, createGrpcTransport({ baseUrl: `http://${grpc}` }));
}

/** The answer to a ticket over HTTP. Rejects unless it is 200. */
export async function sortByHttp({ http }: Windlass, text: string, method: "GET" | "POST"): Promise<Sorted> {
  const url = `${http}/desk/sort${method === "GET" ? `?text=${encodeURIComponent(text)}` : ""}`;
  const response = await fetch(url, method === "POST" ? { method, body: text } : {});
  const body = await response.text();
  if (response.status !== 200) throw new Error(`${method} ${response.status}: ${body}`);
  return JSON.parse(body) as Sorted;
}

/** Words over server-sent events, and the id of the request. */
export async function openSse(
  { http }: Windlass,
  text: string,
): Promise<{ requestId: string; words: AsyncGenerator<Word> }> {
  const response = await fetch(`${http}/desk/reply?text=${encodeURIComponent(text)}`);
  if (response.status !== 200) throw new Error(`SSE ${response.status}: ${await response.text()}`);
  return { requestId: response.headers.get("x-request-id")!, words: eventsOf(response) };
}

async function* eventsOf(response: Response): AsyncGenerator<Word> {
  let rest = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split("\n\n");
    rest = events.pop()!;
    for (const event of events) yield JSON.parse(event.replace(/^data: /, "")) as Word;
  }
}

/** The words of one answer over a websocket that stays open for it alone. Rejects when it closes before the last one. */
export function wordsByWebsocket({ http }: Windlass, text: string): Promise<string[]> {
  const socket = new WebSocket(`${http.replace("http", "ws")}/desk/live`);
  const words: string[] = [];
  return new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(text);
    socket.onmessage = ({ data }) => {
      const word = JSON.parse(data as string) as Word;
      words.push(word.text);
      if (!word.last) return;
      resolve(words);
      socket.close();
    };
    socket.onclose = ({ code }) => reject(new Error(`websocket closed with ${code}`));
    socket.onerror = () => {};
  });
}

/** A conversation over grpc-js: send tickets, read the words that came. */
export function converse({ grpc }: Windlass, requestId: string) {
  const { call, answer } = openBidi(grpcClient(grpc), "/desk.v1.SupportDesk/Converse", { request_id: requestId });
  const messages: Word[] = [];
  call.on("data", (bytes: Buffer) => void messages.push(fromBinary(WordSchema, bytes)));
  const send = (text: string): void =>
    void call.write(Buffer.from(toBinary(TicketSchema, create(TicketSchema, { text }))));
  return { call, answer, messages, send };
}
