import { randomUUID } from "node:crypto";
import { RequestScope } from "../replica/request-scope.ts";
import { convertError, convertResult } from "../replica/send-response.ts";
import { inPlace, type LocalTarget } from "./local-call.ts";

/** Has an ingress answer a request as behind a proxy. Errors of user code are `onError`'s, and a 500 for the caller. */
export async function answer(
  target: LocalTarget,
  request: Request,
  onError: (error: unknown) => void,
): Promise<Response> {
  const { headers } = request;
  const requestId = headers.get("x-request-id") || randomUUID();
  const modelId = headers.get("serve_multiplexed_model_id") || headers.get("serve-multiplexed-model-id") || "";
  const scope = new RequestScope(
    requestId,
    modelId,
    0,
    headers.get("x-session-id") || headers.get("x_session_id") || "",
  );
  const leave = (): void => scope.abort();
  if (request.signal.aborted) leave();
  else request.signal.addEventListener("abort", leave, { once: true });
  try {
    const result = await inPlace(target, scope, () =>
      target.servable.http(new Request(request, { signal: scope.signal })),
    );
    return toResponse(result, scope);
  } catch (error) {
    scope.end();
    const { status, body, headers: pairs } = convertError(error);
    if (status === 500) onError(error);
    const response = new Response(body, { status });
    for (let i = 0; i < pairs.length; i += 2) response.headers.set(pairs[i]!, pairs[i + 1]!);
    response.headers.set("x-request-id", requestId);
    return response;
  }
}

function toResponse(result: unknown, scope: RequestScope): Response {
  if (!(result instanceof Response)) {
    const { contentType, body } = convertResult(result);
    scope.end();
    return new Response(body as string | Uint8Array<ArrayBuffer>, {
      headers: { "content-type": contentType, "x-request-id": scope.requestId },
    });
  }
  if (result.status < 200) throw new TypeError("a network error response cannot be returned");
  const { status, statusText } = result;
  const headers = new Headers(result.headers);
  headers.set("x-request-id", scope.requestId);
  if (result.body === null) {
    scope.end();
    return new Response(null, { status, statusText, headers });
  }
  return new Response(untilRead(result.body, scope), { status, statusText, headers });
}

/** The request lasts until its answer is read, or nobody wants it. */
function untilRead(body: ReadableStream<Uint8Array>, scope: RequestScope): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const end = (): void => scope.end();
  reader.closed.then(end, end);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel(reason) {
      scope.abort();
      await reader.cancel(reason);
    },
  });
}
