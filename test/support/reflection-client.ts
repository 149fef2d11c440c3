/** A gRPC client that knows nothing but the reflection protocol: what it calls, it learns from the server. */
import {
  createFileRegistry,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../gen/grpc/reflection/v1/reflection_pb.ts";

/** Which of the two wire-identical services is asked. */
export type ReflectionVersion = "v1" | "v1alpha";

/** One question in JSON form, `{listServices: ""}`. */
export type Question = Record<string, JsonValue>;

/** See the file's comment. */
export interface ReflectionClient {
  /** Asks all questions on one stream and returns the answers in order. */
  ask(...questions: Question[]): Promise<ServerReflectionResponse[]>;
  /** Everything that a service's symbol needs. */
  registry(symbol: string): Promise<FileRegistry>;
  /** Calls a unary method with messages as JSON. */
  call(service: DescService, method: string, request: JsonValue): Promise<JsonValue>;
  close(): void;
}

/** Makes one for `host:port`. Without a token it sends none; `more` is sent as metadata. */
export function reflectionClient(
  address: string,
  token: string | undefined,
  version: ReflectionVersion = "v1",
  more: Readonly<Record<string, string>> = {},
): ReflectionClient {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);

  const ask = (...questions: Question[]): Promise<ServerReflectionResponse[]> =>
    new Promise((resolve, reject) => {
      const stream = client.makeBidiStreamRequest<ServerReflectionRequest, ServerReflectionResponse>(
        `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        (message) => Buffer.from(toBinary(ServerReflectionRequestSchema, message)),
        (bytes) => fromBinary(ServerReflectionResponseSchema, bytes),
        metadata,
      );
      const answers: ServerReflectionResponse[] = [];
      stream.on("data", (answer: ServerReflectionResponse) => answers.push(answer));
      stream.on("end", () => resolve(answers));
      stream.on("error", reject);
      for (const question of questions) stream.write(fromJson(ServerReflectionRequestSchema, question));
      stream.end();
    });

  return {
    ask,
    async registry(symbol) {
      const [answer] = await ask({ fileContainingSymbol: symbol });
      return createFileRegistry({
        $typeName: FileDescriptorSetSchema.typeName,
        file: parentsFirst(filesOf(answer)),
      });
    },
    call(service, name, request) {
      const method = service.methods.find((each) => each.name === name) as DescMethod;
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest<JsonValue, JsonValue>(
          `/${service.typeName}/${method.name}`,
          (value) => Buffer.from(toBinary(method.input, fromJson(method.input, value))),
          (bytes) => toJson(method.output, fromBinary(method.output, bytes)),
          request,
          metadata,
          (error, value) => (error ? reject(error) : resolve(value!)),
        );
      });
    },
    close: () => client.close(),
  };
}

/** The files in an answer. */
export function filesOf(answer: ServerReflectionResponse | undefined): FileDescriptorProto[] {
  const response = answer?.messageResponse;
  if (response?.case !== "fileDescriptorResponse") throw new Error(`no files: ${JSON.stringify(response)}`);
  return response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

/** A registry takes files only after all that they import. */
function parentsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const ordered = new Set<FileDescriptorProto>();
  const add = (name: string): void => {
    const file = byName.get(name);
    if (file === undefined) throw new Error(`${name} is imported but was not sent`);
    if (ordered.has(file)) return;
    file.dependency.forEach(add);
    ordered.add(file);
  };
  for (const { name } of files) add(name);
  return [...ordered];
}
