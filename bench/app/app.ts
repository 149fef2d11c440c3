// Answers at once; `?ms=N` takes its time. Nothing but the way to it is measured.
import { deployment } from "windlass";

async function noop(request: Request): Promise<Response> {
  const at = request.url.indexOf("?ms=");
  if (at !== -1) await new Promise((resolve) => setTimeout(resolve, Number(request.url.slice(at + 4))));
  return new Response("ok");
}

export const app = deployment(noop, { name: "Noop", maxOngoingRequests: 100 }).bind();
