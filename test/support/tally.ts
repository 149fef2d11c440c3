import * as http from "node:http";

/** An answer as a client saw it. */
export interface Seen {
  readonly status: number;
  readonly body: string;
  /** `x-windlass-revision`; 0 where it was not sent. */
  readonly revision: number;
  /** What `headers` gave. */
  readonly user: string;
}

/** Requests to one address until they are stopped. */
export interface Tally {
  /** Every answer so far, in the order of their ends. */
  readonly seen: readonly Seen[];
  /** Error codes of requests without a whole answer. */
  readonly broken: readonly string[];
  /** How many answers there were of each "status body". */
  counts(): Record<string, number>;
  stop(): Promise<void>;
}

/** Keeps `workers` requests under way; `user` names who sends the next one, in the header `x-user`. */
export function startTally(url: string, options: { workers?: number; user?: () => string } = {}): Tally {
  const agent = new http.Agent({ keepAlive: true });
  const seen: Seen[] = [];
  const broken: string[] = [];
  let stopped = false;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const user = options.user?.() ?? "";
      const failed = (error: NodeJS.ErrnoException): void => {
        broken.push(error.code ?? error.message);
        resolve();
      };
      const request = http.get(url, { agent, headers: user === "" ? {} : { "x-user": user } }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.once("error", failed);
        response.once("end", () => {
          const revision = Number(response.headers["x-windlass-revision"] ?? 0);
          seen.push({ status: response.statusCode ?? 0, body, revision, user });
          resolve();
        });
      });
      request.once("error", failed);
    });
  const workers = Array.from({ length: options.workers ?? 4 }, async () => {
    while (!stopped) await one();
  });
  return {
    seen,
    broken,
    counts() {
      const counts: Record<string, number> = {};
      for (const { status, body } of seen) counts[`${status} ${body}`] = (counts[`${status} ${body}`] ?? 0) + 1;
      return counts;
    },
    async stop() {
      stopped = true;
      await Promise.all(workers);
      agent.destroy();
    },
  };
}
