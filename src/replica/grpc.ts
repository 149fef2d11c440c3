/** Makes of what `grpc()` registered what answers calls. Imported only by replicas that serve gRPC. */
import type { GrpcServer } from "../sdk/grpc.ts";
import type { GrpcService } from "./grpc-call.ts";
import { connectFetch, connectMethods, makeRouter } from "./grpc-connect.ts";
import { type GrpcJsService, grpcJsMethods } from "./grpc-js.ts";
import { addReflection } from "./grpc-reflection.ts";

/** Runs `register`. Throws what it throws, and for a method that was registered twice. */
export async function makeGrpcService(
  register: (server: GrpcServer) => void,
  failed: (error: unknown) => void,
): Promise<GrpcService> {
  const router = makeRouter(failed);
  const services: GrpcJsService[] = [];
  const server: GrpcServer = Object.assign(router, {
    addService(definition: GrpcJsService["definition"], implementation: GrpcJsService["implementation"]) {
      services.push({ definition, implementation });
    },
  });
  register(server);
  addReflection(router);
  const methods = connectMethods(router);
  if (services.length > 0) {
    for (const [path, method] of await grpcJsMethods(services, failed)) {
      if (methods.has(path)) throw new TypeError(`the gRPC method ${path} is registered twice`);
      methods.set(path, method);
    }
  }
  if (methods.size === 0) throw new TypeError("grpc() registered no method");
  return { methods, fetch: connectFetch(router) };
}
