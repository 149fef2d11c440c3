import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import { createServer, type Socket } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  ControllerRuntimeService,
  type RevisionTraffic,
} from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import { type RoutingTable, RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";

/** What routers see of a controller: the routing table, and HTTP/1.1 for forwarded requests, on one unix socket. */
export interface FakeControllerRuntime {
  readonly socketPath: string;
  /** `router id` and revision, as they came. */
  readonly acknowledged: { readonly routerId: string; readonly revision: bigint }[];
  /** What was reported of split applications, as it came. */
  readonly traffic: RevisionTraffic[];
  /** Routers whose stream is open. */
  readonly watchers: Set<string>;
  /** Publishes a table under the next revision, or under the one given. */
  publish(table: MessageInitShape<typeof RoutingTableSchema>, revision?: bigint): void;
  /** Breaks every connection and removes the socket, as a death does. */
  stop(): Promise<void>;
}

/** Starts one; `http` answers HTTP/1.1 requests. Without a published table it says nothing. */
export async function startFakeControllerRuntime(
  socketPath: string,
  options: { http?: RequestListener; revision?: bigint } = {},
): Promise<FakeControllerRuntime> {
  let revision = options.revision ?? 0n;
  let table: RoutingTable | undefined;
  const wakers = new Set<() => void>();
  const watchers = new Set<string>();
  const acknowledged: { routerId: string; revision: bigint }[] = [];
  const traffic: RevisionTraffic[] = [];

  const routes = (router: ConnectRouter): void => {
    router.service(ControllerRuntimeService, {
      async *watchRoutes(request, context) {
        watchers.add(request.routerId);
        try {
          let sent: RoutingTable | undefined;
          while (!context.signal.aborted) {
            if (table !== undefined && table !== sent) {
              sent = table;
              yield { revision, table };
              continue;
            }
            await new Promise<void>((resolve) => {
              wakers.add(resolve);
              if (context.signal.aborted) resolve();
              else context.signal.addEventListener("abort", () => resolve(), { once: true });
            });
          }
        } finally {
          watchers.delete(request.routerId);
        }
      },
      acknowledgeRoutes(request) {
        acknowledged.push({ routerId: request.routerId, revision: request.revision });
        return {};
      },
      reportTraffic(request) {
        traffic.push(...request.traffic);
        return {};
      },
    });
  };

  const http2 = createHttp2Server(connectNodeAdapter({ routes }));
  const http1 = createHttpServer(options.http ?? ((_req, res) => void res.writeHead(404).end()));
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => {});
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const isHttp2 = first.toString("latin1").startsWith("PRI");
      (isHttp2 ? http2 : http1).emit("connection", socket);
      if (!isHttp2) socket.resume();
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));

  return {
    socketPath,
    acknowledged,
    traffic,
    watchers,
    publish(next, nextRevision) {
      table = create(RoutingTableSchema, next);
      revision = nextRevision ?? revision + 1n;
      for (const wake of wakers) wake();
      wakers.clear();
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
