/** Connect, gRPC and gRPC-web on a node server: the gate before, our errors after, no stack trace on the console. */
import { type ConnectRouter, createConnectRouter, createContextValues, type Interceptor } from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import { errorText } from "../../core/errors.ts";
import type { Logger } from "../../observability/logger.ts";
import { toConnectError } from "../errors.ts";
import type { Gate } from "../gate.ts";
import { MAX_BODY_BYTES, type NodeHandler, type NodeRequest, send, text } from "../http.ts";
import { type GateOutcome, gateOutcomeKey } from "./context.ts";

const STRANGER_BODY_BYTES = 64 * 1024;

/** What {@link createConnectHandler} needs. */
export interface ConnectHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly gate: Gate;
  readonly logger: Logger;
  /** Answers paths that are no RPC. */
  readonly fallback: NodeHandler;
}

/** Makes a handler for the given services. */
export function createConnectHandler({ routes, gate, logger, fallback }: ConnectHandlerOptions): NodeHandler {
  const handlersUpTo = (readMaxBytes: number) => {
    const router = createConnectRouter({
      interceptors: [guard(logger)],
      acceptCompression: [compressionGzip, compressionBrotli],
      readMaxBytes,
    });
    routes(router);
    return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  };
  const handlers = handlersUpTo(MAX_BODY_BYTES);
  // Messages are read before the guard runs, so nobody we do not know may send large ones.
  const strangers = handlersUpTo(STRANGER_BODY_BYTES);

  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0]!;
    if (!handlers.has(path)) return fallback(request, response);
    const outcome = outcomeOf(gate, request);
    const handler = (outcome.ok ? handlers : strangers).get(path)!;
    type NodeResponse = Parameters<typeof universalResponseToNodeResponse>[1];
    const answer = async (): Promise<void> => {
      const values = createContextValues().set(gateOutcomeKey, outcome);
      const nodeResponse = response as unknown as NodeResponse;
      const universal = universalRequestFromNodeRequest(request, nodeResponse, undefined, values);
      await universalResponseToNodeResponse(await handler(universal), nodeResponse);
    };
    answer().catch((error: unknown) => {
      // The client left, or its request was not HTTP as Connect expects it.
      logger.debug("an RPC ended early", { method: handler.method.name, reason: errorText(error) });
      if (!response.headersSent) send(request, response, text(400, "400: Bad Request"));
      else response.destroy();
    });
  };
}

function outcomeOf(gate: Gate, request: NodeRequest): GateOutcome {
  try {
    return { ok: true, caller: gate(request) };
  } catch (error) {
    return { ok: false, error };
  }
}

/** Refuses what the gate refused, and turns every failure into a Connect error. */
function guard(logger: Logger): Interceptor {
  return (next) => async (request) => {
    const where = `${request.service.typeName}/${request.method.name}`;
    try {
      const outcome = request.contextValues.get(gateOutcomeKey);
      if (!outcome.ok) throw outcome.error;
      const response = await next(request);
      return response.stream ? { ...response, message: mapErrors(response.message, logger, where) } : response;
    } catch (error) {
      throw toConnectError(error, logger, where);
    }
  };
}

async function* mapErrors<T>(messages: AsyncIterable<T>, logger: Logger, where: string): AsyncGenerator<T> {
  try {
    yield* messages;
  } catch (error) {
    throw toConnectError(error, logger, where);
  }
}
