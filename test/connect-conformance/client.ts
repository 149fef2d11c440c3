/** The client that Connect's conformance runner tests: connect-node's transports, which our own clients use. */
import { create, createRegistry, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type CallOptions, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import {
  type ClientCompatRequest,
  ClientCompatRequestSchema,
  ClientCompatResponseSchema,
  type ClientResponseResultSchema,
} from "./gen/connectrpc/conformance/v1/client_compat_pb.ts";
import {
  Codec,
  type Code as CodeNumber,
  Compression,
  HTTPVersion,
  Protocol,
} from "./gen/connectrpc/conformance/v1/config_pb.ts";
import {
  type ConformancePayload,
  ConformancePayloadSchema,
  ConformanceService,
  file_connectrpc_conformance_v1_service,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";
import { headersOf } from "./service.ts";
import { readMessage, writeMessage } from "./stdio.ts";

type Result = MessageInitShape<typeof ClientResponseResultSchema>;

/** Calls under way at once. */
const PARALLEL = 8;
const registry = createRegistry(file_connectrpc_conformance_v1_service);
const sessions = new Map<string, Http2SessionManager>();

const underWay = new Set<Promise<void>>();
for (;;) {
  const bytes = await readMessage(process.stdin);
  if (bytes === undefined) break;
  const run = answer(fromBinary(ClientCompatRequestSchema, bytes)).finally(() => underWay.delete(run));
  underWay.add(run);
  if (underWay.size >= PARALLEL) await Promise.race(underWay);
}
await Promise.all(underWay);
for (const session of sessions.values()) session.abort();
process.stdout.end(() => process.exit(0));

async function answer(request: ClientCompatRequest): Promise<void> {
  const { testName } = request;
  const outcome = await call(request).then(
    (value) => ({ case: "response" as const, value }),
    (error: unknown) => ({ case: "error" as const, value: { message: String(error) } }),
  );
  const response = create(ClientCompatResponseSchema, { testName, result: outcome });
  writeMessage(process.stdout, toBinary(ClientCompatResponseSchema, response));
}

/** Makes the call and tells what came; rejects where there is no such call. */
async function call(request: ClientCompatRequest): Promise<Result> {
  const client = createClient(ConformanceService, transportFor(request));
  const payloads: ConformancePayload[] = [];
  const cancelled = new AbortController();
  const heads: { headers?: Headers; trailers?: Headers } = {};
  const options: CallOptions = {
    headers: request.requestHeaders.flatMap(({ name, value }) => value.map((each): [string, string] => [name, each])),
    signal: cancelled.signal,
    onHeader: (headers) => {
      heads.headers = headers;
    },
    onTrailer: (trailers) => {
      heads.trailers = trailers;
    },
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
  };
  const take = (payload: ConformancePayload | undefined): void => {
    payloads.push(payload ?? create(ConformancePayloadSchema));
    const timing = request.cancel?.cancelTiming;
    if (timing?.case === "afterNumResponses" && timing.value === payloads.length) cancelled.abort();
  };
  const start = async (): Promise<void> => {
    const any = request.requestMessages[0]!;
    switch (request.method) {
      case "Unary":
        return take((await client.unary(unpack(any), options)).payload);
      case "IdempotentUnary":
        return take((await client.idempotentUnary(unpack(any), options)).payload);
      case "Unimplemented":
        await client.unimplemented(unpack(any), options);
        return take(undefined);
      case "ServerStream":
        for await (const { payload } of client.serverStream(unpack(any), options)) take(payload);
        return;
      default:
        throw new TypeError(`${request.method} is no method of this client`);
    }
  };
  const running = start();
  const timing = request.cancel?.cancelTiming;
  if (timing?.case === "afterCloseSendMs") setTimeout(() => cancelled.abort(), timing.value);
  const error = await running.then(
    () => undefined,
    (thrown: unknown) => {
      if (thrown instanceof TypeError) throw thrown;
      return ConnectError.from(thrown);
    },
  );
  return {
    payloads,
    responseHeaders: headersOf(heads.headers ?? new Headers()),
    responseTrailers: headersOf(heads.trailers ?? error?.metadata ?? new Headers()),
    ...(error === undefined ? {} : { error: describe(error) }),
  };
}

function unpack<M>(any: Any): M {
  return anyUnpack(any, registry) as M;
}

function describe(error: ConnectError): Exclude<Result["error"], undefined> {
  const details = error.details.flatMap((detail) =>
    "type" in detail
      ? [
          create(AnySchema, {
            typeUrl: `type.googleapis.com/${detail.type}`,
            value: detail.value as Uint8Array<ArrayBuffer>,
          }),
        ]
      : [],
  );
  return { code: error.code as number as CodeNumber, message: error.rawMessage, details };
}

function transportFor(request: ClientCompatRequest): Transport {
  const baseUrl = `http://${request.host}:${request.port}`;
  const options = {
    baseUrl,
    useBinaryFormat: request.codec === Codec.PROTO,
    useHttpGet: request.useGetHttpMethod,
    jsonOptions: { registry },
    acceptCompression: request.compression === Compression.GZIP ? [compressionGzip] : [],
    ...(request.compression === Compression.GZIP ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {}),
    ...(request.messageReceiveLimit === 0 ? {} : { readMaxBytes: request.messageReceiveLimit }),
    ...(request.httpVersion === HTTPVersion.HTTP_VERSION_1
      ? { httpVersion: "1.1" as const }
      : { httpVersion: "2" as const, sessionManager: sessionTo(baseUrl) }),
  };
  switch (request.protocol) {
    case Protocol.CONNECT:
      return createConnectTransport(options);
    case Protocol.GRPC_WEB:
      return createGrpcWebTransport(options);
    default:
      return createGrpcTransport(options as Parameters<typeof createGrpcTransport>[0]);
  }
}

function sessionTo(baseUrl: string): Http2SessionManager {
  const session = sessions.get(baseUrl) ?? new Http2SessionManager(baseUrl);
  sessions.set(baseUrl, session);
  return session;
}
