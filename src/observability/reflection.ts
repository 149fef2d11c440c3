/** What a port answers to grpc.reflection: which services there are, and the files that define them. */
import type { DescFile } from "@bufbuild/protobuf";
import {
  type ServerReflectionRequest as Request,
  ServerReflection,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";
import {
  type ServerReflectionRequest as AlphaRequest,
  ServerReflection as ServerReflectionAlpha,
} from "../../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { createSymbolIndex, type SymbolIndex } from "./symbols.ts";

/** What there is to tell of. */
export interface ReflectedServices {
  /** Names of the services, without reflection's own. */
  readonly services: readonly string[];
  /** Files that define them, and others that clients need, such as those of error details. */
  readonly files: readonly DescFile[];
}

/** Codes of gRPC. */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;

/** Makes the function that answers one request; v1 and v1alpha have the same messages under two names. */
export function reflectionAnswers({ services, files }: ReflectedServices) {
  const own = [ServerReflection, ServerReflectionAlpha];
  // Made when somebody asks first.
  let made: SymbolIndex | undefined;
  const index = (): SymbolIndex => {
    made ??= createSymbolIndex([...files, ...own.map(({ file }) => file)]);
    return made;
  };
  const names = [...services, ...own.map(({ typeName }) => typeName)].sort();
  const fileOr = (fileDescriptorProto: Uint8Array[] | undefined, what: string) =>
    fileDescriptorProto === undefined
      ? failure(NOT_FOUND, `there is no ${what}`)
      : { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };

  const bodyOf = ({ messageRequest: asked }: Request | AlphaRequest) => {
    switch (asked.case) {
      case "listServices":
        return { case: "listServicesResponse" as const, value: { service: names.map((name) => ({ name })) } };
      case "fileByFilename":
        return fileOr(index().fileNamed(asked.value), `file ${JSON.stringify(asked.value)}`);
      case "fileContainingSymbol":
        return fileOr(index().fileDefining(asked.value), `symbol ${JSON.stringify(asked.value)}`);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = asked.value;
        return failure(NOT_FOUND, `there is no extension ${extensionNumber} of ${JSON.stringify(containingType)}`);
      }
      case "allExtensionNumbersOfType":
        if (!index().hasMessage(asked.value)) {
          return failure(NOT_FOUND, `there is no message ${JSON.stringify(asked.value)}`);
        }
        return {
          case: "allExtensionNumbersResponse" as const,
          value: { baseTypeName: asked.value, extensionNumber: [] },
        };
      default:
        return failure(INVALID_ARGUMENT, "the request asks for nothing: set one of message_request");
    }
  };
  return <R extends Request | AlphaRequest>(request: R) => ({
    validHost: request.host,
    originalRequest: request,
    messageResponse: bodyOf(request),
  });
}

function failure(errorCode: number, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}
