/** The ways to an application, each driven alike: over HTTP, over gRPC, and by a handle from outside and from inside. */
import { randomUUID } from "node:crypto";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect, constants } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { BackPressureError, DeploymentUnavailableError, getAppHandle } from "../../../src/sdk/index.ts";
import type { Onward, Order } from "./app.ts";

/** How an order is sent. */
export interface Asked {
  /** Default: `paths`. */
  readonly application?: string;
  /** Over HTTP. Default: POST. */
  readonly method?: string;
  /** The answer comes in pieces. */
  readonly stream?: boolean;
  /** The request does; its sender ends it by {@link Sent.finish}. Not by handles. */
  readonly upload?: boolean;
  readonly payload?: Uint8Array;
  /** Not by handles. */
  readonly requestId?: string;
  readonly model?: string;
  readonly timeoutS?: number;
  /** Not by handles. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Takes no more than the first piece until {@link Sent.resume}. */
  readonly slow?: boolean;
}

/** An order on its way. */
export interface Sent {
  /** How it ended, in the words of its way; `<id>` stands for the id of the request. Never rejects. */
  readonly end: Promise<string>;
  /** What came so far. */
  readonly pieces: Buffer[];
  /** The same of handles, as it came. */
  readonly values: unknown[];
  /** The id of the request as the caller knows it: by the answer over HTTP and gRPC. */
  readonly requestId: string;
  /** The answer's headers and trailers; empty of handles. */
  readonly headers: Readonly<Record<string, string>>;
  cancel(): void;
  resume(): void;
  /** Sends a piece of an upload. */
  more(piece: Uint8Array): void;
  finish(): void;
}

/** A way. */
export interface Column {
  readonly name: ColumnName;
  send(order: Order, asked?: Asked): Sent;
  close(): void;
}

/** The names of the ways, in their order. */
export const COLUMNS = ["http", "grpc", "handle", "inside"] as const;
/** One of {@link COLUMNS}. */
export type ColumnName = (typeof COLUMNS)[number];

const NO_BYTES = Buffer.alloc(0);

/** Where applications are found over HTTP. */
export const prefixOf = (application: string): string => `/${application}`;

/** Over HTTP. */
export function httpColumn(base: string): Column {
  return {
    name: "http",
    close() {},
    send(order, asked = {}) {
      const { application = "paths", method = "POST", requestId, model, timeoutS, headers } = asked;
      const { promise: end, resolve } = Promise.withResolvers<string>();
      let answer: IncomingMessage | undefined;
      const pieces: Buffer[] = [];
      const request = httpRequest(`${base}${prefixOf(application)}/`, {
        method,
        agent: false,
        headers: {
          "x-order": JSON.stringify(order),
          ...(asked.stream ? { "x-stream": "1" } : {}),
          ...(requestId === undefined ? {} : { "x-request-id": requestId }),
          ...(model === undefined ? {} : { serve_multiplexed_model_id: model }),
          ...(timeoutS === undefined ? {} : { "x-request-timeout-seconds": String(timeoutS) }),
          ...headers,
        },
      });
      const idOf = (): string => String(answer?.headers["x-request-id"] ?? "");
      let left = false;
      const failed = (error: NodeJS.ErrnoException): void => resolve(left ? "gone" : answer ? "cut off" : error.code!);
      request.on("error", failed);
      request.on("response", (response) => {
        answer = response;
        response.on("data", (piece: Buffer) => void pieces.push(piece));
        response.on("error", failed);
        response.on("end", () => {
          const { statusCode = 0, headers } = response;
          const retry = headers["retry-after"] === undefined ? "" : `, retry-after ${headers["retry-after"]}`;
          const body = statusCode < 300 ? "" : ` ${Buffer.concat(pieces)}`;
          resolve(named(`${statusCode}${body}${retry}`, idOf()));
        });
        if (asked.slow) response.once("data", () => response.pause());
      });
      if (asked.upload) request.flushHeaders();
      else request.end(method === "GET" ? undefined : asked.payload);
      return {
        end,
        pieces,
        values: [],
        get requestId() {
          return idOf();
        },
        get headers() {
          return (answer?.headers ?? {}) as Record<string, string>;
        },
        cancel() {
          left = true;
          request.destroy();
          resolve("gone");
        },
        resume: () => void answer?.resume(),
        more: (piece) => void request.write(piece),
        finish: () => void request.end(),
      };
    },
  };
}

const encode = (value: Uint8Array): Buffer =>
  Buffer.from(toBinary(BytesValueSchema, create(BytesValueSchema, { value })));
const decode = (bytes: Buffer): Buffer => Buffer.from(fromBinary(BytesValueSchema, bytes).value);

/** Over gRPC, by grpc-js. */
export function grpcColumn(address: string): Column {
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
    "grpc.enable_retries": 0,
  });
  return {
    name: "grpc",
    close: () => client.close(),
    send(order, asked = {}) {
      if (asked.slow) return slowReader(address, order);
      const { application = "paths", requestId, model, timeoutS, headers } = asked;
      const metadata = new grpc.Metadata();
      const said = {
        application,
        "x-order": JSON.stringify(order),
        ...(requestId === undefined ? {} : { request_id: requestId }),
        ...(model === undefined ? {} : { multiplexed_model_id: model }),
        // As a deadline the client's library would keep it, too, with other words.
        ...(timeoutS === undefined ? {} : { "grpc-timeout": `${timeoutS * 1_000}m` }),
        ...headers,
      };
      for (const [name, value] of Object.entries(said)) {
        metadata.set(name, name.endsWith("-bin") ? Buffer.from(value, "base64") : value);
      }
      const { promise: end, resolve } = Promise.withResolvers<string>();
      const pieces: Buffer[] = [];
      const told: Record<string, string> = {};
      const payload = asked.payload ?? NO_BYTES;
      const path = `/three.paths.Paths/${order.do === "absent" ? "Absent" : asked.upload ? "Take" : asked.stream ? "Tell" : "Ask"}`;
      const only = (_error: unknown, value: Buffer | undefined): void => void (value && pieces.push(value));
      const reading = asked.stream
        ? client.makeServerStreamRequest(path, encode, decode, payload, metadata)
        : undefined;
      const writing = asked.upload ? client.makeClientStreamRequest(path, encode, decode, metadata, only) : undefined;
      const call = reading ?? writing ?? client.makeUnaryRequest(path, encode, decode, payload, metadata, only);
      reading?.on("data", (piece: Buffer) => pieces.push(piece));
      const hear = (metadata: grpc.Metadata): void => void Object.assign(told, metadata.getMap());
      call.on("metadata", hear);
      call.on("error", () => {});
      call.on("status", ({ code, details, metadata }: grpc.StatusObject) => {
        hear(metadata);
        const pushback = told["grpc-retry-pushback-ms"];
        const text = code === grpc.status.OK || code === grpc.status.CANCELLED ? "" : ` ${details}`;
        const retry = pushback === undefined ? "" : `, pushback ${pushback} ms`;
        resolve(named(`${grpc.status[code]}${text}${retry}`, told["request_id"] ?? ""));
      });
      return {
        end,
        pieces,
        values: [],
        get requestId() {
          return String(told["request_id"] ?? "");
        },
        headers: told,
        cancel: () => call.cancel(),
        resume() {},
        more: (piece) => void writing?.write(piece),
        finish: () => void writing?.end(),
      };
    },
  };
}

/** A stream over HTTP/2 as it is: grpc-js goes on reading for those that do not. */
function slowReader(address: string, order: Order): Sent {
  const { promise: end, resolve } = Promise.withResolvers<string>();
  const session = connect(`http://${address}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/three.paths.Paths/Tell",
    "content-type": "application/grpc",
    te: "trailers",
    application: "paths",
    "x-order": JSON.stringify(order),
  });
  stream.end(Buffer.alloc(5));
  const pieces: Buffer[] = [];
  let rest = Buffer.alloc(0);
  stream.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const until = 5 + rest.readUInt32BE(1);
      if (pieces.push(decode(rest.subarray(5, until))) === 1) stream.pause();
      rest = rest.subarray(until);
    }
  });
  stream.on("trailers", (trailers) => resolve(String(grpc.status[Number(trailers["grpc-status"])])));
  stream.on("error", () => resolve("CANCELLED"));
  stream.on("close", () => {
    resolve("CANCELLED");
    session.close();
  });
  return {
    end,
    pieces,
    values: [],
    requestId: "",
    headers: {},
    cancel: () => stream.close(constants.NGHTTP2_CANCEL),
    resume: () => void stream.resume(),
    more: unasked,
    finish: unasked,
  };
}

type Method = "ask" | "tell" | "absent";
type Called = (...args: unknown[]) => { requestId: string; cancel(): void };
type Calls = Record<Method, { remote: Called }> & { options(options: object): Calls };

/** By a handle: of this process, or inside of a replica, where this process has `relay` call. */
export function handleColumn(name: "handle" | "inside"): Column {
  return {
    name,
    close() {},
    send(order, asked = {}) {
      const { application = "paths", model = "", timeoutS, payload = NO_BYTES, stream = false } = asked;
      const onward: Onward = { application, model, timeoutS };
      const target = getAppHandle<unknown>(name === "inside" ? "relay" : application) as unknown as Calls;
      const handle = target.options({
        stream,
        ...(name === "inside" ? {} : { multiplexedModelId: model, ...(timeoutS === undefined ? {} : { timeoutS }) }),
      });
      const absent = name === "handle" && order.do === "absent";
      const response = handle[absent ? "absent" : stream ? "tell" : "ask"].remote(order, payload, onward);
      const pieces: Buffer[] = [];
      const values: unknown[] = [];
      const take = (value: unknown): void => {
        values.push(value);
        pieces.push(bytesOf(value));
      };
      const go = Promise.withResolvers<void>();
      const read = async (): Promise<string> => {
        if (!stream) {
          take(await (response as unknown as PromiseLike<unknown>));
          return "value";
        }
        for await (const item of response as unknown as AsyncIterable<unknown>) {
          take(item);
          if (asked.slow) await go.promise;
        }
        return "items";
      };
      return {
        end: read().catch((error: unknown) => named(errorText(error), response.requestId)),
        pieces,
        values,
        requestId: response.requestId,
        headers: {},
        cancel: () => response.cancel(),
        resume: () => go.resolve(),
        more: unasked,
        finish: unasked,
      };
    },
  };
}

const unasked = (): never => {
  throw new Error("it was sent whole");
};

const bytesOf = (value: unknown): Buffer =>
  value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(JSON.stringify(value));

function errorText(error: unknown): string {
  const { name, message } = error as Error;
  const retry = (s: number | null): string => (s === null ? "" : `, retryAfterS ${s}`);
  if (error instanceof BackPressureError) return `${name} ${message}, ${error.statusCode}${retry(error.retryAfterS)}`;
  if (error instanceof DeploymentUnavailableError) return `${name} ${message}${retry(error.retryAfterS)}`;
  return name === "RequestCancelledError" ? name : `${name} ${message}`;
}

const named = (text: string, id: string): string => (id === "" ? text : text.replaceAll(id, "<id>"));

/** An id that nobody else has. */
export const freshId = (): string => `given-${randomUUID()}`;
