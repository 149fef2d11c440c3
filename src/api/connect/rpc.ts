/**
 * Connect, gRPC and gRPC-web on a node server. Connect's own adapter prints a stack for every client that leaves in
 * the middle of a stream; this one keeps the console quiet.
 */
import {
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { errorText } from "../../core/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { toConnectError } from "../errors.ts";
import { type NodeRequest, type NodeResponse, send, text } from "../http.ts";
import { requestBody } from "./request-body.ts";

/** Answers one RPC. */
export type RpcHandler = ConnectRouter["handlers"][number];

type Body = NonNullable<Awaited<ReturnType<RpcHandler>>["body"]>;

/** Options of {@link rpcHandlers}. */
export interface RpcHandlersOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly logger: Logger;
  /** The largest message taken, in bytes. */
  readonly readMaxBytes: number;
  /** Run inside of the mapping of failures. Default: none. */
  readonly interceptors?: readonly Interceptor[];
}

/** The services' handlers by path. Whatever they fail with is sent as a Connect error without a stack. */
export function rpcHandlers(options: RpcHandlersOptions): ReadonlyMap<string, RpcHandler> {
  const router = createConnectRouter({
    // The first one given is the outermost.
    interceptors: [mapFailures(options.logger), ...(options.interceptors ?? [])],
    acceptCompression: [compressionGzip, compressionBrotli],
    readMaxBytes: options.readMaxBytes,
  });
  options.routes(router);
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

/** The path that {@link rpcHandlers} knows a request by. */
export function rpcPath(request: NodeRequest): string {
  return (request.url ?? "").split("?", 1)[0]!;
}

/** Lets a handler answer; never throws. `values` reach interceptors and the handler. */
export async function answerRpc(
  handler: RpcHandler,
  request: NodeRequest,
  response: NodeResponse,
  logger: Logger,
  values: ContextValues = createContextValues(),
): Promise<void> {
  const nodeResponse = response as unknown as Parameters<typeof universalResponseToNodeResponse>[1];
  try {
    const universal = universalRequestFromNodeRequest(request, nodeResponse, undefined, values);
    const answer = await handler({ ...universal, body: requestBody(request) });
    const body = answer.body === undefined ? {} : { body: endingWith(answer.body, response) };
    const readable = { ...answer, ...body };
    readableMessage(answer.header);
    const { trailer } = answer;
    // It is filled until the body has ended, and asked for then.
    if (trailer !== undefined) Object.defineProperty(readable, "trailer", { get: () => readableMessage(trailer) });
    await universalResponseToNodeResponse(readable, nodeResponse);
  } catch (error) {
    // The client left, or its request was not HTTP as Connect expects it.
    logger.debug("an RPC ended early", { method: handler.method.name, reason: errorText(error) });
    if (!response.headersSent) send(request, response, text(400, "400: Bad Request"));
    else response.destroy();
  }
}

/**
 * Escapes in `grpc-message` only what gRPC says must be. Connect escapes punctuation too, which clients that decode as
 * few as they must (grpc-js) show as it came: `a%2Fb`.
 */
function readableMessage(headers: Headers | undefined): Headers | undefined {
  const message = headers?.get("grpc-message") ?? "";
  if (!/%[0-9A-F]{2}/.test(message)) return headers;
  const escaped = decodeURIComponent(message).replace(/[^\x20-\x24\x26-\x7e]/gu, (other) => encodeURIComponent(other));
  headers?.set("grpc-message", escaped);
  return headers;
}

/**
 * The body, ended when the client leaves. A write that waits for a client that is gone need not come back (on Node 26
 * it does not), and nobody would end the handler's generator then.
 */
function endingWith(body: Body, response: NodeResponse): Body {
  const chunks = body[Symbol.asyncIterator]();
  response.once("close", () => void chunks.return?.().catch(() => {}));
  return { [Symbol.asyncIterator]: () => chunks };
}

function mapFailures(logger: Logger): Interceptor {
  return (next) => async (request) => {
    const where = `${request.service.typeName}/${request.method.name}`;
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: mapErrors(response.message, logger, where) } : response;
    } catch (error) {
      throw toConnectError(error, logger, where);
    }
  };
}

/** Only what the source fails with is ours; a client that leaves makes the yield itself throw, which is no failure. */
async function* mapErrors<T>(messages: AsyncIterable<T>, logger: Logger, where: string): AsyncGenerator<T> {
  const source = messages[Symbol.asyncIterator]();
  try {
    for (;;) {
      const result = await source.next().catch((error: unknown) => {
        throw toConnectError(error, logger, where);
      });
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    await source.return?.();
  }
}
