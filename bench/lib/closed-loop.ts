import { Agent, get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** A load of which it can be said at any time how many requests are under way. */
export interface ClosedLoop {
  /** From now on so many requests are under way; those above it end by themselves. */
  level(requests: number): void;
  /** Ends the load; resolves once no request is under way. */
  stop(): Promise<{ readonly ok: number; readonly failures: Readonly<Record<string, number>> }>;
}

/** An answer that has not come by then is a failure. */
const TIMEOUT_MS = 60_000;

/** Asks `url` again and again, on kept connections, so many times at once as it is told. */
export function closedLoop(url: string): ClosedLoop {
  const agent = new Agent({ keepAlive: true });
  const failures: Record<string, number> = {};
  let ok = 0;
  let wanted = 0;
  let workers = 0;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      let ended = false;
      const end = (cause: string | undefined): void => {
        if (ended) return;
        ended = true;
        if (cause === undefined) ok += 1;
        else failures[cause] = (failures[cause] ?? 0) + 1;
        resolve();
      };
      const request = get(url, { agent, timeout: TIMEOUT_MS }, (response) => {
        response.resume();
        response.once("end", () => end(response.statusCode === 200 ? undefined : `status ${response.statusCode}`));
        response.once("error", (error: NodeJS.ErrnoException) => end(`body ${error.code ?? error.message}`));
      });
      request.once("timeout", () => request.destroy(new Error("timeout")));
      request.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    });
  const work = async (): Promise<void> => {
    while (workers <= wanted) await one();
    workers -= 1;
  };
  return {
    level(requests) {
      wanted = requests;
      while (workers < wanted) {
        workers += 1;
        void work();
      }
    },
    async stop() {
      wanted = 0;
      while (workers > 0) await sleep(10);
      agent.destroy();
      return { ok, failures };
    },
  };
}
