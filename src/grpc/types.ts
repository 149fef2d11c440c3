/** What grpc-js services and clients look like when they are made from generated descriptors. */
import type { DescMessage, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";

/** What the types need of a method; every generated method is one. */
interface MethodLike {
  readonly methodKind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  readonly input: DescMessage;
  readonly output: DescMessage;
}

/** A message or what `create` would make it of. */
type Given<D extends DescMessage> = MessageInitShape<D>;

/** A message as it was read. */
type Read<D extends DescMessage> = MessageShape<D>;

/**
 * A service as `Server.addService` and `makeClientConstructor` take it. Its keys are the methods' names in camel case;
 * grpc-js also finds implementations under the names of the proto.
 */
export type GrpcServiceDefinition<S extends DescService> = {
  readonly [K in keyof S["method"]]: S["method"][K] extends MethodLike
    ? grpc.MethodDefinition<Given<S["method"][K]["input"]>, Given<S["method"][K]["output"]>>
    : never;
};

/** A method of {@link GrpcImplementation}. */
type Handler<M> = M extends MethodLike
  ? {
      unary: grpc.handleUnaryCall<Read<M["input"]>, Given<M["output"]>>;
      server_streaming: grpc.handleServerStreamingCall<Read<M["input"]>, Given<M["output"]>>;
      client_streaming: grpc.handleClientStreamingCall<Read<M["input"]>, Given<M["output"]>>;
      bidi_streaming: grpc.handleBidiStreamingCall<Read<M["input"]>, Given<M["output"]>>;
    }[M["methodKind"]]
  : never;

/** The handlers of a service, as `Server.addService` takes them. */
export type GrpcImplementation<S extends DescService> = { [K in keyof S["method"]]: Handler<S["method"][K]> };

/** A stream of grpc-js whose iteration gives messages, where grpc-js says `any`. */
type Iterated<S, O> = Omit<S, typeof Symbol.asyncIterator> & AsyncIterable<O>;

/** A call with one request and one answer. */
export interface GrpcUnaryMethod<I, O> {
  (request: I, callback: grpc.requestCallback<O>): grpc.ClientUnaryCall;
  (request: I, metadata: grpc.Metadata, callback: grpc.requestCallback<O>): grpc.ClientUnaryCall;
  (request: I, options: Partial<grpc.CallOptions>, callback: grpc.requestCallback<O>): grpc.ClientUnaryCall;
  (
    request: I,
    metadata: grpc.Metadata,
    options: Partial<grpc.CallOptions>,
    callback: grpc.requestCallback<O>,
  ): grpc.ClientUnaryCall;
}

/** A call whose answers are a stream; `for await` reads it. */
export interface GrpcServerStreamingMethod<I, O> {
  (request: I, options?: Partial<grpc.CallOptions>): Iterated<grpc.ClientReadableStream<O>, O>;
  (request: I, metadata: grpc.Metadata, options?: Partial<grpc.CallOptions>): Iterated<grpc.ClientReadableStream<O>, O>;
}

/** A call whose requests are a stream. */
export interface GrpcClientStreamingMethod<I, O> {
  (callback: grpc.requestCallback<O>): grpc.ClientWritableStream<I>;
  (metadata: grpc.Metadata, callback: grpc.requestCallback<O>): grpc.ClientWritableStream<I>;
  (options: Partial<grpc.CallOptions>, callback: grpc.requestCallback<O>): grpc.ClientWritableStream<I>;
  (
    metadata: grpc.Metadata,
    options: Partial<grpc.CallOptions>,
    callback: grpc.requestCallback<O>,
  ): grpc.ClientWritableStream<I>;
}

/** A call with streams both ways. */
export interface GrpcBidiStreamingMethod<I, O> {
  (options?: Partial<grpc.CallOptions>): Iterated<grpc.ClientDuplexStream<I, O>, O>;
  (metadata: grpc.Metadata, options?: Partial<grpc.CallOptions>): Iterated<grpc.ClientDuplexStream<I, O>, O>;
}

type ClientMethod<M> = M extends MethodLike
  ? {
      unary: GrpcUnaryMethod<Given<M["input"]>, Read<M["output"]>>;
      server_streaming: GrpcServerStreamingMethod<Given<M["input"]>, Read<M["output"]>>;
      client_streaming: GrpcClientStreamingMethod<Given<M["input"]>, Read<M["output"]>>;
      bidi_streaming: GrpcBidiStreamingMethod<Given<M["input"]>, Read<M["output"]>>;
    }[M["methodKind"]]
  : never;

/** A grpc-js client with the methods of a service. */
export type GrpcClient<S extends DescService> = grpc.Client & {
  readonly [K in keyof S["method"]]: ClientMethod<S["method"][K]>;
};
