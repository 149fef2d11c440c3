/** What the errors of calls carry beside code and message, for both ends. */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { type Any, AnySchema, anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { BadRequestSchema, type ErrorInfo, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";

/** Metadata with a `google.rpc.Status`, as all gRPC implementations send it. */
const DETAILS = "grpc-status-details-bin";

/** A problem with one field of a request. */
export interface FieldViolation {
  /** Path in the request; empty where it is the whole. */
  readonly field: string;
  readonly description: string;
}

/** The machine-readable reason of a failed call, such as "STALE_ETAG"; undefined where it has none. docs/errors.md lists them. */
export function reasonOf(error: unknown): string | undefined {
  return errorInfoOf(error)?.reason;
}

/** Reason, domain and metadata of a failed call; undefined where it has none. */
export function errorInfoOf(error: unknown): ErrorInfo | undefined {
  return detailOf(error, ErrorInfoSchema);
}

/** What was wrong with which field, of a call that failed with INVALID_ARGUMENT; else empty. */
export function violationsOf(error: unknown): readonly FieldViolation[] {
  return (detailOf(error, BadRequestSchema)?.fieldViolations ?? []).map(({ field, description }) => ({
    field,
    description,
  }));
}

/** The first detail of a type that an error carries. */
function detailOf<D extends DescMessage>(error: unknown, schema: D): MessageShape<D> | undefined {
  const metadata = (error as Partial<grpc.ServiceError> | null | undefined)?.metadata;
  if (!(metadata instanceof Object) || typeof metadata.get !== "function") return undefined;
  const [bytes] = metadata.get(DETAILS);
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    for (const any of readDetails(bytes)) {
      const detail = anyUnpack(any, schema);
      if (detail !== undefined) return detail;
    }
  } catch {
    // Not what it claims to be: the error is still one, without details.
  }
  return undefined;
}

/** What {@link grpcError} takes beside code and message. */
export interface GrpcErrorDetails {
  /** In capitals, such as "OUT_OF_STOCK". */
  readonly reason: string;
  /** Whose reason it is, such as the service's host name. */
  readonly domain: string;
  /** Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default: none. */
  readonly violations?: readonly FieldViolation[];
}

/** An error that a handler on a grpc-js server answers with: `callback(grpcError(status.NOT_FOUND, "…", {…}))`. */
export function grpcError(
  code: grpc.status,
  message: string,
  details?: GrpcErrorDetails,
): Error & { code: grpc.status; details: string; metadata: grpc.Metadata } {
  const metadata = new grpc.Metadata();
  if (details !== undefined) {
    const { reason, domain, violations = [] } = details;
    const info = create(ErrorInfoSchema, { reason, domain, metadata: { ...details.metadata } });
    const anys = [anyPack(ErrorInfoSchema, info)];
    if (violations.length > 0) {
      const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
      anys.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
    }
    metadata.set(DETAILS, Buffer.from(writeStatus(code, message, anys)));
  }
  return Object.assign(new Error(message), { code, details: message, metadata });
}

/** The field `details` of a `google.rpc.Status`: its third. */
function readDetails(bytes: Uint8Array): Any[] {
  const reader = new BinaryReader(bytes);
  const details: Any[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 3) details.push(fromBinary(AnySchema, reader.bytes()));
    else reader.skip(wireType, field);
  }
  return details;
}

function writeStatus(code: number, message: string, details: readonly Any[]): Uint8Array {
  // A tag is the field's number and how it is encoded: 0 is a varint, 2 has a length before it.
  const writer = new BinaryWriter().tag(1, 0).int32(code).tag(2, 2).string(message);
  for (const detail of details) writer.tag(3, 2).bytes(toBinary(AnySchema, detail));
  return writer.finish();
}
