// Jobs wait in a queue until a worker is free, and a metric tells how many there are.
import { type DeploymentHandle, deployment } from "windlass";

/** What one request may add, and how long one job may take. */
const MAX_JOBS = 1000;
const MAX_JOB_MS = 60_000;

class Worker {
  async work(jobMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, jobMs));
  }
}

class Queue {
  readonly #workers: DeploymentHandle<Worker>;
  #unfinished = 0;

  constructor(workers: DeploymentHandle<Worker>) {
    this.#workers = workers;
  }

  fetch(request: Request): Response {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === "GET" && pathname === "/metrics") return new Response(this.#metrics());
    if (request.method !== "POST" || pathname !== "/jobs") {
      return new Response("POST /jobs?count=30&ms=2000, or GET /metrics\n", { status: 404 });
    }
    const count = wholeNumber(searchParams.get("count"), 30, MAX_JOBS);
    const jobMs = wholeNumber(searchParams.get("ms"), 2000, MAX_JOB_MS);
    if (count === undefined || jobMs === undefined) {
      return new Response(`count goes from 0 to ${MAX_JOBS}, ms from 0 to ${MAX_JOB_MS}\n`, { status: 400 });
    }
    for (let job = 0; job < count; job++) void this.#run(jobMs);
    return Response.json({ accepted: count }, { status: 202 });
  }

  async #run(jobMs: number): Promise<void> {
    this.#unfinished += 1;
    try {
      await this.#workers.work.remote(jobMs);
    } catch (error) {
      console.error("a job failed:", error);
    } finally {
      this.#unfinished -= 1;
    }
  }

  #metrics(): string {
    return `# HELP jobs_unfinished Jobs that wait or are worked on.
# TYPE jobs_unfinished gauge
jobs_unfinished{queue="default"} ${this.#unfinished}
`;
  }
}

function wholeNumber(text: string | null, fallback: number, most: number): number | undefined {
  if (text === null) return fallback;
  return /^\d{1,6}$/.test(text) && Number(text) <= most ? Number(text) : undefined;
}

const workers = deployment(Worker, { maxOngoingRequests: 1 }).bind();
export const app = deployment(Queue).bind(workers);
