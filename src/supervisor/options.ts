import type { GrpcOptions, HttpOptions } from "../config/types.ts";
import type { TlsFiles } from "../core/tls-files.ts";

/** What `windlass start` runs with: every flag resolved and checked, every path absolute. */
export interface StartOptions {
  /** Address that all ports bind. Default "127.0.0.1". */
  readonly host: string;
  /** Ports of the API, which all answer the same, the first named in the ready line; 0 is any free one. Default [8265]. */
  readonly controlPorts: readonly number[];
  /** Port of the HTTP proxies; 0 is any free one. Default 8000. */
  readonly httpPort: number;
  /** Port of the gRPC proxies; 0 is any free one. Default 9000. */
  readonly grpcPort: number;
  /** How many proxy processes share the ports; 1 to 64. Default 2, so that a killed one refuses nobody. */
  readonly proxyWorkers: number;
  /** How many loaded processes are kept to become replicas; 0 to 64. Default 1. */
  readonly spareReplicas: number;
  /** Absolute folder of the store, tokens, bundles and logs; made with mode 0700 where it is missing. */
  readonly stateDir: string;
  /** Absolute folder that import paths start from where a request names none. */
  readonly appDir: string;
  /** False makes every caller an admin; only on a loopback host. Default true. */
  readonly auth: boolean;
  /** Names, besides loopback and `host`, that a Host header may carry; without port. */
  readonly allowedHosts: readonly string[];
  /** Origins, besides the control port's own, that a browser may call from: "https://example.com". */
  readonly allowedOrigins: readonly string[];
  /** Waits for the first PUT instead of making an instance at once. Default false. */
  readonly noInstance: boolean;
  /** Default "text". */
  readonly logFormat: "text" | "json";
  /** Default "info". */
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** "Disabled" runs no proxies. Default "EveryNode". */
  readonly proxyLocation: "Disabled" | "HeadOnly" | "EveryNode";
  /** What replicas may take of this machine together; null is no limit. */
  readonly capacity: {
    readonly cpus: number | null;
    /** Ids of the GPUs, as CUDA_VISIBLE_DEVICES names them; null: none is handed out. */
    readonly gpus: readonly string[] | null;
    /** Custom resources by name. */
    readonly custom: Readonly<Record<string, number>> | null;
  };
  /** Revisions of history that watches can resume from. Default 10000. */
  readonly watchHistory: number;
  /** Whether the HTTP proxies answer the scale webhook too. Default true. */
  readonly webhookOnProxy: boolean;
  /**
   * `http_options` and `grpc_options` of the config that is deployed first: the instance is made with them, beside what
   * the flags bind. Without such a config the stored ones hold.
   */
  readonly instance: { readonly httpOptions?: HttpOptions; readonly grpcOptions?: GrpcOptions };
  /** What the ports are served with over TLS; null: plain, which for HTTP `http_options` may change. Default: null. */
  readonly tls: {
    readonly control: TlsFiles | null;
    readonly http: TlsFiles | null;
    readonly grpc: TlsFiles | null;
  };
  /** Called once, when the ports answer and the stored state is recovered. */
  onReady(ready: ReadyInfo): void | Promise<void>;
}

/** What runs where; printed as the `windlass ready` line. */
export interface ReadyInfo {
  /** "http://127.0.0.1:8265", or https: the first of the control ports. */
  readonly control: string;
  /** All ports of the API. */
  readonly controlPorts: readonly number[];
  /** "http://127.0.0.1:8000", or https; null without proxies. */
  readonly http: string | null;
  /** "127.0.0.1:9000"; null without proxies. */
  readonly grpc: string | null;
  /** Which of the ports speak TLS: "control", "http", "grpc". */
  readonly tls: readonly string[];
  readonly stateDir: string;
  readonly pids: { readonly supervisor: number; readonly controller: number; readonly proxies: readonly number[] };
}
