/**
 * The length of a queue that lies in Redis as lists. The client libraries weigh megabytes in every installation, and
 * none of their work is needed here: each reply to these commands is one line.
 */
import { createConnection, isIP, type Socket } from "node:net";
import { connect } from "node:tls";
import type { QueueKwargs } from "../config/queue-kwargs.ts";

/** Celery keeps messages of higher priorities in lists of their own beside the one that has the queue's name. */
const PRIORITY_SUFFIXES = ["", "\x06\x163", "\x06\x166", "\x06\x169"];
const DEFAULT_PORT = 6379;
/** A reply is a number, or what is wrong. */
const MAX_REPLY_BYTES = 16 * 1024;

/** Messages in the queue, of all priorities; a queue that is not there is empty. Throws what the broker or the network says. */
export async function redisLength({ broker_url, queue_name }: QueueKwargs, signal: AbortSignal): Promise<number> {
  const url = new URL(broker_url);
  const [user, password] = [url.username, url.password].map(decodeURIComponent) as [string, string];
  const database = url.pathname.slice(1);
  const before = [
    ...(password === "" ? [] : [["AUTH", ...(user === "" ? [] : [user]), password]]),
    ...(Number(database) === 0 ? [] : [["SELECT", database]]),
  ];
  const lengths = PRIORITY_SUFFIXES.map((suffix) => ["LLEN", queue_name + suffix]);
  const replies = await converse(connectTo(url), [...before, ...lengths], signal);
  return replies.slice(before.length).reduce((sum, reply) => sum + lengthIn(reply), 0);
}

function connectTo(url: URL): Socket {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? DEFAULT_PORT : Number(url.port);
  if (url.protocol === "redis:") return createConnection({ host, port });
  return connect({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}) });
}

function lengthIn(reply: string): number {
  if (/^:\d+$/.test(reply)) return Number(reply.slice(1));
  throw new Error(`the broker answered ${JSON.stringify(reply.slice(0, 100))}, which is no length of a list`);
}

/** Sends commands in one go and returns a line for each. Throws at the first that is an error. */
function converse(socket: Socket, commands: readonly (readonly string[])[], signal: AbortSignal): Promise<string[]> {
  return new Promise((resolve, reject) => {
    let read = "";
    const end = (result: string[] | Error): void => {
      signal.removeEventListener("abort", abort);
      socket.destroy();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const abort = (): void => end(new Error("aborted"));
    signal.addEventListener("abort", abort, { once: true });
    socket.on("error", end);
    socket.on("close", () => end(new Error("the connection was closed before an answer")));
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      read += chunk;
      const lines = read.split("\r\n").slice(0, -1);
      const refusal = lines.find((line) => line.startsWith("-"));
      if (refusal !== undefined) end(new Error(`the broker says ${JSON.stringify(refusal.slice(1, 200))}`));
      else if (lines.length >= commands.length) end(lines.slice(0, commands.length));
      else if (read.length > MAX_REPLY_BYTES) end(new Error("the answer is not one of Redis"));
    });
    socket.write(commands.map(encoded).join(""));
  });
}

/** A list of strings in Redis's protocol. */
function encoded(command: readonly string[]): string {
  return `*${command.length}\r\n${command.map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`).join("")}`;
}
