/** A listening socket whose connections are given, once they are secure, to servers that know nothing of TLS. */
import { createServer, type Server, type TLSSocket } from "node:tls";
import { KEPT_ALIVE } from "../core/keep-alive.ts";
import type { TlsMaterial } from "./material.ts";

/** A client that says nothing, or too slowly, is not waited for longer. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** What a connection speaks: agreed on in the handshake, HTTP/1.1 where the client names nothing. */
export type AgreedProtocol = "h2" | "http/1.1";

/** What {@link createTlsListener} needs. */
export interface TlsListenerOptions {
  readonly material: TlsMaterial;
  /** What may be agreed on, best first. A client that wants nothing of it is refused by the handshake. */
  readonly protocols: readonly AgreedProtocol[];
  readonly onConnection: (socket: TLSSocket, protocol: AgreedProtocol) => void;
  /** How long a handshake may take. Default: 10 000. */
  readonly handshakeTimeoutMs?: number;
}

/** A server that is not listening yet. `setSecureContext` renews its certificate for connections to come. */
export function createTlsListener({
  material,
  protocols,
  onConnection,
  handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS,
}: TlsListenerOptions): Server {
  const server = createServer({
    ...KEPT_ALIVE,
    ...material.context,
    ALPNProtocols: [...protocols],
    handshakeTimeout: handshakeTimeoutMs,
    noDelay: true,
    requestCert: material.clientCertificates,
    rejectUnauthorized: material.clientCertificates,
  });
  server.on("secureConnection", (socket) => {
    // HTTP's servers listen later; a connection that breaks until then must not end the process.
    socket.on("error", () => {});
    onConnection(socket, socket.alpnProtocol === "h2" ? "h2" : "http/1.1");
  });
  // Scanners, plain HTTP, unknown certificates: there is nobody to tell. Node leaves those open that say nothing.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** Serves connections to come with other certificates; those that are open keep theirs. */
export function renewListener(server: Server, { context }: TlsMaterial): void {
  server.setSecureContext(context);
}
