import { create, type DescFile } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { ServerReflection, ServerReflectionResponseSchema } from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  ServerReflectionResponseSchema as AlphaResponseSchema,
  ServerReflection as ServerReflectionAlpha,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { reflectionAnswers } from "../observability/reflection.ts";

/** Adds grpc.reflection of the services that a router has, unless it has that itself. */
export function addReflection(router: ConnectRouter): void {
  const services = new Set(router.handlers.map(({ service }) => service));
  const own: ReadonlySet<string> = new Set([ServerReflection.typeName, ServerReflectionAlpha.typeName]);
  if (services.size === 0 || [...services].some(({ typeName }) => own.has(typeName))) return;
  const answer = reflectionAnswers({
    services: [...services].map(({ typeName }) => typeName),
    files: [...new Set<DescFile>([...services].map(({ file }) => file))],
  });
  router.service(ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield create(ServerReflectionResponseSchema, answer(request));
    },
  });
  router.service(ServerReflectionAlpha, {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) yield create(AlphaResponseSchema, answer(request));
    },
  });
}
