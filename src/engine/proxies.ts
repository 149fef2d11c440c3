import type { TlsFiles } from "../core/tls-files.ts";

/** The port through which the reconciler runs proxies. Drivers: local/ (processes under the supervisor). */
export interface ProxyFleet {
  /** All events go to this one listener, set before the first command. */
  onEvent(listener: (event: ProxyEvent) => void): void;
  /** Makes the proxies run with these options; those that run already are kept. They are restarted when they end. */
  start(options: ProxyOptions): void;
  /** Drains and ends all of them: `ended` for each. */
  stop(): void;
}

export interface ProxyOptions {
  readonly host: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly rootPath: string;
  readonly keepAliveTimeoutS: number;
  readonly count: number;
  /** Whether gRPC clients may ask what there is to call. Default: true. */
  readonly grpcReflection?: boolean;
  /** Serves HTTP over TLS. Default: plain. */
  readonly tls?: TlsFiles;
  /** Serves gRPC over TLS. Default: plain. */
  readonly grpcTls?: TlsFiles;
}

export type ProxyEvent =
  | { readonly kind: "started"; readonly id: string; readonly pid: number }
  | { readonly kind: "ready"; readonly id: string; readonly pid: number }
  /** It ended unasked and is being restarted. */
  | { readonly kind: "failed"; readonly id: string; readonly error: string }
  /** It ended because it was told to. */
  | { readonly kind: "ended"; readonly id: string };
