import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import type { GrpcServiceDefinition } from "./types.ts";

/**
 * A generated service for grpc-js, to be given to `Server.addService`. Whatever is sent may be a message or what
 * `create` would make it of; whatever is read is a message.
 */
export function grpcServiceDefinition<S extends DescService>(service: S): GrpcServiceDefinition<S> {
  const methods = service.methods.map((method) => [method.localName, methodDefinition(method)]);
  return Object.fromEntries(methods) as GrpcServiceDefinition<S>;
}

function methodDefinition(method: DescMethod): grpc.MethodDefinition<unknown, unknown> {
  const { methodKind: kind } = method;
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    originalName: method.name,
    requestStream: kind === "client_streaming" || kind === "bidi_streaming",
    responseStream: kind === "server_streaming" || kind === "bidi_streaming",
    requestSerialize: serializerOf(method.input),
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    responseSerialize: serializerOf(method.output),
    responseDeserialize: (bytes) => fromBinary(method.output, bytes),
  };
}

function serializerOf(schema: DescMessage): (value: unknown) => Buffer {
  return (value) => {
    const bytes = toBinary(schema, create(schema, value as MessageInitShape<DescMessage>));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}
