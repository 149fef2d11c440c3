/** grpc.reflection v1 and v1alpha: tells clients such as grpcurl what the port serves. Any role may ask. */
import type { DescFile } from "@bufbuild/protobuf";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import {
  type ServerReflectionRequest as Request,
  ServerReflection,
} from "../../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  type ServerReflectionRequest as AlphaRequest,
  ServerReflection as ServerReflectionAlpha,
} from "../../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { WindlassError } from "../../core/errors.ts";
import { createSymbolIndex, type SymbolIndex } from "./symbols.ts";

/** What {@link registerReflection} tells of. */
export interface ReflectionOptions {
  /** Names of the services, without reflection's own. */
  readonly services: readonly string[];
  /** Files that define them, and others that clients need, such as those of error details. */
  readonly files: readonly DescFile[];
  /** Ends every stream. */
  readonly closed: AbortSignal;
}

/** Registers both versions; they have the same messages under two names. */
export function registerReflection(router: ConnectRouter, options: ReflectionOptions): void {
  const own = [ServerReflection, ServerReflectionAlpha];
  // Made when somebody asks first.
  let made: SymbolIndex | undefined;
  const index = (): SymbolIndex => {
    made ??= createSymbolIndex([...options.files, ...own.map(({ file }) => file)]);
    return made;
  };
  const services = [...options.services, ...own.map(({ typeName }) => typeName)].sort();

  const bodyOf = ({ messageRequest: asked }: Request | AlphaRequest) => {
    const fileOr = (fileDescriptorProto: Uint8Array[] | undefined, what: string) =>
      fileDescriptorProto === undefined
        ? failure(Code.NotFound, `there is no ${what}`)
        : { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
    switch (asked.case) {
      case "listServices":
        return { case: "listServicesResponse" as const, value: { service: services.map((name) => ({ name })) } };
      case "fileByFilename":
        return fileOr(index().fileNamed(asked.value), `file ${JSON.stringify(asked.value)}`);
      case "fileContainingSymbol":
        return fileOr(index().fileDefining(asked.value), `symbol ${JSON.stringify(asked.value)}`);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        return failure(Code.NotFound, `there is no extension ${extensionNumber} of ${JSON.stringify(containingType)}`);
      }
      case "allExtensionNumbersOfType":
        if (!index().hasMessage(asked.value)) {
          return failure(Code.NotFound, `there is no message ${JSON.stringify(asked.value)}`);
        }
        return {
          case: "allExtensionNumbersResponse" as const,
          value: { baseTypeName: asked.value, extensionNumber: [] },
        };
      default:
        return failure(Code.InvalidArgument, "the request asks for nothing: set one of message_request");
    }
  };
  const answers = <R extends Request | AlphaRequest>(requests: AsyncIterable<R>) =>
    mapUntil(requests, options.closed, (request) => ({
      validHost: request.host,
      originalRequest: request,
      messageResponse: bodyOf(request),
    }));
  router.service(ServerReflection, { serverReflectionInfo: answers<Request> });
  router.service(ServerReflectionAlpha, { serverReflectionInfo: answers<AlphaRequest> });
}

function failure(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}

/** One answer a request. Fails with INSTANCE_UNAVAILABLE once `closed` aborts, so that clients come back. */
async function* mapUntil<R, A>(
  requests: AsyncIterable<R>,
  closed: AbortSignal,
  answer: (request: R) => A,
): AsyncGenerator<A> {
  const source = requests[Symbol.asyncIterator]();
  let stop = (): void => {};
  const stopped = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    closed.addEventListener("abort", stop, { once: true });
    if (closed.aborted) stop();
  });
  try {
    for (;;) {
      const result = await Promise.race([source.next(), stopped]);
      if (result === undefined)
        throw new WindlassError("INSTANCE_UNAVAILABLE", "the controller is stopping: ask again");
      if (result.done === true) return;
      yield answer(result.value);
    }
  } finally {
    closed.removeEventListener("abort", stop);
  }
}
