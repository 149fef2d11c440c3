/** Requests of scenarios as they are sent to a started Windlass. */
import { isRecord } from "../../config/schema-types.ts";
import { asDocument, type InstanceDocument } from "./document.ts";
import { type Answer, exchange } from "./exchange.ts";
import type { RunningWindlass } from "./instance.ts";
import { APPLICATIONS_PATH, type RecordedRequest } from "./scenario.ts";

/** The ports the recording used. */
const RECORDED_HTTP_PORT = 18_000;
const RECORDED_GRPC_PORT = 9_000;

/** The document of everything; undefined when it is not answered. */
export async function getDocument(windlass: RunningWindlass): Promise<InstanceDocument | undefined> {
  const answer = await exchange(windlass.control, { method: "GET", path: APPLICATIONS_PATH });
  return asDocument(answer.json);
}

/** Sends a recorded request; a body without a Content-Type is sent as JSON. */
export function send(windlass: RunningWindlass, request: RecordedRequest): Promise<Answer> {
  const base = request.target === undefined ? windlass.control : windlass.http;
  const { method, path, headers = {} } = request;
  const body = request.raw_body ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
  const type = typed || body === undefined ? {} : { "Content-Type": "application/json" };
  return exchange(base, { method, path, headers: { ...type, ...headers }, ...(body === undefined ? {} : { body }) });
}

/** The document that a request carries. */
export function bodyOf({ body, raw_body }: RecordedRequest): unknown {
  return raw_body === undefined ? body : JSON.parse(raw_body);
}

/** A step with our ports in place of the recording's. */
export function withPorts<T>(value: T, windlass: RunningWindlass): T {
  const http = Number(new URL(windlass.http).port);
  const grpc = Number(windlass.grpc.split(":").at(-1));
  const replace = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(replace);
    if (!isRecord(item)) return item;
    return Object.fromEntries(
      Object.entries(item).map(([key, entry]) => {
        if (key === "port" && entry === RECORDED_HTTP_PORT) return [key, http];
        if (key === "port" && entry === RECORDED_GRPC_PORT) return [key, grpc];
        return [key, replace(entry)];
      }),
    );
  };
  return replace(value) as T;
}
