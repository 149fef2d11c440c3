import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { onTestFinished } from "vitest";

/** What became of a call. */
export interface GrpcAnswer<T> {
  readonly code: grpc.status;
  /** `grpc-message`; empty for OK. */
  readonly details: string;
  /** Trailers. */
  readonly metadata: Record<string, grpc.MetadataValue>;
  readonly messages: T[];
}

/** A grpc-js client with a connection of its own; it is closed with the test. */
export function grpcClient(address: string): grpc.Client {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  onTestFinished(() => client.close());
  return client;
}

/** A unary call with generated messages. Never rejects. */
export function unary<I extends DescMessage, O extends DescMessage>(
  client: grpc.Client,
  method: string,
  input: I,
  output: O,
  message: MessageInitShape<I>,
  metadata: Record<string, string> = {},
): Promise<GrpcAnswer<MessageShape<O>>> {
  return new Promise((resolve) => {
    const messages: MessageShape<O>[] = [];
    const call = client.makeUnaryRequest(
      method,
      (bytes: Uint8Array) => Buffer.from(bytes),
      (bytes) => fromBinary(output, bytes),
      toBinary(input, create(input, message)),
      metadataOf(metadata),
      { deadline: Date.now() + 10_000 },
      (_error, value) => void (value !== undefined && messages.push(value)),
    );
    call.on("status", (status) => resolve(answerOf(status, messages)));
  });
}

/** A call of raw bytes whose request side stays open until `end`. */
export function openBidi(client: grpc.Client, method: string, metadata: Record<string, string> = {}) {
  const raw = (bytes: Buffer): Buffer => bytes;
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(method, raw, raw, metadataOf(metadata));
  const messages: Buffer[] = [];
  call.on("data", (message: Buffer) => messages.push(message));
  call.on("error", () => {});
  const answer = new Promise<GrpcAnswer<Buffer>>((resolve) => {
    call.on("status", (status) => resolve(answerOf(status, messages)));
  });
  return { call, answer };
}

/** A server stream with generated messages: what came so far, and how it ended. */
export function serverStream<I extends DescMessage, O extends DescMessage>(
  client: grpc.Client,
  method: string,
  input: I,
  output: O,
  message: MessageInitShape<I>,
  metadata: Record<string, string> = {},
) {
  const messages: MessageShape<O>[] = [];
  const call = client.makeServerStreamRequest(
    method,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes) => fromBinary(output, bytes),
    toBinary(input, create(input, message)),
    metadataOf(metadata),
  );
  call.on("data", (value: MessageShape<O>) => messages.push(value));
  call.on("error", () => {});
  const answer = new Promise<GrpcAnswer<MessageShape<O>>>((resolve) => {
    call.on("status", (status) => resolve(answerOf(status, messages)));
  });
  return { call, messages, answer };
}

function metadataOf(values: Record<string, string>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(values)) metadata.set(name, value);
  return metadata;
}

function answerOf<T>({ code, details, metadata }: grpc.StatusObject, messages: T[]): GrpcAnswer<T> {
  return { code, details: code === grpc.status.OK ? "" : details, metadata: metadata.getMap(), messages };
}
