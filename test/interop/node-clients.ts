/** The clients in this process: connect-node's transports and grpc-js. */
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  callUnary,
  type GrpcBidiStreamingMethod,
  type GrpcClient,
  type GrpcServerStreamingMethod,
  grpc,
  makeGrpcClient,
  reasonOf,
  violationsOf,
} from "../../src/grpc/index.ts";
import type { Row, Task } from "./cases.ts";

/** What became of a failed call, as the client's own error tells. */
export interface Failure {
  /** "NOT_FOUND". */
  readonly code: string;
  readonly reason: string | undefined;
  /** Fields of its BadRequest. */
  readonly fields: readonly string[];
}

/** Options of a call. */
export interface CallOptions {
  /** Default: true. */
  readonly token?: boolean;
  /** Default: none. */
  readonly timeoutMs?: number;
  /** Default: none. */
  readonly signal?: AbortSignal;
}

/** A client, seen so that the cases are written once. */
export interface NodeCaller {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: CallOptions,
  ): AsyncIterable<MessageShape<O>>;
  bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    requests: AsyncIterable<MessageInitShape<I>>,
  ): AsyncIterable<MessageShape<O>>;
  failure(error: unknown): Failure;
  close(): void;
}

/** connect-node with one of its transports. */
export function connectNode({ address, token }: Task, row: Row): NodeCaller {
  const gzip = row.compression === "gzip";
  const baseUrl = `http://${address}`;
  const sessionManager = row.protocol.endsWith("HTTP/2") ? new Http2SessionManager(baseUrl) : undefined;
  const options = {
    baseUrl,
    useBinaryFormat: row.codec === "binary",
    acceptCompression: gzip ? [compressionGzip] : [],
    ...(gzip ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {}),
    ...(sessionManager === undefined ? { httpVersion: "1.1" as const } : { httpVersion: "2" as const, sessionManager }),
  };
  const transport: Transport = row.protocol.startsWith("Connect")
    ? createConnectTransport(options)
    : row.protocol.startsWith("gRPC-web")
      ? createGrpcWebTransport(options)
      : createGrpcTransport(options as Parameters<typeof createGrpcTransport>[0]);
  const headers = ({ token: send = true }: CallOptions): Record<string, string> =>
    send ? { authorization: `Bearer ${token}` } : {};
  async function* one<T>(message: T): AsyncGenerator<T> {
    yield message;
  }
  return {
    async unary(method, request, options = {}) {
      const { signal, timeoutMs } = options;
      return (await transport.unary(method, signal, timeoutMs, headers(options), request)).message;
    },
    async *stream(method, request, options = {}) {
      // Over HTTP/1.1 a loop that is left ends no call.
      const left = new AbortController();
      const signal = AbortSignal.any([left.signal, ...(options.signal === undefined ? [] : [options.signal])]);
      try {
        const requests = one(request);
        yield* (await transport.stream(method, signal, options.timeoutMs, headers(options), requests)).message;
      } finally {
        left.abort();
      }
    },
    async *bidi(method, requests) {
      yield* (await transport.stream(method, undefined, undefined, headers({}), requests)).message;
    },
    failure(error) {
      const known = ConnectError.from(error);
      // Connect writes "Canceled"; gRPC has two l in it.
      const name = known.code === Code.Canceled ? "CANCELLED" : upperSnake(Code[known.code] ?? "");
      return {
        code: name,
        reason: known.findDetails(ErrorInfoSchema)[0]?.reason,
        fields: (known.findDetails(BadRequestSchema)[0]?.fieldViolations ?? []).map(({ field }) => field),
      };
    },
    close: () => sessionManager?.abort(),
  };
}

/** grpc-js with the clients of `windlass/grpc`. */
export function grpcJs({ address, token }: Task, row: Row): NodeCaller {
  const clients = new Map<string, grpc.Client>();
  const options: grpc.ClientOptions = {
    "grpc.use_local_subchannel_pool": 1,
    ...(row.compression === "gzip" ? { "grpc.default_compression_algorithm": 2 as const } : {}),
  };
  // biome-ignore lint/suspicious/noExplicitAny: its methods are known by the descriptor alone
  const clientOf = (service: DescMethodUnary["parent"]): GrpcClient<any> => {
    const client = clients.get(service.typeName) ?? makeGrpcClient(service, address, undefined, options);
    clients.set(service.typeName, client);
    return client;
  };
  const metadataOf = ({ token: send = true }: CallOptions): grpc.Metadata => {
    const metadata = new grpc.Metadata();
    if (send) metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  };
  return {
    unary: (method, request, options = {}) =>
      callUnary(clientOf(method.parent), method.localName, request as never, {
        metadata: metadataOf(options),
      }) as Promise<never>,
    async *stream(method, request, options = {}) {
      const start = clientOf(method.parent)[method.localName] as GrpcServerStreamingMethod<object, never>;
      const deadline = options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
      const call = start.call(clientOf(method.parent), request as object, metadataOf(options), deadline);
      options.signal?.addEventListener("abort", () => call.cancel(), { once: true });
      try {
        yield* call;
      } finally {
        call.on("error", () => {});
        call.cancel();
      }
    },
    async *bidi(method, requests) {
      const start = clientOf(method.parent)[method.localName] as GrpcBidiStreamingMethod<object, never>;
      const call = start.call(clientOf(method.parent), metadataOf({}));
      void (async () => {
        for await (const request of requests) call.write(create(method.input, request));
        call.end();
      })();
      yield* call;
    },
    failure(error) {
      const code = grpc.status[(error as grpc.ServiceError).code] ?? String(error);
      return { code, reason: reasonOf(error), fields: violationsOf(error).map(({ field }) => field) };
    },
    close() {
      for (const client of clients.values()) client.close();
    },
  };
}

function upperSnake(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, "_$&").toUpperCase();
}
