import { type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { answer } from "./answers.ts";
import { forwardedHeaders } from "./request-headers.ts";

const SCALE_PATH = /^\/api\/v1\/applications\/[^/]+\/deployments\/[^/]+\/scale$/;

/** A controller that says nothing for this long counts as away. */
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

/** Hands the scale webhook to the controller and its answer back; 503 where that cannot be had. `path` has the query. */
export function forwardWebhook(
  options: WebhookOptions,
  req: IncomingMessage,
  res: ServerResponse,
  { requestId, path }: { readonly requestId: string; readonly path: string },
): void {
  const headers: Record<string, string | string[]> = {};
  const flat = forwardedHeaders(req, requestId, "");
  for (let i = 0; i < flat.length; i += 2) {
    const before = headers[flat[i]!];
    headers[flat[i]!] = before === undefined ? flat[i + 1]! : [before, flat[i + 1]!].flat();
  }
  const length = req.headers["content-length"];
  if (length !== undefined) headers["content-length"] = length;
  headers["x-windlass-forwarded"] = "webhook";

  const unavailable = (): void => {
    if (!res.headersSent) {
      const body = '{"error": "Serve controller is not available"}';
      answer(res, requestId, {
        status: 503,
        body,
        contentType: "application/json",
        close: options.draining || !req.complete,
      });
    }
  };
  const upstream = request({
    socketPath: options.socketPath,
    method: "POST",
    path,
    headers,
    agent: false,
    setDefaultHeaders: true,
  });
  const timer = options.clock.timer(TIMEOUT_MS, () => upstream.destroy(new Error("timed out")));
  let answered = false;
  upstream.on("response", (response) => {
    answered = true;
    timer.cancel();
    const passed: string[] = ["x-request-id", requestId];
    for (const name of ["content-type", "content-length", "retry-after", "www-authenticate", "x-windlass-warnings"]) {
      const value = response.headers[name];
      if (typeof value === "string") passed.push(name, value);
    }
    if (options.draining) passed.push("connection", "close");
    res.writeHead(response.statusCode ?? 502, passed);
    response.on("error", () => res.destroy());
    response.pipe(res);
  });
  upstream.on("error", () => {
    timer.cancel();
    // An answer that came before the whole body was read stands, though the rest could not be written.
    if (!answered) unavailable();
  });
  res.on("close", () => {
    timer.cancel();
    if (!res.writableFinished) upstream.destroy();
  });
  req.pipe(upstream);
}
