/** Answers gRPC calls: one way for all that can be registered. */
import { isHopByHop } from "../routing/hop-by-hop.ts";
import { fitsHead } from "../wire/head.ts";
import { escapeMessage, GRPC_CODE, type GrpcError } from "./grpc-status.ts";
import type { Inbound, InboundBody } from "./inbound.ts";
import type { Outbound } from "./outbound.ts";
import type { RequestScope } from "./request-scope.ts";

/** Works on a call until its answer was written; resolves with its status. Rejects where none could be written. */
export type GrpcMethod = (inbound: Inbound, out: Outbound, scope: RequestScope) => Promise<number>;

/** What a deployment serves over gRPC. */
export interface GrpcService {
  /** By path: `/pkg.Service/Method`. */
  readonly methods: ReadonlyMap<string, GrpcMethod>;
  /** The same for clients of Connect and gRPC-web, over HTTP. */
  fetch(request: Request): Promise<Response>;
}

/** Answers a call; resolves with its status. */
export async function serveGrpc(
  service: GrpcService | undefined,
  application: string,
  inbound: Inbound,
  out: Outbound,
  scope: RequestScope,
): Promise<number> {
  const { path } = inbound.head;
  const method = service?.methods.get(path);
  if (method !== undefined) return await method(inbound, out, scope);
  const message = `application "${application}" serves no gRPC method ${path}`;
  refuse(out, { code: GRPC_CODE.unimplemented, message });
  return GRPC_CODE.unimplemented;
}

/** Answers with a failure and nothing else. */
export function refuse(out: Outbound, error: GrpcError): void {
  out.head(200, ["content-type", "application/grpc", ...trailersOf(error)]);
  out.end();
}

/** The end of an answer, less what cannot be sent; returns its status. */
export function endWith(out: Outbound, trailers: readonly string[]): number {
  const said = fits(trailers) ? trailers : trailersOf(tooLarge("trailers"));
  out.endWith(said);
  const at = said.findIndex((text, i) => i % 2 === 0 && text === "grpc-status");
  return at === -1 ? GRPC_CODE.unknown : Number(said[at + 1]);
}

/** Sets the head of an answer; false: it cannot be sent, and the call was refused. */
export function beginWith(out: Outbound, status: number, headers: string[]): boolean {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    // Nobody can know it before all messages are written.
    if (headers[i] === "content-length") headers.splice(i, 2);
  }
  if (fits(headers)) {
    out.head(status, headers);
    return true;
  }
  refuse(out, tooLarge("metadata"));
  return false;
}

/** Bytes of metadata, or of trailers, that the proxy sends and clients take, less room for what the proxy adds. */
const MAX_METADATA_BYTES = 64_000;
/** HTTP/2 counts so much beside each name and value. */
const PAIR_BYTES = 32;

function fits(pairs: readonly string[]): boolean {
  let bytes = (pairs.length / 2) * PAIR_BYTES;
  for (const text of pairs) bytes += text.length;
  return bytes <= MAX_METADATA_BYTES && fitsHead(pairs);
}

function tooLarge(what: "metadata" | "trailers"): GrpcError {
  const message = `the answer's ${what} are larger than ${MAX_METADATA_BYTES} bytes, or hold what none may; send them as a message`;
  return { code: GRPC_CODE.resourceExhausted, message };
}

/** The pieces of a request's body. */
export async function* piecesOf(body: InboundBody): AsyncGenerator<Uint8Array> {
  for (let piece = await body.next(); piece !== null; piece = await body.next()) yield piece;
}

/** A request's metadata without what concerns the way here alone: name, value, … */
export function* metadataOf({ head: { headers } }: Inbound): Generator<readonly [string, string]> {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (!isHopByHop(name) && !name.startsWith("x-windlass-")) yield [name, headers[i + 1]!];
  }
}

function trailersOf({ code, message }: GrpcError): string[] {
  return ["grpc-status", String(code), "grpc-message", escapeMessage(message)];
}
