/** Where proxies run. One machine has one node, so the first two are the same; with Disabled there are none. */
export type ProxyLocation = "EveryNode" | "HeadOnly" | "Disabled";

/** How applications are reached over HTTP. */
export interface HTTPOptions {
  readonly host?: string;
  /** Default 8000. */
  readonly port?: number;
  /** Before all paths. Default "". */
  readonly rootPath?: string;
  /** Seconds a request may take; null: no limit. */
  readonly requestTimeoutS?: number | null;
  /** Seconds an idle connection is kept. */
  readonly keepAliveTimeoutS?: number;
}

/** How applications are reached over gRPC. */
export interface GRPCOptions {
  /** Default 9000. */
  readonly port?: number;
  /** Seconds a call may take; null: no limit. */
  readonly requestTimeoutS?: number | null;
}

/** By the names of configs, only what was supplied. Throws a TypeError for a name that is none. */
export function optionsDocument(options: object, known: readonly string[], what: string): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) throw new TypeError(`${what} has no option "${name}": it has ${known.join(", ")}`);
    if (value !== undefined) document[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  return document;
}

/** Names of {@link HTTPOptions}. */
export const HTTP_OPTIONS = ["host", "port", "rootPath", "requestTimeoutS", "keepAliveTimeoutS"] as const;
/** Names of {@link GRPCOptions}. */
export const GRPC_OPTIONS = ["port", "requestTimeoutS"] as const;
