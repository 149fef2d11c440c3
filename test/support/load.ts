import * as http from "node:http";

/** What happened to the requests of a load. */
export interface LoadResult {
  readonly ok: number;
  /** One text a failed request: status or error code. */
  readonly failures: string[];
}

/** Keeps `workers` requests under way until `stop` is called. Bounded by the caller's test timeout. */
export function startLoad(
  url: string,
  options: { workers?: number; method?: string; path?: () => string } = {},
): { stop(): Promise<LoadResult>; count(): number } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  let stopped = false;
  let ok = 0;
  const failures: string[] = [];
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const request = http.request(
        `${url}${options.path?.() ?? "/"}`,
        { agent, method: options.method ?? "GET" },
        (response) => {
          response.on("data", () => {});
          response.once("end", () => {
            if (response.statusCode === 200) ok += 1;
            else failures.push(String(response.statusCode));
            resolve();
          });
          response.once("error", (error: NodeJS.ErrnoException) => {
            failures.push(`body ${error.code ?? error.message}`);
            resolve();
          });
        },
      );
      request.once("error", (error: NodeJS.ErrnoException) => {
        failures.push(error.code ?? error.message);
        resolve();
      });
      request.end();
    });
  const workers = Array.from({ length: options.workers ?? 8 }, async () => {
    while (!stopped) await one();
  });
  return {
    count: () => ok + failures.length,
    async stop() {
      stopped = true;
      await Promise.all(workers);
      agent.destroy();
      return { ok, failures };
    },
  };
}
