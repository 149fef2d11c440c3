import type { Clock } from "../core/clock.ts";
import type { ProcessLog } from "../observability/process-log.ts";
import { closeLabel, type IngressMetrics, methodLabel } from "./ingress-metrics.ts";
import type { ProxyResponse } from "./message.ts";

/** What is told of a request when it has ended. */
export interface WatchedRequest {
  /** WS where it asks for a websocket. */
  readonly method: string;
  /** Prefix of its route; empty: it has none. */
  readonly route: string;
  /** Empty: it reaches none. */
  readonly application: string;
  /** Empty: it reaches none. */
  readonly deployment: string;
  readonly requestId: string;
  /** Health and the like: counted, but not logged, and not among those that are worked on. */
  readonly probe?: boolean;
}

/** What {@link RequestEnds} tells. */
export interface RequestEndsOptions {
  readonly clock: Clock;
  readonly access?: Pick<ProcessLog, "accessLog" | "access">;
  readonly metrics?: IngressMetrics;
}

/** Logs and counts how requests end. */
export class RequestEnds {
  readonly #options: RequestEndsOptions;

  constructor(options: RequestEndsOptions) {
    this.#options = options;
  }

  /** Returns what is to be called with the code of a websocket, whose end `res` does not hear of. */
  watch(res: ProxyResponse, request: WatchedRequest): (code: number) => void {
    const { clock, metrics } = this.#options;
    const startedMs = clock.monotonic();
    const over = request.probe ? undefined : metrics?.began();
    const end = (status: number, label: string, failed: boolean): void => {
      const latencyMs = clock.monotonic() - startedMs;
      over?.();
      if (!request.probe) this.#log(request, status, latencyMs);
      const { route, application, deployment } = request;
      const method = methodLabel(request.method);
      metrics?.ended({ route, method, application, deployment, status: label, failed, latencyMs });
    };
    res.on("close", () => {
      // A client that left before it had an answer has none to tell of.
      const status = res.headersSent ? res.statusCode : 499;
      end(status, String(status), status >= 400);
    });
    return (code) => end(code, closeLabel(code), code !== 1000 && code !== 1001);
  }

  #log({ method, route, application, requestId }: WatchedRequest, status: number, latencyMs: number): void {
    const { access } = this.#options;
    if (access?.accessLog !== true) return;
    const latency = latencyMs.toFixed(1);
    const facts = { application, method, route, status: String(status), latency_ms: Number(latency) };
    access.access(`${method} ${route} ${status} ${latency}ms`, { request_id: requestId }, facts);
  }
}
