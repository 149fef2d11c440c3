/** A grpc-js server that hosts our services by the definitions of `windlass/grpc` and passes each call on to an instance. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { ServerReflection } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionV1Alpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import {
  ApplicationService,
  DeploymentService,
  grpc,
  grpcServiceDefinition,
  InstanceService,
} from "../../src/grpc/index.ts";

const SERVICES: readonly DescService[] = [
  InstanceService,
  ApplicationService,
  DeploymentService,
  ServerReflection,
  ServerReflectionV1Alpha,
];

/** Starts one before the instance at `address`. */
export async function hostServices(address: string): Promise<{ address: string; close(): void }> {
  const upstream = new grpc.Client(address, grpc.credentials.createInsecure());
  const server = new grpc.Server({ "grpc.default_compression_algorithm": 2 });
  for (const service of SERVICES) {
    const definition = grpcServiceDefinition(service) as grpc.ServiceDefinition;
    const handlers = service.methods.map((method) => [
      method.localName,
      passOn(upstream, method, definition[method.localName]!),
    ]);
    server.addService(definition, Object.fromEntries(handlers) as grpc.UntypedServiceImplementation);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    close() {
      server.forceShutdown();
      upstream.close();
    },
  };
}

type Definition = grpc.MethodDefinition<unknown, unknown>;

function passOn(upstream: grpc.Client, method: DescMethod, definition: Definition): grpc.UntypedHandleCall {
  const { path, requestSerialize: write, responseDeserialize: read } = definition;
  switch (method.methodKind) {
    case "unary": {
      const handler: grpc.handleUnaryCall<unknown, unknown> = (call, done) => {
        const onward = upstream.makeUnaryRequest(
          path,
          write,
          read,
          call.request,
          sent(call),
          until(call),
          (error, value) => (error === null ? done(null, value) : done(error)),
        );
        call.on("cancelled", () => onward.cancel());
      };
      return handler;
    }
    case "server_streaming": {
      const handler: grpc.handleServerStreamingCall<unknown, unknown> = (call) => {
        relay(call, upstream.makeServerStreamRequest(path, write, read, call.request, sent(call), until(call)));
      };
      return handler;
    }
    default: {
      const handler: grpc.handleBidiStreamingCall<unknown, unknown> = (call) => {
        const onward = upstream.makeBidiStreamRequest(path, write, read, sent(call), until(call));
        call.on("data", (message: unknown) => void onward.write(message));
        call.on("end", () => onward.end());
        relay(call, onward);
      };
      return handler;
    }
  }
}

/** Sends on what the instance answers, and its error as it is. */
function relay(
  call: grpc.ServerWritableStream<unknown, unknown> | grpc.ServerDuplexStream<unknown, unknown>,
  onward: grpc.ClientReadableStream<unknown>,
): void {
  onward.on("data", (message: unknown) => void call.write(message));
  onward.on("end", () => void call.end());
  onward.on("error", (error) => call.emit("error", error));
  call.on("cancelled", () => onward.cancel());
}

function sent(call: { readonly metadata: grpc.Metadata }): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const value of call.metadata.get("authorization")) metadata.add("authorization", value);
  return metadata;
}

function until(call: { getDeadline(): grpc.Deadline }): grpc.CallOptions {
  return { deadline: call.getDeadline() };
}
