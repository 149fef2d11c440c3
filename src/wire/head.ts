/** Heads of requests and answers as the payloads of `open` and `head` have them. Pure. */
import { CALL_KINDS, type CallKind, FrameType, MAX_PAYLOAD_BYTES, WireError } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";

/** The head of a request. */
export interface RequestHead {
  readonly kind: CallKind;
  readonly method: string;
  /** Starts with "/"; with the query. */
  readonly path: string;
  /** Of a slot that was reserved; else empty. */
  readonly reservation: string;
  /** Whether, and how, it may wait for a slot of a full replica. */
  readonly wait: Wait | undefined;
  /** Name, value, name, value, … */
  readonly headers: readonly string[];
}

/** How a request waits at a full replica. Whole milliseconds. */
export interface Wait {
  /** How long it has waited elsewhere, more by its priority or less: below 0 it goes behind who comes later. */
  readonly waitedMs: number;
  /** How long it waits there, above 0. */
  readonly patienceMs: number;
}

/** What a call's answer holds; "" for other kinds. In the order of their numbers on the wire. */
export const CALL_RESULTS = ["", "value", "stream", "error"] as const;

/** One of {@link CALL_RESULTS}. */
export type CallResult = (typeof CALL_RESULTS)[number];

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly result: CallResult;
  /** Of the slot that was reserved; else empty. */
  readonly reservation: string;
  /** Name, value, name, value, … */
  readonly headers: string[];
}

/** A head and the part of the body that came with it. */
export interface WithBody<Head> {
  readonly head: Head;
  readonly body: Buffer;
}

const OPEN_FIXED = 9;
const HEAD_FIXED = 3;

/** Says what the wire cannot carry of a request, or undefined. */
export function problemOf(head: RequestHead): string | undefined {
  if (!isToken(head.method)) return `the method ${JSON.stringify(head.method)} is not one`;
  if (!isPath(head.path)) return `the path ${JSON.stringify(head.path)} holds what no path may`;
  const { headers } = head;
  let length = head.method.length + head.path.length;
  for (let i = 0; i < headers.length; i++) {
    const text = headers[i]!;
    length += text.length + 1;
    if (!VALUE.test(text)) return `the header ${JSON.stringify(headers[i - (i % 2)])} holds what no header may`;
  }
  if (length > MAX_HEAD_BYTES) return `its head has ${length} bytes, at most ${MAX_HEAD_BYTES} are allowed`;
  return undefined;
}

/** Bytes of a head; what remains of a payload is for the body. */
const MAX_HEAD_BYTES = MAX_PAYLOAD_BYTES / 2;

/** What a header may hold: HTTP's writers throw at the rest, and in latin1 some letters become line feeds. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PATH = /^[\x21-\x7e\x80-\xff]+$/;

function isToken(text: string): boolean {
  return text === "GET" || text === "POST" || TOKEN.test(text);
}

function isPath(text: string): boolean {
  return PATH.test(text);
}

/** Writes `open`. The head must have no {@link problemOf problem}; `body` may have up to MAX_DATA_BYTES. */
export function writeOpen(writer: FrameWriter, id: number, head: RequestHead, body: Uint8Array | null, end: boolean) {
  const kind = CALL_KINDS.indexOf(head.kind);
  const { headers } = head;
  let text = `${head.method}\n${head.path}\n${head.reservation}`;
  for (let i = 0; i < headers.length; i++) text += `\n${headers[i]}`;
  const fill = (slab: Buffer, at: number): void => {
    slab[at] = kind;
    slab.writeInt32LE(signed(head.wait?.waitedMs ?? 0), at + 1);
    slab.writeUInt32LE(bounded(head.wait?.patienceMs ?? 0), at + 5);
  };
  writer.head(FrameType.open, id, end, OPEN_FIXED, fill, text, body);
}

/** Reads what {@link writeOpen} wrote. Throws a WireError. */
export function readOpen(payload: Buffer): WithBody<RequestHead> {
  const { lines, body } = readHead(payload, OPEN_FIXED);
  const kind = CALL_KINDS[payload[0]!];
  if (kind === undefined || lines.length < 3 || lines.length % 2 === 0) throw new WireError("the head is malformed");
  const [method, path, reservation] = lines as [string, string, string];
  const patienceMs = payload.readUInt32LE(5);
  const wait = patienceMs === 0 ? undefined : { waitedMs: payload.readInt32LE(1), patienceMs };
  return { head: { kind, method, path, reservation, wait, headers: lines.slice(3) }, body };
}

function signed(ms: number): number {
  return Math.min(Math.max(-0x8000_0000, Math.ceil(ms)), 0x7fff_ffff);
}

function bounded(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), 0xffff_ffff);
}

/** Writes `head`. Headers without line feeds; `body` may have up to MAX_DATA_BYTES. */
export function writeHead(writer: FrameWriter, id: number, head: AnswerHead, body: Uint8Array | null, end: boolean) {
  const { status, headers } = head;
  const result = CALL_RESULTS.indexOf(head.result);
  let text = head.reservation;
  for (let i = 0; i < headers.length; i++) text += `\n${headers[i]}`;
  const fill = (slab: Buffer, at: number): void => {
    slab.writeUInt16LE(status, at);
    slab[at + 2] = result;
  };
  writer.head(FrameType.head, id, end, HEAD_FIXED, fill, text, body);
}

/** Reads what {@link writeHead} wrote. Throws a WireError. */
export function readAnswer(payload: Buffer): WithBody<AnswerHead> {
  const { lines, body } = readHead(payload, HEAD_FIXED);
  const result = CALL_RESULTS[payload[2]!];
  if (result === undefined || lines.length % 2 === 0) throw new WireError("the head is malformed");
  const reservation = lines.shift()!;
  return { head: { status: payload.readUInt16LE(0), result, reservation, headers: lines }, body };
}

/** Whether names and values may be a head or trailers: no longer than a frame, and such as HTTP has. */
export function fitsHead(headers: readonly string[]): boolean {
  let length = 0;
  for (let i = 0; i < headers.length; i++) {
    const text = headers[i]!;
    length += text.length + 1;
    if (!(i % 2 === 0 ? TOKEN : VALUE).test(text)) return false;
  }
  return length <= MAX_HEAD_BYTES;
}

/** Writes `trailers`, the end of an answer: name, value, … that {@link fitsHead fit}. */
export function writeTrailers(writer: FrameWriter, id: number, trailers: readonly string[]): void {
  writer.head(FrameType.trailers, id, true, 0, () => {}, trailers.join("\n"), null);
}

/** Reads what {@link writeTrailers} wrote. Throws a WireError. */
export function readTrailers(payload: Buffer): string[] {
  const { lines, body } = readHead(payload, 0);
  if (lines.length === 1 && lines[0] === "") return [];
  if (lines.length % 2 === 1 || body.length > 0) throw new WireError("the trailers are malformed");
  return lines;
}

function readHead(payload: Buffer, fixed: number): { lines: string[]; body: Buffer } {
  const start = fixed + 4;
  if (payload.length < start) throw new WireError("the head is cut short");
  const end = start + payload.readUInt32LE(fixed);
  if (end > payload.length) throw new WireError("the head is cut short");
  return { lines: payload.toString("latin1", start, end).split("\n"), body: payload.subarray(end) };
}
