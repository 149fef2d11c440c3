/** Services registered on Connect's router: its handlers run on calls as they are, without HTTP/2 between. */
import { ConnectError, type ConnectRouter, createConnectRouter, type Interceptor } from "@connectrpc/connect";
import { createFetchHandler, type UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { beginWith, endWith, type GrpcMethod, metadataOf, piecesOf } from "./grpc-call.ts";
import { detailsOf, PUSHBACK, readable, saysItsStatus, statusOf } from "./grpc-status.ts";
import { headerOf } from "./inbound.ts";

/** A router for a deployment's services; `failed` hears of errors that say no status of their own. */
export function makeRouter(failed: (error: unknown) => void): ConnectRouter {
  return createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    interceptors: [convertErrors(failed)],
  });
}

/** What answers gRPC calls, by path. */
export function connectMethods({ handlers }: ConnectRouter): Map<string, GrpcMethod> {
  const grpc = handlers.filter(({ protocolNames }) => protocolNames.includes("grpc"));
  return new Map(grpc.map((handler) => [handler.requestPath, methodOf(handler)]));
}

/** What answers Connect and gRPC-web over HTTP, below a route's prefix. */
export function connectFetch({ handlers }: ConnectRouter): (request: Request) => Promise<Response> {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, createFetchHandler(handler)]));
  return async (request) => {
    const { pathname } = new URL(request.url);
    const prefix = request.headers.get("x-forwarded-prefix") ?? "";
    const handler = byPath.get(pathname.startsWith(`${prefix}/`) ? pathname.slice(prefix.length) : pathname);
    return handler === undefined ? new Response("Not Found", { status: 404 }) : handler(request);
  };
}

function methodOf(handler: UniversalHandler): GrpcMethod {
  return async (inbound, out, scope) => {
    const header = new Headers();
    for (const [name, value] of metadataOf(inbound)) header.append(name, value);
    const { status, ...answer } = await handler({
      httpVersion: "2.0",
      method: "POST",
      url: `http://${headerOf(inbound.head, "host") ?? "localhost"}${inbound.head.path}`,
      header,
      body: piecesOf(inbound.body),
      signal: scope.signal,
    });
    if (!beginWith(out, status, pairsOf(answer.header))) return 8;
    for await (const piece of answer.body ?? []) {
      // Leaving the loop ends the handler.
      if (out.closed) break;
      if (!out.write(piece)) await out.drained();
    }
    return endWith(out, pairsOf(answer.trailer));
  };
}

function pairsOf(headers: Headers | undefined): string[] {
  const pairs: string[] = [];
  for (const [name, value] of headers ?? []) pairs.push(name, name === "grpc-message" ? readable(value) : value);
  return pairs;
}

/** Errors get the status that they say, or one of ours with their text; Connect would say "internal error". */
function convertErrors(failed: (error: unknown) => void): Interceptor {
  const convert = (error: unknown): ConnectError => {
    if (error instanceof ConnectError) return error;
    if (saysItsStatus(error)) return new ConnectError(detailsOf(error), error.code);
    failed(error);
    const { code, message, pushbackMs } = statusOf(error);
    const metadata = pushbackMs === undefined ? undefined : { [PUSHBACK]: String(pushbackMs) };
    return new ConnectError(message, code, metadata, undefined, error);
  };
  async function* converted<T>(messages: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* messages;
    } catch (error) {
      throw convert(error);
    }
  }
  return (next) => async (request) => {
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: converted(response.message) } : response;
    } catch (error) {
      throw convert(error);
    }
  };
}
