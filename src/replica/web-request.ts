import type { IncomingMessage } from "node:http";

/** Bytes of a request body that may lie unread in memory. */
const HIGH_WATER_BYTES = 65_536;

/** Headers that concern the connection to the router, not the application. */
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"]);

/**
 * The web request that user code sees. The body is read from the socket only as user code reads it.
 * Throws a TypeError for methods and URLs that a web Request cannot express.
 */
export function toWebRequest(message: IncomingMessage, scope: { readonly signal: AbortSignal }): Request {
  const method = message.method ?? "GET";
  const url = `http://${message.headers.host ?? "localhost"}${message.url}`;
  // Pairs, not Headers: the constructor would copy those once more.
  const headers: [string, string][] = [];
  const raw = message.rawHeaders;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!HOP.has(name) && !name.startsWith("x-windlass-")) headers.push([name, raw[i + 1]!]);
  }
  const init: RequestInit & { duplex?: "half" } = { method, headers };
  if (method !== "GET" && method !== "HEAD" && hasBody(message)) {
    init.body = bodyOf(message);
    init.duplex = "half";
  }
  return new ScopedRequest(url, init, scope);
}

const BareRequest: new (url: string, init: RequestInit) => Omit<Request, "signal"> = Request;

/** Handing the signal to the constructor costs as much as all the rest, and most handlers never look at it. */
class ScopedRequest extends BareRequest {
  readonly #scope: { readonly signal: AbortSignal };

  constructor(url: string, init: RequestInit, scope: { readonly signal: AbortSignal }) {
    super(url, init);
    this.#scope = scope;
  }

  get signal(): AbortSignal {
    return this.#scope.signal;
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  if (headers["transfer-encoding"] !== undefined) return true;
  return headers["content-length"] !== undefined && headers["content-length"] !== "0";
}

function bodyOf(message: IncomingMessage): ReadableStream<Uint8Array> {
  let state: "untouched" | "reading" | "over" = "untouched";
  return new ReadableStream<Uint8Array>(
    {
      // First called when user code reads: until then the socket is left alone.
      pull(controller) {
        if (state === "untouched") {
          state = "reading";
          message.on("data", (chunk: Buffer) => {
            controller.enqueue(chunk);
            if ((controller.desiredSize ?? 0) <= -HIGH_WATER_BYTES) message.pause();
          });
          message.on("end", () => {
            if (state === "reading") controller.close();
            state = "over";
          });
          message.on("close", () => {
            if (state === "reading") controller.error(new TypeError("the request ended before its body was complete"));
            state = "over";
          });
        }
        message.resume();
      },
      cancel() {
        state = "over";
        discardBody(message);
      },
    },
    { highWaterMark: 0, size: (chunk) => chunk.byteLength },
  );
}

/** Reads what is left of the body into nothing, so that the connection can be used again. */
export function discardBody(message: IncomingMessage): void {
  message.removeAllListeners("data");
  message.resume();
}
