// Change RATE, deploy again, and the new revision is tried on a share of the requests first.
import { deployment } from "windlass";

const RATE = 1.25;

class Exchange {
  fetch(request: Request): Response {
    const euros = Number(new URL(request.url).searchParams.get("euros") ?? 1);
    if (!Number.isFinite(euros)) return new Response("euros must be a number\n", { status: 400 });
    return Response.json({ euros, dollars: Math.round(euros * RATE * 100) / 100 });
  }
}

export const app = deployment(Exchange).bind();
