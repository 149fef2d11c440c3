/** A control API on a real port, over a memory store and a fake controller, and clients that speak to it plainly. */
import * as http from "node:http";
import * as http2 from "node:http2";
import { scalerToken } from "../../src/api/auth.ts";
import { type ApiOptions, type ApiServer, startApiServer } from "../../src/api/server.ts";
import { createToken } from "../../src/api/tokens.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Op, Store } from "../../src/store/store.ts";
import {
  applicationRecord,
  createFakeController,
  deploymentRecord,
  type FakeController,
  instanceRecord,
  put,
  replicaRecord,
} from "./fake-controller.ts";

/** The tokens of a test. */
export const ADMIN_TOKEN = "admin-secret";
export const INSTANCE_KEY = "instance-key";

/** What {@link startTestApi} gives. */
export interface TestApi extends AsyncDisposable {
  readonly server: ApiServer;
  readonly port: number;
  readonly store: Store;
  readonly controller: FakeController;
  readonly tokens: Readonly<Record<"admin" | "deployer" | "viewer" | "scaler" | "boundedScaler" | "derived", string>>;
  /** Lines of the log. */
  readonly logged: readonly string[];
  write(...ops: Op[]): Promise<number>;
}

/** Two applications, a and b; a's Echo has a replica. */
export const SEED: readonly Op[] = [
  put.instance(instanceRecord()),
  put.proxy({ id: "proxy/0", pid: 11, state: "healthy" }),
  put.application(applicationRecord("a")),
  put.application(applicationRecord("b", { config: { name: "b", import_path: "./b.ts:app" } })),
  put.deployment(deploymentRecord("a", "Echo")),
  put.deployment(deploymentRecord("b", "Echo")),
  put.replica(replicaRecord("a", "Echo", "abcd1234")),
];

/** Starts one; `await using` closes it. */
export async function startTestApi(options: Partial<ApiOptions> & { seed?: readonly Op[] } = {}): Promise<TestApi> {
  const store = options.store ?? createMemoryStore();
  const clock = options.clock ?? systemClock;
  const { seed = SEED, ...rest } = options;
  if (seed.length > 0) await store.txn([], seed);
  const controller = createFakeController(store);
  const made = async (role: "deployer" | "viewer" | "scaler", maxReplicas: number | null = null): Promise<string> => {
    const application = role === "scaler" ? "a" : null;
    return (await createToken(store, clock, { role, application, maxReplicas, ttlMs: null })).secret;
  };
  const tokens = {
    admin: ADMIN_TOKEN,
    deployer: await made("deployer"),
    viewer: await made("viewer"),
    scaler: await made("scaler"),
    boundedScaler: await made("scaler", 3),
    derived: scalerToken(INSTANCE_KEY, "uid-of-a", 0),
  };
  const logged: string[] = [];
  const server = await startApiServer({
    controller,
    store,
    clock,
    logger: createLogger({ clock, write: (line) => void logged.push(line) }),
    auth: { kind: "on", adminToken: ADMIN_TOKEN, instanceKey: INSTANCE_KEY },
    appDir: "/srv/apps",
    host: "127.0.0.1",
    port: 0,
    ...rest,
  });
  return {
    server,
    port: server.port,
    store,
    controller,
    tokens,
    logged,
    write: async (...ops) => (await store.txn([], ops)).revision,
    async [Symbol.asyncDispose]() {
      await server.close(200);
      await store.close();
    },
  };
}

/** A request, and whether it goes by HTTP/2. */
export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Strings and bytes go as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly http2?: boolean;
  /** Sends no content-length. Default: false. */
  readonly chunked?: boolean;
}

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of any shape
  readonly json: any;
}

/** Sends one request. A body that is an object is sent with content-type application/json. */
export function ask(port: number, request: Ask): Promise<Answer> {
  const raw = request.body === undefined || typeof request.body === "string" || request.body instanceof Uint8Array;
  const content = (raw ? request.body : JSON.stringify(request.body)) as string | Uint8Array | undefined;
  // Bytes: node sends headers as UTF-8 together with a string, and as Latin-1 alone.
  const body = content === undefined ? undefined : Buffer.from(content as string);
  const headers: Record<string, string> = {
    ...(raw ? {} : { "content-type": "application/json" }),
    ...(body === undefined || request.chunked ? {} : { "content-length": String(body.length) }),
    ...(request.token === undefined ? {} : { authorization: `Bearer ${request.token}` }),
    ...request.headers,
  };
  const method = request.method ?? (body === undefined ? "GET" : "POST");
  return (request.http2 ? overHttp2 : overHttp1)(port, method, request.path, headers, body);
}

function overHttp1(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(answerOf(response.statusCode ?? 0, response.headers, text)));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function overHttp2(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: Buffer | undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const { host, ...rest } = headers;
    const authority = host === undefined ? {} : { ":authority": host };
    const stream = session.request({ ":method": method, ":path": path, ...authority, ...rest });
    let text = "";
    let head: http2.IncomingHttpHeaders = {};
    stream.setEncoding("utf8");
    stream.on("response", (received) => {
      head = received;
    });
    stream.on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("end", () => {
      session.close();
      resolve(answerOf(Number(head[":status"]), head as http.IncomingHttpHeaders, text));
    });
    stream.on("error", reject);
    stream.end(body);
  });
}

function answerOf(status: number, headers: http.IncomingHttpHeaders, text: string): Answer {
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}
