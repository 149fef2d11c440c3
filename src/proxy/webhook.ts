import { request } from "node:http";
import type { Clock } from "../core/clock.ts";
import { MAX_SCALE_BODY_BYTES } from "../core/limits.ts";
import { answer } from "./answers.ts";
import type { ProxyRequest, ProxyResponse } from "./message.ts";
import { forwardedHeaders } from "./request-headers.ts";

const SCALE_PATH = /^\/api\/v1\/applications\/[^/]+\/deployments\/[^/]+\/scale$/;

/** A body that takes longer is given up; a controller that says nothing for this long counts as away. */
const TIMEOUT_MS = 30_000;

/** Whether a request is the scale webhook. `path` is as the client sent it, without the query. */
export function isScaleWebhook(method: string | undefined, path: string): boolean {
  return method === "POST" && path.startsWith("/api/v1/") && SCALE_PATH.test(path);
}

/** Where the webhook goes. */
export interface WebhookOptions {
  /** The controller's runtime socket. */
  readonly socketPath: string;
  readonly clock: Clock;
  /** The proxy drains: answers close their connection. */
  readonly draining: boolean;
}

/**
 * Hands the scale webhook to the controller and its answer back; 503 where that cannot be had. `path` has the query.
 * The body is read first: an answer that comes before a body is written whole could be lost with its connection.
 */
export function forwardWebhook(
  options: WebhookOptions,
  req: ProxyRequest,
  res: ProxyResponse,
  { requestId, path }: { readonly requestId: string; readonly path: string },
): void {
  const close = options.draining;
  const refuse = (status: number, error: string): void => {
    if (res.headersSent || res.destroyed) return;
    const body = `{"error": ${JSON.stringify(error)}}`;
    answer(res, requestId, { status, body, contentType: "application/json", close: close || !req.complete });
  };
  const chunks: Buffer[] = [];
  let size = 0;
  const stopReading = (): void => {
    timer.cancel();
    req.off("data", onData);
    req.off("end", onEnd);
  };
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size <= MAX_SCALE_BODY_BYTES) return void chunks.push(chunk);
    stopReading();
    req.resume(); // so that the client, which is still sending, gets to read the answer
    refuse(413, `request body is over ${MAX_SCALE_BODY_BYTES} bytes`);
  };
  const onEnd = (): void => {
    stopReading();
    passOn(options, req, res, { requestId, path, body: Buffer.concat(chunks, size), refuse });
  };
  const timer = options.clock.timer(TIMEOUT_MS, () => {
    stopReading();
    refuse(408, `the request body did not come within ${TIMEOUT_MS / 1000} s`);
  });
  res.once("close", stopReading);
  req.on("data", onData);
  req.on("end", onEnd);
}

function passOn(
  options: WebhookOptions,
  req: ProxyRequest,
  res: ProxyResponse,
  call: {
    readonly requestId: string;
    readonly path: string;
    readonly body: Buffer;
    readonly refuse: (status: number, error: string) => void;
  },
): void {
  const headers: Record<string, string | string[]> = {};
  const flat = forwardedHeaders(req, call.requestId, "");
  for (let i = 0; i < flat.length; i += 2) {
    const before = headers[flat[i]!];
    headers[flat[i]!] = before === undefined ? flat[i + 1]! : [before, flat[i + 1]!].flat();
  }
  headers["content-length"] = String(call.body.length);
  headers["x-windlass-forwarded"] = "webhook";
  // Not closed by an answer that comes early, as that may be lost with what is still being written.
  headers["connection"] = "keep-alive";
  const { socketPath } = options;
  const upstream = request({ socketPath, method: "POST", path: call.path, headers, agent: false });
  const timer = options.clock.timer(TIMEOUT_MS, () => upstream.destroy(new Error("timed out")));
  upstream.on("response", (response) => {
    timer.cancel();
    const passed: string[] = ["x-request-id", call.requestId];
    for (const name of ["content-type", "content-length", "retry-after", "www-authenticate", "x-windlass-warnings"]) {
      const value = response.headers[name];
      if (typeof value === "string") passed.push(name, value);
    }
    if (options.draining) passed.push("connection", "close");
    res.writeHead(response.statusCode ?? 502, passed);
    response.on("error", () => res.destroy());
    response.on("data", (chunk: Buffer) => {
      if (!res.destroyed) res.write(chunk);
    });
    response.on("end", () => {
      if (!res.destroyed) res.end();
    });
  });
  upstream.on("error", () => {
    timer.cancel();
    call.refuse(503, "Serve controller is not available");
  });
  res.on("close", () => {
    timer.cancel();
    if (!res.writableFinished) upstream.destroy();
  });
  upstream.end(call.body);
}
