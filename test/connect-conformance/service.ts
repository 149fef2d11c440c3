/** Connect's ConformanceService: answers as each request says, and tells what it received. */
import { create, createRegistry, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyPack } from "@bufbuild/protobuf/wkt";
import {
  type Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  type BidiStreamRequest,
  BidiStreamRequestSchema,
  ClientStreamRequestSchema,
  type ConformancePayload,
  type ConformancePayload_RequestInfo,
  ConformancePayload_RequestInfoSchema,
  ConformancePayloadSchema,
  ConformanceService,
  type Error as ErrorDefinition,
  file_connectrpc_conformance_v1_service,
  type Header,
  IdempotentUnaryRequestSchema,
  ServerStreamRequestSchema,
  type StreamResponseDefinition,
  UnaryRequestSchema,
  type UnaryResponseDefinition,
} from "./gen/connectrpc/conformance/v1/service_pb.ts";

/** Answers carry requests as google.protobuf.Any, which JSON can show only of types it knows. */
const OPTIONS = { jsonOptions: { registry: createRegistry(file_connectrpc_conformance_v1_service) } };

/** Registers the service. */
export function conformanceRoutes(router: ConnectRouter): void {
  const implementation: Partial<ServiceImpl<typeof ConformanceService>> = {
    unary: async (request, context) => ({
      payload: await unaryPayload(request.responseDefinition, [packed(UnaryRequestSchema, request)], context),
    }),
    idempotentUnary: async (request, context) => ({
      payload: await unaryPayload(request.responseDefinition, [packed(IdempotentUnaryRequestSchema, request)], context),
    }),
    async clientStream(requests, context) {
      let definition: UnaryResponseDefinition | undefined;
      const received: Any[] = [];
      for await (const request of requests) {
        if (received.length === 0) definition = request.responseDefinition;
        received.push(packed(ClientStreamRequestSchema, request));
      }
      return { payload: await unaryPayload(definition, received, context) };
    },
    async *serverStream(request, context) {
      const received = [packed(ServerStreamRequestSchema, request)];
      const definition = request.responseDefinition;
      if (definition === undefined) return;
      sendMetadata(definition, context);
      yield* remaining(definition, 0, received, context);
    },
    bidiStream: answerBidi,
  };
  router.service(ConformanceService, implementation, OPTIONS);
}

async function* answerBidi(requests: AsyncIterable<BidiStreamRequest>, context: HandlerContext) {
  let definition: StreamResponseDefinition | undefined;
  let fullDuplex = false;
  let first = true;
  let sent = 0;
  let received: Any[] = [];
  for await (const request of requests) {
    received.push(packed(BidiStreamRequestSchema, request));
    if (first) {
      first = false;
      definition = request.responseDefinition;
      fullDuplex = request.fullDuplex;
      if (definition !== undefined) sendMetadata(definition, context);
    }
    if (!fullDuplex) continue;
    const data = definition?.responseData[sent];
    if (definition === undefined || data === undefined) break;
    await delay(definition.responseDelayMs);
    const requestInfo =
      sent === 0
        ? requestInfoOf(context, received)
        : create(ConformancePayload_RequestInfoSchema, { requests: received });
    yield { payload: create(ConformancePayloadSchema, { data, requestInfo }) };
    sent += 1;
    received = [];
  }
  if (definition !== undefined) yield* remaining(definition, sent, received, context);
}

/** The answers from the given one on, then the error if there is one. */
async function* remaining(
  definition: StreamResponseDefinition,
  from: number,
  received: Any[],
  context: HandlerContext,
): AsyncGenerator<{ payload: ConformancePayload }> {
  for (const [index, data] of definition.responseData.entries()) {
    if (index < from) continue;
    await delay(definition.responseDelayMs);
    const info = index === 0 ? { requestInfo: requestInfoOf(context, received) } : {};
    yield { payload: create(ConformancePayloadSchema, { data, ...info }) };
  }
  const { error } = definition;
  if (error === undefined) return;
  const nothingSent = from === 0 && definition.responseData.length === 0;
  throw connectError(error, nothingSent ? requestInfoOf(context, received) : undefined);
}

async function unaryPayload(
  definition: UnaryResponseDefinition | undefined,
  received: Any[],
  context: HandlerContext,
): Promise<ConformancePayload> {
  const requestInfo = requestInfoOf(context, received);
  if (definition === undefined) return create(ConformancePayloadSchema, { requestInfo });
  sendMetadata(definition, context);
  await delay(definition.responseDelayMs);
  const { response } = definition;
  if (response.case === "error") throw connectError(response.value, requestInfo);
  const data = response.case === "responseData" ? { data: response.value } : {};
  return create(ConformancePayloadSchema, { requestInfo, ...data });
}

function requestInfoOf(context: HandlerContext, requests: Any[]): ConformancePayload_RequestInfo {
  const timeoutMs = context.timeoutMs();
  return create(ConformancePayload_RequestInfoSchema, {
    requestHeaders: headersOf(context.requestHeader),
    requests,
    ...(timeoutMs === undefined ? {} : { timeoutMs: BigInt(Math.round(timeoutMs)) }),
    ...(context.requestMethod === "GET"
      ? { connectGetInfo: { queryParams: headersOf(new URL(context.url).searchParams) } }
      : {}),
  });
}

/** Headers as the suite has them. */
export function headersOf(values: Headers | URLSearchParams): { name: string; value: string[] }[] {
  const byName = new Map<string, string[]>();
  for (const [name, value] of values) byName.set(name, [...(byName.get(name) ?? []), value]);
  return [...byName].map(([name, value]) => ({ name, value }));
}

function sendMetadata(
  definition: { responseHeaders: Header[]; responseTrailers: Header[] },
  context: HandlerContext,
): void {
  append(context.responseHeader, definition.responseHeaders);
  append(context.responseTrailer, definition.responseTrailers);
}

function append(headers: Headers, added: readonly Header[]): void {
  for (const { name, value } of added) for (const each of value) headers.append(name, each);
}

function connectError(error: ErrorDefinition, info: ConformancePayload_RequestInfo | undefined): ConnectError {
  const made = new ConnectError(error.message ?? "", error.code as number as Code);
  const details = info === undefined ? [] : [anyPack(ConformancePayload_RequestInfoSchema, info)];
  for (const { typeUrl, value } of [...error.details, ...details]) {
    made.details.push({ type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1), value });
  }
  return made;
}

function packed<D extends DescMessage>(schema: D, message: MessageShape<D>): Any {
  return anyPack(schema, message);
}

function delay(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
