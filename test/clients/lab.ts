/** The live instance, intermediary and HTTP server that the clients' test programs run against; see README.md. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ChaosProxy, startChaosProxy } from "../support/chaos-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";
import { api, eventually, startWindlass, type Windlass, waitForStatus } from "../support/windlass.ts";

/** About as many revisions are kept. */
const HISTORY = 50;

const APP = `
import { deployment } from "windlass";
class Echo {
  fetch(): Response {
    return new Response("ok");
  }
}
class Waiter extends Echo {}
class Still extends Echo {}
export const app = deployment(Echo).bind();
export const waiter = deployment(Waiter).bind();
export const still = deployment(Still).bind();
`;

const CONFIG = {
  applications: [
    {
      name: "feed",
      route_prefix: "/feed",
      import_path: "./app.ts:waiter",
      external_scaler_enabled: true,
      // More CPUs than there are: its replicas wait.
      deployments: [{ name: "Waiter", num_replicas: 1, ray_actor_options: { num_cpus: 1000 } }],
    },
    {
      name: "plain",
      route_prefix: "/plain",
      import_path: "./app.ts:still",
      deployments: [{ name: "Still", num_replicas: 1, ray_actor_options: { num_cpus: 0 } }],
    },
  ],
};

/** What a test program is started with. */
export interface Lab {
  readonly windlass: Windlass;
  readonly chaos: ChaosProxy;
  /** To be added to the program's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts all three; they end with the test, or when `atEnd` runs what it is given. `flags` are more of `start`. */
export async function startLab({
  flags = [],
  atEnd = onTestFinished,
}: {
  flags?: string[];
  atEnd?: (end: () => Promise<void> | void) => void;
} = {}): Promise<Lab> {
  const own = tempDir(atEnd);
  const folder = join(own, "app");
  mkdirSync(folder);
  writeFileSync(join(folder, "app.ts"), APP);
  const args = ["--num-cpus", "100", "--watch-history", String(HISTORY), ...flags];
  const windlass = await startWindlass(args, { stateDir: join(own, "state"), atEnd });
  const headers = { "x-windlass-base-dir": folder };
  const put = await api(windlass, "/api/serve/applications/", { method: "PUT", body: CONFIG, headers });
  if (put.status !== 200) throw new Error(`the lab's applications were not taken: ${put.text}`);
  await waitForStatus(windlass, "plain", "RUNNING");
  const chaos = await startChaosProxy(Number(new URL(windlass.control).port));
  atEnd(() => chaos.close());
  const writer = createWriter(windlass);
  const server = createServer((request, response) => {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    answer(request, { windlass, chaos, writer }).then(
      (body) => send(200, body),
      (error: unknown) => send(500, { error: String(error) }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    windlass,
    chaos,
    env: {
      WINDLASS_ADDRESS: `http://127.0.0.1:${chaos.port}`,
      WINDLASS_TOKEN: windlass.token,
      WINDLASS_LAB: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      WINDLASS_LAB_DIR: folder,
    },
  };
}

interface Parts {
  readonly windlass: Windlass;
  readonly chaos: ChaosProxy;
  readonly writer: Writer;
}

async function answer(request: IncomingMessage, { windlass, chaos, writer }: Parts): Promise<object> {
  const url = new URL(request.url ?? "/", "http://lab");
  const number = (name: string): number => Number(url.searchParams.get(name) ?? 0);
  switch (`${request.method} ${url.pathname}`) {
    case "POST /cut":
      return { connections: chaos.cut() };
    case "POST /freeze":
      return { connections: chaos.freeze() };
    case "POST /admit": {
      const how = url.searchParams.get("how");
      if (how !== "forward" && how !== "refuse" && how !== "hang") throw new Error(`how=${how} is not known`);
      chaos.admit(how);
      return {};
    }
    case "POST /fail-next":
      chaos.failNext(number("count"));
      return {};
    case "POST /write":
      return writer.write(number("count"), number("pause_ms"));
    case "POST /compact":
      return { revision: await writer.compact() };
    case "GET /state":
      return { watchers: await watchers(windlass), accepted: chaos.accepted, open: chaos.open };
    default:
      throw new Error(`${request.method} ${url.pathname} is not known; test/clients/README.md lists what is`);
  }
}

async function watchers(windlass: Windlass): Promise<number> {
  const { text } = await api(windlass, "/metrics");
  const value = /^windlass_watchers (\d+)$/m.exec(text)?.[1];
  if (value === undefined) throw new Error("the metric windlass_watchers is missing");
  return Number(value);
}

interface Writer {
  write(count: number, pauseMs: number): Promise<{ first: number; last: number }>;
  compact(): Promise<number>;
}

function createWriter(windlass: Windlass): Writer {
  let written = 0;
  const once = async (): Promise<void> => {
    written += 1;
    const { status, text } = await api(windlass, "/api/v1/applications/feed/deployments/Waiter/scale", {
      body: { target_num_replicas: 1 + (written % 2), reason: `write ${written}` },
    });
    if (status !== 200) throw new Error(`write ${written} was answered ${status} ${text}`);
  };
  const write = async (count: number, pauseMs: number): Promise<{ first: number; last: number }> => {
    const first = written + 1;
    for (let i = 0; i < count; i++) {
      if (i > 0 && pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      await once();
    }
    return { first, last: written };
  };
  return {
    write,
    async compact() {
      const { json } = await api(windlass, "/-/readyz");
      const { revision } = json as { revision: number };
      await eventually(async () => {
        await write(HISTORY, 0);
        return isCompacted(windlass, revision);
      });
      return revision;
    },
  };
}

async function isCompacted(windlass: Windlass, revision: number): Promise<boolean> {
  const leave = new AbortController();
  const { status } = await fetch(`${windlass.control}/api/v1/watch?since=${revision}&name=applications/plain`, {
    headers: { authorization: `Bearer ${windlass.token}` },
    signal: leave.signal,
  });
  leave.abort();
  return status === 410;
}
