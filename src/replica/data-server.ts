/**
 * The server that routers send requests to (docs/wire.md). Hot: per request one scope, one body, one answer, and the
 * web Request that user code asked for.
 */
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { WireConnection } from "../routing/wire-connection.ts";
import { CallTable } from "../wire/call-table.ts";
import { Feature, FrameType, WireError } from "../wire/frame.ts";
import { readOpen } from "../wire/head.ts";
import { type CallHost, ServerCall } from "./server-call.ts";

/** What {@link serveData} needs. */
export interface DataServerOptions extends CallHost {
  /** Path of the unix socket; a stale file there is removed. */
  readonly socketPath: string;
}

/** A server of requests. */
export interface DataServer {
  /**
   * Tells every router that calls which it has not taken, and those that come, reach no code here. The
   * {@link CallHost.admission} is closed before.
   */
  goodbye(): void;
  /**
   * Takes no more connections and ends those there are, once what was written to them was sent. Resolves when routers
   * have read it all: a router that still writes would lose what it has not read.
   */
  leave(): Promise<void>;
}

/** Serves requests; resolves once it listens. */
export async function serveData(options: DataServerOptions): Promise<DataServer> {
  const connections = new Set<WireConnection>();
  let onEmpty: (() => void) | undefined;
  let leaving = false;
  const sayGoodbye = (connection: WireConnection): void => {
    if (!connection.understands(Feature.goodbye)) return;
    connection.writer.empty(FrameType.goodbye, 0);
    connection.soon();
  };
  const server = createServer((socket) => {
    const calls = new CallTable<ServerCall>();
    /** Those that were taken and did not begin: what cancels them may have come with them. */
    let taken: ServerCall[] = [];
    const connection: WireConnection = new WireConnection(socket, {
      onFrame(type, end, id, payload) {
        if (type !== FrameType.open) {
          // Of a call that is over, frames may still be under way.
          calls.get(id)?.frame(type, end, payload);
          return;
        }
        if (calls.get(id)?.answering) throw new WireError(`the call ${id} was opened twice`);
        const { head, body } = readOpen(payload);
        const call = ServerCall.begin(options, connection, id, head, body, end);
        if (call === undefined) return;
        if (call.toRun) taken.push(call);
        calls.set(id, call);
        void call.over.then(() => {
          if (calls.get(id) === call) calls.delete(id);
        });
      },
      onGreeted() {
        if (leaving) sayGoodbye(connection);
      },
      onRead() {
        if (taken.length === 0) return;
        const begin = taken;
        taken = [];
        for (const call of begin) call.run();
      },
      onDrain() {
        for (const call of calls.all()) call.pump();
      },
      onClosed() {
        for (const call of calls.all()) call.abandon();
        connections.delete(connection);
        if (connections.size === 0) onEmpty?.();
      },
    });
    connections.add(connection);
  });
  rmSync(options.socketPath, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ path: options.socketPath, backlog: 4096 }, resolve);
  await promise;
  // No more files may be opened, say: that router tries again.
  server.on("error", (error) => options.log.logger.warn("a connection could not be taken", { error }));
  return {
    goodbye() {
      leaving = true;
      for (const connection of connections) sayGoodbye(connection);
    },
    async leave() {
      server.close();
      if (connections.size === 0) return;
      const { promise: empty, resolve: done } = Promise.withResolvers<void>();
      onEmpty = done;
      for (const connection of connections) connection.end();
      await empty;
    },
  };
}
