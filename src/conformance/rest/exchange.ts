/** One HTTP exchange with nothing added: the headers are those that were asked for, and the answer is read whole. */
import { request as httpRequest } from "node:http";

export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** undefined where the body is no JSON. */
  readonly json: unknown;
}

/** Sends a request on a connection of its own. Rejects when there is no answer within `timeoutMs`. */
export function exchange(
  base: string,
  request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  },
  timeoutMs = 60_000,
): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const body = request.body === undefined ? undefined : Buffer.from(request.body);
    const sent = httpRequest(
      {
        hostname,
        port,
        method: request.method,
        path: request.path,
        headers: { ...request.headers, ...(body === undefined ? {} : { "content-length": body.length }) },
        agent: false,
        timeout: timeoutMs,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString();
          const { headers, statusCode = 0 } = response;
          resolve({
            status: statusCode,
            contentType: headers["content-type"] ?? null,
            headers,
            text,
            json: parseJson(text),
          });
        });
      },
    );
    sent.once("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    sent.once("error", reject);
    sent.end(body);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
