import { type ClientHttp2Session, connect, constants } from "node:http2";
import { Agent, request } from "node:https";
import { onTestFinished } from "vitest";

/** What {@link BothHttp.ask} sends. */
export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
  readonly signal?: AbortSignal;
}

/** What came of it. */
export interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
  /** The answer did not come whole. */
  readonly cut: boolean;
}

/** A client over TLS, of one version of HTTP. */
export interface BothHttp {
  ask(options?: Asked): Promise<Told>;
  /** Asks and reads nothing of the answer's body; `leave` breaks off. Resolves at the head. */
  pausedReader(): Promise<{ leave(): void }>;
  /** Of HTTP/2 only. */
  readonly session: ClientHttp2Session | undefined;
}

/** Options of TLS. */
export interface Trust {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Both versions, for table tests. */
export const VERSIONS = ["1.1", "2"] as const;

/** A client of a port on 127.0.0.1; it ends with the test. */
export function client(version: (typeof VERSIONS)[number], port: number, trust: Trust): BothHttp {
  return version === "2" ? overHttp2(port, trust) : overHttp1(port, trust);
}

function overHttp1(port: number, trust: Trust): BothHttp {
  const agent = new Agent({ keepAlive: true, ALPNProtocols: ["http/1.1"], ...trust });
  onTestFinished(() => agent.destroy());
  return {
    session: undefined,
    pausedReader: () =>
      new Promise((resolve, reject) => {
        const req = request({ agent, host: "127.0.0.1", port }, (res) => {
          res.on("error", () => {});
          resolve({ leave: () => void res.destroy() });
        });
        req.on("error", reject).end();
      }),
    ask: ({ method = "GET", path = "/", headers = {}, body, signal } = {}) =>
      new Promise((resolve, reject) => {
        const sent = { agent, host: "127.0.0.1", port, method, path, headers: { ...headers } };
        const req = request({ ...sent, ...(signal === undefined ? {} : { signal }) }, (res) => {
          const chunks: Buffer[] = [];
          const told = (cut: boolean): void =>
            resolve({
              status: res.statusCode!,
              headers: res.headers,
              body: Buffer.concat(chunks),
              trailers: res.trailers,
              cut,
            });
          res.on("data", (chunk: Buffer) => chunks.push(chunk));
          res.on("end", () => told(false));
          res.on("error", () => told(true));
        });
        req.on("error", reject);
        if (headers["expect"] !== undefined) req.on("continue", () => void send(req, body));
        else void send(req, body);
      }),
  };
}

function overHttp2(port: number, trust: Trust): BothHttp {
  const session = connect(`https://127.0.0.1:${port}`, { ...trust });
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return {
    session,
    pausedReader: () =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":path": "/" });
        stream.on("error", reject);
        stream.once("response", () => resolve({ leave: () => stream.close(constants.NGHTTP2_CANCEL) }));
      }),
    ask: ({ method = "GET", path = "/", headers = {}, body, signal } = {}) =>
      new Promise((resolve, reject) => {
        const head = { ":method": method, ":path": path, ...headers };
        const stream = session.request(head, {
          endStream: body === undefined,
          ...(signal === undefined ? {} : { signal }),
        });
        const chunks: Buffer[] = [];
        let trailers: Told["trailers"] = {};
        stream.on("trailers", (given) => {
          trailers = Object.fromEntries(Object.entries(given));
        });
        let answer: Record<string, string | string[] | undefined> | undefined;
        stream.on("response", (given) => {
          answer = given as typeof answer;
        });
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("error", (error) => {
          if (answer === undefined) reject(error);
        });
        stream.on("close", () => {
          if (answer === undefined) {
            reject(new Error(`closed with ${stream.rstCode}`));
            return;
          }
          const status = Number(answer[":status"]);
          const cut = stream.rstCode !== constants.NGHTTP2_NO_ERROR;
          resolve({ status, headers: answer, body: Buffer.concat(chunks), trailers, cut });
        });
        if (headers["expect"] !== undefined) stream.on("continue", () => void send(stream, body));
        else if (body !== undefined) void send(stream, body);
      }),
  };
}

async function send(to: NodeJS.WritableStream, body: Asked["body"]): Promise<void> {
  if (body === undefined || typeof body === "string" || Buffer.isBuffer(body)) {
    if (body === undefined) to.end();
    else to.end(body);
    return;
  }
  for await (const chunk of body) {
    if (!(to as { writable?: boolean }).writable) return;
    if (!to.write(chunk)) await drained(to);
  }
  to.end();
}

/** Resolves when a stream takes more, or never will. */
export function drained(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}
