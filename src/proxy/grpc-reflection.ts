import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { file_grpc_health_v1_health } from "../../gen/grpc/health/v1/health_pb.ts";
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { file_ray_serve_serve } from "../../gen/ray/serve/serve_pb.ts";
import { reflectionAnswers } from "../observability/reflection.ts";
import { begin, fail, frame, GRPC_STATUS, type GrpcCall, isOver, readMessages } from "./grpc-wire.ts";

/** Both versions: their messages are the same on the wire. */
const METHODS = [ServerReflection, ServerReflectionAlpha].map(({ typeName }) => `/${typeName}/ServerReflectionInfo`);

/** Whether a path is a method of reflection. */
export function isReflection(path: string): boolean {
  return METHODS.includes(path);
}

/** grpc.reflection of the services that the proxy answers itself; applications answer for theirs. */
export class GrpcReflection {
  readonly #enabled: boolean;
  readonly #answer = reflectionAnswers({
    services: ["grpc.health.v1.Health", "ray.serve.RayServeAPIService"],
    files: [file_grpc_health_v1_health, file_ray_serve_serve],
  });
  readonly #calls = new Set<GrpcCall>();

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  /** What answers a method of reflection; undefined: another method. */
  method(path: string): ((call: GrpcCall) => void) | undefined {
    return isReflection(path) ? (call) => this.#handle(call) : undefined;
  }

  /** Ends the calls under way. */
  end(): void {
    for (const call of this.#calls) if (!isOver(call)) call.stream.end();
  }

  #handle(call: GrpcCall): void {
    if (!this.#enabled) {
      const message = "reflection is switched off by grpc_options.enable_reflection";
      fail(call, { status: GRPC_STATUS.unimplemented, message });
      return;
    }
    this.#calls.add(call);
    call.stream.once("close", () => this.#calls.delete(call));
    begin(call);
    readMessages(call, (message) => {
      if (isOver(call)) return true;
      try {
        const answer = this.#answer(fromBinary(ServerReflectionRequestSchema, message));
        const bytes = toBinary(ServerReflectionResponseSchema, create(ServerReflectionResponseSchema, answer));
        return call.stream.write(frame(bytes));
      } catch {
        call.stream.destroy();
        return true;
      }
    });
  }
}
