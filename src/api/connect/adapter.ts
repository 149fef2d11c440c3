/** The control port's RPCs: the gate before each, and small messages only from strangers. */
import { type ConnectRouter, createContextValues, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "../../observability/logger.ts";
import type { Gate } from "../gate.ts";
import { MAX_BODY_BYTES, type NodeHandler, type NodeRequest } from "../http.ts";
import type { StreamLimit } from "../stream-limit.ts";
import { type GateOutcome, gateOutcomeKey, responseKey } from "./context.ts";
import { answerRpc, rpcHandlers, rpcPath } from "./rpc.ts";

/** The largest message of callers without a known token, in bytes. */
export const STRANGER_BODY_BYTES = 64 * 1024;

/** What {@link createConnectHandler} needs. */
export interface ConnectHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  readonly gate: Gate;
  readonly streams: StreamLimit;
  readonly logger: Logger;
  /** Answers paths that are no RPC. */
  readonly fallback: NodeHandler;
  /** The largest message of callers with a known token, in bytes. Default: 100 MiB. */
  readonly readMaxBytes?: number;
}

/** Makes a handler for the given services. */
export function createConnectHandler(options: ConnectHandlerOptions): NodeHandler {
  const { routes, gate, logger, fallback } = options;
  const interceptors = [guard(options.streams)];
  const handlers = rpcHandlers({ routes, logger, interceptors, readMaxBytes: options.readMaxBytes ?? MAX_BODY_BYTES });
  // Messages are read before the gate is checked, so nobody we do not know may send large ones.
  const strangers = rpcHandlers({ routes, logger, interceptors, readMaxBytes: STRANGER_BODY_BYTES });

  return (request, response) => {
    const path = rpcPath(request);
    if (!handlers.has(path)) return fallback(request, response);
    const outcome = outcomeOf(gate, request);
    const handler = (outcome.ok ? handlers : strangers).get(path)!;
    const values = createContextValues().set(gateOutcomeKey, outcome).set(responseKey, response);
    void answerRpc(handler, request, response, logger, values);
  };
}

function outcomeOf(gate: Gate, request: NodeRequest): GateOutcome {
  try {
    return { ok: true, caller: gate(request) };
  } catch (error) {
    return { ok: false, error };
  }
}

/** Lets in whom the gate let in, with no more streams than they may have. */
function guard(streams: StreamLimit): Interceptor {
  return (next) => async (request) => {
    const outcome = request.contextValues.get(gateOutcomeKey);
    if (!outcome.ok) throw outcome.error;
    // The signal aborts when the client leaves and when the answer is complete.
    if (request.stream) streams.open(outcome.caller.identity, request.signal);
    return next(request);
  };
}
