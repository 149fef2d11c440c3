import { isHopByHop } from "../routing/hop-by-hop.ts";
import { headerOf, type Inbound, type InboundBody } from "./inbound.ts";

/**
 * The web request that user code sees. A body that has not come in whole is taken only as user code reads it.
 * Throws a TypeError for methods and URLs that a web Request cannot express.
 */
export function toWebRequest({ head, body }: Inbound, scope: { readonly signal: AbortSignal }): Request {
  const { method, path } = head;
  const host = headerOf(head, "host") ?? "localhost";
  // It would move a part of the path, by which the request was routed, and by which applications decide.
  if (/[/?#\\@\s]/.test(host)) throw new TypeError("the Host header is not a host");
  const scheme = headerOf(head, "x-windlass-scheme") ?? "http";
  const url = `${scheme}://${host}${path}`;
  // Pairs, not Headers: the constructor would copy those once more.
  const headers: [string, string][] = [];
  for (let i = 0; i < head.headers.length; i += 2) {
    const name = head.headers[i]!;
    if (!isHopByHop(name) && !name.startsWith("x-windlass-")) headers.push([name, head.headers[i + 1]!]);
  }
  // By these applications tell.
  if (head.kind === "websocket") headers.push(["connection", "Upgrade"], ["upgrade", "websocket"]);
  const init: RequestInit & { duplex?: "half" } = { method, headers };
  if (method !== "GET" && method !== "HEAD" && !body.empty) {
    if (body.whole) init.body = body.take() as Uint8Array<ArrayBuffer>;
    else {
      init.body = streamOf(body);
      init.duplex = "half";
    }
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

function streamOf(body: InboundBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      // First called when user code reads: until then the sender is held back.
      async pull(controller) {
        const piece = await body.next();
        if (piece === null) controller.close();
        else controller.enqueue(piece);
      },
      cancel() {
        body.discard();
      },
    },
    { highWaterMark: 0 },
  );
}
