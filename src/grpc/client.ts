import type { DescService } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { grpcServiceDefinition } from "./definition.ts";
import type { GrpcClient, GrpcUnaryMethod } from "./types.ts";

/** Options of {@link makeGrpcClient}: those of any grpc-js client, and a token. */
export interface GrpcClientOptions extends grpc.ClientOptions {
  /** Sent with each call as `authorization: Bearer <token>`, unless the call's metadata has its own. Default: none, as "". */
  readonly token?: string | undefined;
}

/**
 * A grpc-js client of a service: `client.getInstance({}, callback)`, `client.watchInstance({})`. Close it with
 * `close()`. `address` is `host:port`, `unix:/path` or the control port's `http://host:port`; `credentials` are
 * insecure by default, as the control port is cleartext, and TLS for `https://`. Throws a TypeError where the token is
 * none.
 */
export function makeGrpcClient<S extends DescService>(
  service: S,
  address: string,
  credentials: grpc.ChannelCredentials = credentialsFor(address),
  options: GrpcClientOptions = {},
): GrpcClient<S> {
  const { token, interceptors = [], ...rest } = options;
  // grpc-js would say so at each call, and show it.
  if (token !== undefined && !/^[\x21-\x7e]*$/.test(token)) {
    throw new TypeError("the token has characters that no token has; give it as `windlass token` printed it");
  }
  const Client = grpc.makeGenericClientConstructor(grpcServiceDefinition(service), service.typeName);
  const client = new Client(grpcAddress(address), credentials, {
    ...rest,
    // grpc-js takes one of the two, and with none of ours the providers are left to it.
    ...(token === undefined || token === ""
      ? interceptors.length === 0
        ? {}
        : { interceptors }
      : { interceptors: [bearer(token), ...interceptors] }),
  } as grpc.ClientOptions);
  return client as unknown as GrpcClient<S>;
}

/** Options of {@link callUnary}: those of any grpc-js call, and more. */
export interface CallUnaryOptions extends Partial<grpc.CallOptions> {
  /** Sent with the call. Default: none. */
  readonly metadata?: grpc.Metadata;
  /** Cancels the call. Default: nothing does. */
  readonly signal?: AbortSignal;
}

/**
 * A unary call's answer as a promise: `await callUnary(client, "getInstance", {})`. Rejects with the call's
 * `ServiceError`.
 */
export function callUnary<C extends grpc.Client, K extends UnaryNames<C>>(
  client: C,
  method: K,
  request: RequestOf<C[K]>,
  options: CallUnaryOptions = {},
): Promise<ResponseOf<C[K]>> {
  const { metadata = new grpc.Metadata(), signal, ...rest } = options;
  const start = client[method] as GrpcUnaryMethod<RequestOf<C[K]>, ResponseOf<C[K]>>;
  return new Promise((resolve, reject) => {
    const cancel = (): void => call.cancel();
    const call = start.call(client, request, metadata, rest, (error, value) => {
      signal?.removeEventListener("abort", cancel);
      if (error !== null) reject(error);
      else resolve(value as ResponseOf<C[K]>);
    });
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}

type UnaryNames<C> = { [K in keyof C]: C[K] extends GrpcUnaryMethod<never, unknown> ? K : never }[keyof C];
type RequestOf<M> = M extends GrpcUnaryMethod<infer I, infer _> ? I : never;
type ResponseOf<M> = M extends GrpcUnaryMethod<infer _, infer O> ? O : never;

/** grpc-js resolves names by scheme, and knows no `http`; without a port it would take that of https for both. */
function grpcAddress(address: string): string {
  const bare = address.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return address.startsWith("http://") && !/:\d+$/.test(bare) ? `${bare}:80` : bare;
}

/** A token for an `https://` address must not go out in the clear. */
function credentialsFor(address: string): grpc.ChannelCredentials {
  return address.startsWith("https://") ? grpc.credentials.createSsl() : grpc.credentials.createInsecure();
}

/** Call credentials would need TLS, which the control port on loopback does without. */
function bearer(token: string): grpc.Interceptor {
  return (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start(metadata, listener, next) {
        if (metadata.get("authorization").length === 0) metadata.set("authorization", `Bearer ${token}`);
        next(metadata, listener);
      },
    });
}
