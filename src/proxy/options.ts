import { parseArgs } from "node:util";
import { WindlassError } from "../core/errors.ts";
import { type TlsFiles, withPassword } from "../core/tls-files.ts";
import type { LogStyle } from "../observability/logger.ts";

/** How a proxy process runs; see {@link parseProxyArguments} for the flags. */
export interface ProxyOptions {
  /** Router id and name in the instance, "proxy/0". */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Port of the gRPC side, on the same host; undefined: it has none. */
  readonly grpcPort: number | undefined;
  /** File descriptors of listening sockets that were handed down; undefined: it binds the ports itself. */
  readonly listenFd: number | undefined;
  readonly grpcListenFd: number | undefined;
  /** The controller's runtime socket. */
  readonly controllerSocket: string;
  /** Where the last table is kept, for a start while the controller is away. */
  readonly cacheFile: string;
  /** Path prefix that a fronting proxy strips; applications see it again. Default: none. */
  readonly rootPath: string;
  /** Seconds a request may take end to end, where the table says nothing; 0: no limit. Default: 0. */
  readonly requestTimeoutS: number;
  /** Seconds an idle connection is kept. Default: 90. */
  readonly keepAliveTimeoutS: number;
  /** Whether the scale webhook is answered here too. Default: true. */
  readonly webhook: boolean;
  /** Seconds a drain may take before what is left is cut. Default: 30. */
  readonly drainTimeoutS: number;
  /** Seconds without controller and supervisor after which the proxy drains and exits. Default: 300. */
  readonly orphanTtlS: number;
  /** How it logs until the table says otherwise. Default: text from "info" on. */
  readonly logStyle: Pick<LogStyle, "format" | "level">;
  /** Whether gRPC clients may ask what the proxy serves. Default: true. */
  readonly grpcReflection: boolean;
  /** What HTTP is served with over TLS; undefined: plain. */
  readonly tls: TlsFiles | undefined;
  /** The same of gRPC. */
  readonly grpcTls: TlsFiles | undefined;
}

type ProxyEnv = Readonly<Record<string, string | undefined>>;

/** Reads `proxy --id … --host … --port … --controller SOCK --cache FILE [options]`. Fails with INVALID_REQUEST. */
export function parseProxyArguments(args: readonly string[], env: ProxyEnv = {}): ProxyOptions {
  const { values } = parse(args);
  const required = (name: "id" | "host" | "controller" | "cache"): string => {
    const value = values[name];
    if (value === undefined || value === "") throw new WindlassError("INVALID_REQUEST", `--${name} is missing`);
    return value;
  };
  const number = (name: keyof typeof values, fallback: number | undefined, max: number): number => {
    const text = values[name];
    if (text === undefined && fallback !== undefined) return fallback;
    const value = text === undefined || text === "" ? Number.NaN : Number(text);
    if (!(value >= 0 && value <= max)) {
      throw new WindlassError("INVALID_REQUEST", `--${name} ${String(text)} must be a number from 0 to ${max}`);
    }
    return value;
  };
  const rootPath = values["root-path"] ?? "";
  return {
    id: required("id"),
    host: required("host"),
    port: number("port", undefined, 65_535),
    grpcPort: values["grpc-port"] === undefined ? undefined : number("grpc-port", undefined, 65_535),
    listenFd: values["listen-fd"] === undefined ? undefined : number("listen-fd", undefined, 1_000_000),
    grpcListenFd: values["grpc-listen-fd"] === undefined ? undefined : number("grpc-listen-fd", undefined, 1_000_000),
    controllerSocket: required("controller"),
    cacheFile: required("cache"),
    rootPath: rootPath.endsWith("/") ? rootPath.slice(0, -1) : rootPath,
    requestTimeoutS: number("request-timeout-s", 0, Number.MAX_SAFE_INTEGER),
    keepAliveTimeoutS: number("keep-alive-timeout-s", 90, 1_000_000),
    webhook: values["no-webhook"] !== true,
    drainTimeoutS: number("drain-timeout-s", 30, 1_000_000),
    orphanTtlS: number("orphan-ttl-s", 300, 1_000_000),
    logStyle: {
      format: oneOf("log-format", values["log-format"], ["text", "json"] as const),
      level: oneOf("log-level", values["log-level"], ["info", "debug", "warn", "error"] as const),
    },
    grpcReflection: values["no-grpc-reflection"] !== true,
    tls: tlsFiles(values.tls, env, "http"),
    grpcTls: tlsFiles(values["grpc-tls"], env, "grpc"),
  };
}

function tlsFiles(text: string | undefined, env: ProxyEnv, port: "http" | "grpc"): TlsFiles | undefined {
  return text === undefined ? undefined : withPassword(JSON.parse(text) as TlsFiles, env, port);
}

/** The first choice is the default. */
function oneOf<T extends string>(name: string, text: string | undefined, choices: readonly [T, ...T[]]): T {
  const found = text === undefined ? choices[0] : choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new WindlassError("INVALID_REQUEST", `--${name} ${text} must be one of ${choices.join(", ")}`);
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        id: text,
        host: text,
        port: text,
        "grpc-port": text,
        "listen-fd": text,
        "grpc-listen-fd": text,
        controller: text,
        cache: text,
        "root-path": text,
        "request-timeout-s": text,
        "keep-alive-timeout-s": text,
        "drain-timeout-s": text,
        "orphan-ttl-s": text,
        "no-webhook": { type: "boolean" },
        "no-grpc-reflection": { type: "boolean" },
        tls: text,
        "grpc-tls": text,
        "log-format": text,
        "log-level": text,
      },
    });
  } catch (error) {
    const line = (error as Error).message.split("\n")[0]!;
    throw new WindlassError("INVALID_REQUEST", line, { cause: error });
  }
}
