/**
 * Messages of watches as bytes. What a message is about is encoded once and kept with it; a message is that with a few
 * bytes before it, the same as protobuf's own encoding would be. Pure.
 */
import { toBinary, toJson } from "@bufbuild/protobuf";
import { ApplicationSchema } from "../../gen/windlass/v1/application_pb.ts";
import { DeploymentSchema, ReplicaSchema } from "../../gen/windlass/v1/deployment_pb.ts";
import { InstanceSchema } from "../../gen/windlass/v1/instance_pb.ts";
import type { ResourceEvent } from "./feed-event.ts";
import type { WatchMessage } from "./feed-loop.ts";

/**
 * How messages are sent: in which response message (that of WatchInstance, or of the watch of one kind), as an envelope
 * of gRPC, gRPC-web and Connect with protobuf or JSON in it, or as a server-sent event.
 */
export type Wire = `${"instance" | "application" | "deployment" | "replica"}/${"proto" | "json"}` | "instance/events";

/** Messages that belong together, in order, and their bytes as far as somebody wanted them. */
export interface FeedBatch {
  readonly items: readonly WatchMessage<ResourceEvent>[];
  readonly bytes: Map<Wire, Buffer>;
}

/** A batch that nobody has encoded yet. */
export function batchOf(items: readonly WatchMessage<ResourceEvent>[]): FeedBatch {
  return { items, bytes: new Map() };
}

/** The batch as it goes over the wire; made once for each. */
export function batchBytes(batch: FeedBatch, wire: Wire): Buffer {
  let bytes = batch.bytes.get(wire);
  if (bytes === undefined) {
    const all = batch.items.map((item) => messageBytes(item, wire));
    bytes = all.length === 1 ? all[0]! : Buffer.concat(all);
    batch.bytes.set(wire, bytes);
  }
  return bytes;
}

function messageBytes(item: WatchMessage<ResourceEvent>, wire: Wire): Buffer {
  if (wire === "instance/events") return Buffer.from(eventText(item));
  const [response, codec] = wire.split("/") as [
    "instance" | "application" | "deployment" | "replica",
    "proto" | "json",
  ];
  return codec === "json"
    ? envelope(Buffer.from(messageJson(item, response !== "instance")))
    : protoEnvelope(item, response);
}

/**
 * One server-sent event. Only the last of a revision has an `id`, so a client that is cut in the middle of one resumes
 * after the one before and is sent the whole revision again.
 */
function eventText(item: WatchMessage<ResourceEvent>): string {
  const { revision, complete, event } = item;
  const id = complete ? `id: ${revision}\n` : "";
  return `${id}event: ${event?.case ?? "progress"}\ndata: ${messageJson(item, false)}\n\n`;
}

function messageJson({ revision, event }: WatchMessage<ResourceEvent>, oneKind: boolean): string {
  const fields: string[] = [];
  if (revision !== 0) fields.push(`"revision":"${revision}"`);
  if (event?.case === "synced") fields.push(`"synced":true`);
  else if (event?.case === "deleted") fields.push(`"deleted":${JSON.stringify(event.value)}`);
  else if (event !== undefined) fields.push(`"${oneKind ? "updated" : event.case}":${eventJson(event)}`);
  return `{${fields.join(",")}}`;
}

/** Field numbers in WatchInstanceResponse; the watches of one kind have `updated`, `deleted` and `synced` from 2 on. */
const FIELDS = { instance: 2, application: 3, deployment: 4, replica: 5, deleted: 6, synced: 7 } as const;
const KIND_FIELDS = { instance: 2, application: 2, deployment: 2, replica: 2, deleted: 3, synced: 4 } as const;
const VARINT = 0;
const LENGTH_DELIMITED = 2;

function protoEnvelope({ revision, event }: WatchMessage<ResourceEvent>, response: string): Buffer {
  const head: number[] = revision === 0 ? [] : [(1 << 3) | VARINT, ...varint(revision)];
  if (event === undefined) return envelope(Buffer.from(head));
  const field = (response === "instance" ? FIELDS : KIND_FIELDS)[event.case];
  if (event.case === "synced") return envelope(Buffer.from([...head, (field << 3) | VARINT, 1]));
  const body = encodedEvent(event);
  head.push((field << 3) | LENGTH_DELIMITED, ...varint(body.length));
  return envelope(Buffer.from(head), body);
}

/** The five bytes that gRPC, gRPC-web and Connect have before an uncompressed message, and the message. */
function envelope(head: Uint8Array, body: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.allocUnsafe(5 + head.length + body.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(head.length + body.length, 1);
  bytes.set(head, 5);
  bytes.set(body, 5 + head.length);
  return bytes;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  // Not by shifts: revisions may go beyond 32 bits.
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  bytes.push(rest);
  return bytes;
}

const encoded = new WeakMap<ResourceEvent, Uint8Array>();
const asJson = new WeakMap<ResourceEvent, string>();

/** What an event is about as protobuf has it inside of the message; the name where it was deleted. */
export function encodedEvent(event: ResourceEvent): Uint8Array {
  let bytes = encoded.get(event);
  if (bytes === undefined) {
    bytes = encode(event);
    encoded.set(event, bytes);
  }
  return bytes;
}

function encode(event: ResourceEvent): Uint8Array {
  switch (event.case) {
    case "instance":
      return toBinary(InstanceSchema, event.value);
    case "application":
      return toBinary(ApplicationSchema, event.value);
    case "deployment":
      return toBinary(DeploymentSchema, event.value);
    case "replica":
      return toBinary(ReplicaSchema, event.value);
    case "deleted":
      return Buffer.from(event.value);
  }
}

function eventJson(event: Exclude<ResourceEvent, { readonly case: "deleted" }>): string {
  let text = asJson.get(event);
  if (text === undefined) {
    text = JSON.stringify(jsonOf(event));
    asJson.set(event, text);
  }
  return text;
}

function jsonOf(event: Exclude<ResourceEvent, { readonly case: "deleted" }>) {
  switch (event.case) {
    case "instance":
      return toJson(InstanceSchema, event.value);
    case "application":
      return toJson(ApplicationSchema, event.value);
    case "deployment":
      return toJson(DeploymentSchema, event.value);
    case "replica":
      return toJson(ReplicaSchema, event.value);
  }
}
