import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ColdStart } from "../../src/routing/cold-start.ts";

/** A replica as docs/wire.md describes it, with user code that a test sets. */
export interface FakeReplica {
  readonly id: string;
  readonly address: string;
  /** Requests that were accepted, in order; `reserve` is not one. */
  readonly accepted: IncomingMessage[];
  /** Requests that were refused. */
  readonly rejected: IncomingMessage[];
  readonly server: Server;
  ongoing: number;
  /** Requests at which it refuses. */
  maxOngoing: number;
  /** User code. */
  handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** As a death: no listener, no connection. */
  kill(): Promise<void>;
}

/** Starts one with the socket `<dir>/<id>`; it ends with the test. Its handler answers with its id. */
export async function startFakeReplica(
  dir: string,
  id: string,
  given: Partial<FakeReplica> = {},
): Promise<FakeReplica> {
  const address = join(dir, id);
  const reservations = new Set<string>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    if (req.headers["x-windlass-kind"] === "reserve") {
      if (replica.ongoing >= replica.maxOngoing) return reject(req, res);
      replica.ongoing += 1;
      const reservation = `r${reservations.size}`;
      reservations.add(reservation);
      res.writeHead(204, { "x-windlass-reservation": reservation }).end();
      return;
    }
    const reservation = String(req.headers["x-windlass-reservation"] ?? "");
    if (!reservations.delete(reservation)) {
      if (replica.ongoing >= replica.maxOngoing) return reject(req, res);
      replica.ongoing += 1;
    }
    replica.accepted.push(req);
    res.setHeader("x-windlass-ongoing", replica.ongoing);
    res.on("close", () => {
      replica.ongoing -= 1;
    });
    replica.handler(req, res);
  });
  const reject = (req: IncomingMessage, res: ServerResponse): void => {
    replica.rejected.push(req);
    res.writeHead(503, { "x-windlass-rejected": replica.ongoing }).end();
  };
  const replica: FakeReplica = {
    id,
    address,
    accepted: [],
    rejected: [],
    server,
    ongoing: 0,
    maxOngoing: 100,
    handler: (_req, res) => void res.end(id),
    kill: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    ...given,
  };
  await new Promise<void>((resolve) => server.listen(address, resolve));
  onTestFinished(() => replica.kill());
  return replica;
}

/** The targets of a deployment `app/d` in a routing table. */
export function targetsOf(
  replicas: readonly FakeReplica[],
  given: Partial<ReturnType<typeof defaults>> & { coldStart?: ColdStart } = {},
) {
  return { ...defaults(), replicas: replicas.map(({ id, address }) => ({ id, address })), ...given };
}

function defaults() {
  return {
    application: "app",
    deployment: "d",
    maxOngoingRequests: 100,
    maxQueuedRequests: -1,
    backpressureStatusCode: 503,
    unavailable: "",
  };
}
