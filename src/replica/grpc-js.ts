/**
 * Services written for grpc-js. Its own server runs them, on connections within this process: what it promises to
 * implementations (calls, events, deadlines, compression) it keeps itself.
 */
import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from "node:http2";
import type * as GrpcJs from "@grpc/grpc-js";
import { runtime } from "../sdk/runtime.ts";
import { beginWith, endWith, type GrpcMethod, metadataOf } from "./grpc-call.ts";
import { createConnections, type Share } from "./grpc-js-connections.ts";
import { GRPC_CODE, PUSHBACK, saysItsStatus, statusOf } from "./grpc-status.ts";
import { headerOf, type Inbound, type InboundBody } from "./inbound.ts";
import type { Outbound } from "./outbound.ts";
import type { RequestScope } from "./request-scope.ts";

/** What `addService` was given. */
export interface GrpcJsService {
  readonly definition: GrpcJs.ServiceDefinition;
  readonly implementation: GrpcJs.UntypedServiceImplementation;
}

/** Names a call's scope to the server; never seen by user code. */
const SCOPE_KEY = "x-windlass-scope";
/** Messages have no limit here: their memory is bounded by what the deployment lets in. */
const OPTIONS = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** What answers the methods of these services, by path. `failed` hears of errors that say no status of their own. */
export async function grpcJsMethods(
  services: readonly GrpcJsService[],
  failed: (error: unknown) => void,
): Promise<Map<string, GrpcMethod>> {
  const { Metadata, Server, ServerCredentials } = await import("@grpc/grpc-js");
  const scopes = new Map<string, RequestScope>();
  const server = new Server(OPTIONS);
  const methods = new Map<string, GrpcMethod>();
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = createConnections((end) => injector.injectConnection(end));
  const convert = (error: unknown): unknown => {
    if (saysItsStatus(error)) return error;
    failed(error);
    const { code, message, pushbackMs } = statusOf(error);
    const metadata = new Metadata();
    if (pushbackMs !== undefined) metadata.set(PUSHBACK, String(pushbackMs));
    return { code, details: message, metadata };
  };
  let count = 0;
  for (const { definition, implementation } of services) {
    server.addService(definition, scoped(definition, implementation, scopes, convert));
    for (const method of Object.values(definition)) {
      methods.set(method.path, async (inbound, out, scope) => {
        count += 1;
        const key = String(count);
        scopes.set(key, scope);
        try {
          return await tunnel(connections.share(), key, inbound, out, scope);
        } finally {
          scopes.delete(key);
        }
      });
    }
  }
  return methods;
}

type Handler = (call: Call, callback?: (error: unknown, ...rest: unknown[]) => void) => unknown;
type Call = GrpcJs.ServerDuplexStream<unknown, unknown>;

/** The implementation, its handlers run for the requests they are called for; what they throw becomes a status. */
function scoped(
  definition: GrpcJs.ServiceDefinition,
  implementation: GrpcJs.UntypedServiceImplementation,
  scopes: ReadonlyMap<string, RequestScope>,
  convert: (error: unknown) => unknown,
): GrpcJs.UntypedServiceImplementation {
  const { requests } = runtime();
  const wrapped: Record<string, Handler> = {};
  for (const [name, { originalName, responseStream }] of Object.entries(definition)) {
    const handler = (implementation[name] ?? implementation[originalName ?? ""]) as Handler | undefined;
    if (handler === undefined) continue;
    wrapped[name] = (call, callback) => {
      const scope = scopes.get(String(call.metadata.get(SCOPE_KEY)[0]));
      // Its caller left before it began, which it would not hear of.
      if (scope === undefined || scope.aborted) return;
      call.metadata.remove(SCOPE_KEY);
      // Listeners are called from the connection's events, which belong to no request.
      const emit = call.emit.bind(call) as (...args: unknown[]) => boolean;
      call.emit = ((event: unknown, ...args: unknown[]) => {
        // The requests of a caller who has left end as well, but are not all: `cancelled` says so.
        if (event === "end" && scope.aborted) return false;
        return requests.run(scope, () => (event === "error" ? emit(event, convert(args[0])) : emit(event, ...args)));
      }) as typeof call.emit;
      const answer = callback && ((error: unknown, ...rest: unknown[]) => callback(error && convert(error), ...rest));
      const fail = (error: unknown): void => {
        if (responseStream) call.emit("error", error);
        else answer!(error);
      };
      requests.run(scope, () => {
        try {
          const result = handler.call(implementation, call, answer);
          if (result instanceof Promise) result.catch(fail);
        } catch (error) {
          fail(error);
        }
      });
    };
  }
  return wrapped as unknown as GrpcJs.UntypedServiceImplementation;
}

function tunnel(share: Share, key: string, inbound: Inbound, out: Outbound, scope: RequestScope): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const stream = begin(share, headersOf(inbound, key));
  let trailers: string[] | undefined;
  let ended: number | undefined;
  const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
  if (scope.aborted) cancel();
  else scope.signal.addEventListener("abort", cancel, { once: true });
  void send(inbound.body, stream);
  // What they throw would end the replica.
  const guarded =
    <A extends unknown[]>(listener: (...args: A) => void) =>
    (...args: A): void => {
      try {
        listener(...args);
      } catch (error) {
        reject(error);
        cancel();
      }
    };
  const onResponse = (headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number): void => {
    const pairs = pairsOf(headers);
    // An answer that is a head and nothing else has its status there.
    const whole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (whole) trailers = pairs;
    else if (!beginWith(out, Number(headers[":status"]), pairs)) cancel();
    // Not before: Node may hand out the first of the body ahead of the head.
    stream.on("data", guarded(onData));
  };
  stream.on("response", guarded(onResponse));
  stream.on("trailers", (headers) => {
    trailers = pairsOf(headers);
  });
  const onData = (chunk: Buffer): void => {
    if (out.closed || out.write(chunk)) return;
    stream.pause();
    void out.drained().then(() => stream.resume());
  };
  const end = (): void => {
    if (trailers === undefined || out.closed) return;
    if (out.status === 0) out.head(200, ["content-type", "application/grpc"]);
    ended = endWith(out, trailers);
    // Its caller was answered, and sends no more; the end of what it sent never comes.
    if (!stream.writableEnded) cancel();
  };
  stream.on("end", guarded(end));
  stream.on("error", () => {});
  stream.on("close", () => {
    share.over(stream.rstCode !== constants.NGHTTP2_NO_ERROR);
    guarded(end)();
    scope.signal.removeEventListener("abort", cancel);
    if (ended !== undefined) resolve(ended);
    else if (out.closed) resolve(GRPC_CODE.cancelled);
    else reject(new Error(`the grpc-js server broke the call off (HTTP/2 code ${stream.rstCode})`));
  });
  return promise;
}

/** Throws for metadata that HTTP/2 does not have. */
function begin({ session, over }: Share, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  try {
    return session.request(headers);
  } catch (error) {
    over(false);
    throw error;
  }
}

async function send(body: InboundBody, stream: ClientHttp2Stream): Promise<void> {
  try {
    for (let piece = await body.next(); piece !== null; piece = await body.next()) {
      if (stream.destroyed) return;
      if (!stream.write(piece)) await drained(stream);
    }
    stream.end();
  } catch {
    // The caller left.
    stream.close(constants.NGHTTP2_CANCEL);
  }
}

function drained(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done).off("close", done);
      resolve();
    };
    stream.on("drain", done).on("close", done);
  });
}

function headersOf(inbound: Inbound, key: string): OutgoingHttpHeaders {
  const { head } = inbound;
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of metadataOf(inbound)) {
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = typeof before === "string" ? [before, value] : [...before, value];
  }
  delete headers["host"];
  return {
    ...headers,
    ":method": "POST",
    ":path": head.path,
    ":authority": headerOf(head, "host") ?? "localhost",
    te: "trailers",
    [SCOPE_KEY]: key,
  };
}

function pairsOf(headers: Readonly<Record<string, string | string[] | number | undefined>>): string[] {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push(name, String(one));
  }
  return pairs;
}
