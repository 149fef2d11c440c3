/** The gRPC service of the application under test: bytes in and out. Described here, so that nothing is generated. */
import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { GenService } from "@bufbuild/protobuf/codegenv2";
import {
  type BytesValueSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type MethodDescriptorProto,
} from "@bufbuild/protobuf/wkt";

const BYTES = ".google.protobuf.BytesValue";

const method = (name: string, streams: Partial<MethodDescriptorProto> = {}) => ({
  name,
  inputType: BYTES,
  outputType: BYTES,
  ...streams,
});

const file = create(FileDescriptorProtoSchema, {
  name: "three_paths.proto",
  package: "three.paths",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [
    {
      name: "Paths",
      method: [
        method("Ask"),
        method("Tell", { serverStreaming: true }),
        method("Take", { clientStreaming: true }),
        method("Absent"),
      ],
    },
  ],
});

type Bytes = typeof BytesValueSchema;

/** `three.paths.Paths`. `Absent` is implemented by nobody. */
export const PathsService = createFileRegistry(file, () => file_google_protobuf_wrappers).getService(
  "three.paths.Paths",
) as GenService<{
  ask: { methodKind: "unary"; input: Bytes; output: Bytes };
  tell: { methodKind: "server_streaming"; input: Bytes; output: Bytes };
  take: { methodKind: "client_streaming"; input: Bytes; output: Bytes };
}>;
