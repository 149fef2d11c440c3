import { targetCapacityDirection } from "../config/target-capacity.ts";
import { tlsOf, tlsOptionsOf } from "../config/tls-options.ts";
import type { GrpcOptions, HttpOptions } from "../config/types.ts";
import { WindlassError } from "../core/errors.ts";
import type { TlsFiles } from "../core/tls-files.ts";
import type { Bind, CommandContext } from "./command-context.ts";
import type { ApplyConfigRequest } from "./controller.ts";
import type { InstanceRecord } from "./records.ts";
import type { Draft } from "./world.ts";

/** Makes the instance record of a new instance. */
export function newInstance(
  config: Pick<ApplyConfigRequest["config"], "http_options" | "grpc_options" | "proxy_location">,
  context: CommandContext,
): InstanceRecord {
  const { bind, now } = context;
  return {
    uid: context.newId(12),
    state: "running",
    httpOptions: { ...config.http_options, host: bind.host, port: bind.httpPort },
    grpcOptions: { ...config.grpc_options, port: bind.grpcPort },
    proxyLocation: config.proxy_location ?? "EveryNode",
    httpAddress: config.proxy_location === "Disabled" ? "" : httpAddress(bind, config.http_options ?? {}),
    targetCapacity: null,
    targetCapacityDirection: null,
    createdAt: now,
    updatedAt: now,
  };
}

function httpAddress(bind: Bind, options: HttpOptions): string {
  const scheme = httpTls(bind, options) === null ? "http" : "https";
  return `${scheme}://${bracketed(bind.host)}:${bind.httpPort}`;
}

/** What HTTP is served with over TLS, null for plain: flags of `start` beat `http_options`. */
export function httpTls(bind: Bind, options: HttpOptions): TlsFiles | null {
  return bind.httpTls ?? tlsOf(options);
}

/**
 * Throws INVALID_CONFIG where a config asks for TLS, or for client certificates, that the running proxies do not have:
 * they cannot change, and serving without what was asked for would be dangerous. Other files than those in use are
 * only told of, like every option that a running instance does not take.
 */
export function refuseWithoutTls(running: TlsFiles | null, wanted: HttpOptions | undefined): void {
  const asked = tlsOf(wanted ?? {});
  if (asked === null) return;
  const plain = running === null;
  if (!plain && (asked.clientCaFile === undefined || running.clientCaFile !== undefined)) return;
  const [path, text] = plain
    ? (["http_options.ssl_certfile", "the running proxies speak plain HTTP"] as const)
    : (["http_options.ssl_ca_certs", "the running proxies ask for no client certificates"] as const);
  const message = `is set, but ${text}; start with it (\`windlass start CONFIG\`, or --tls-cert, --tls-key and --tls-client-ca), or remove it`;
  throw new WindlassError("INVALID_CONFIG", `the config has one problem: ${path} ${message}`, {
    problems: [{ path, message }],
  });
}

/** The options of a running instance with the files that it really serves with. */
export function runningHttpOptions(bind: Bind, options: HttpOptions): HttpOptions {
  return bind.httpTls === undefined ? options : { ...options, ...tlsOptionsOf(bind.httpTls) };
}

/** Takes over the capacity of a config; whether it or its direction changed. */
export function setTargetCapacity(draft: Draft, request: ApplyConfigRequest, now: number): boolean {
  const { instance } = draft;
  const declarative = draft.applications().filter(({ source, deleting }) => source === "declarative" && !deleting);
  const next = request.config.target_capacity ?? null;
  const direction = targetCapacityDirection(
    declarative.length === 0 && instance.targetCapacity === null
      ? null
      : { applications: declarative.map(({ name }) => name), targetCapacity: instance.targetCapacity },
    { applications: request.config.applications.map(({ name }) => name ?? "default"), targetCapacity: next },
    instance.targetCapacityDirection,
  );
  const changed = next !== instance.targetCapacity || direction !== instance.targetCapacityDirection;
  if (changed) {
    draft.instance = { ...instance, targetCapacity: next, targetCapacityDirection: direction, updatedAt: now };
  }
  return changed;
}

/** A line for each option that is not what the running instance has. */
export function differingOptions<T extends HttpOptions | GrpcOptions>(name: string, running: T, wanted?: T): string[] {
  const present: Record<string, unknown> = { ...running };
  return (
    Object.entries(wanted ?? {})
      // A secret, which is no business of a warning.
      .filter(([key]) => key !== "ssl_keyfile_password")
      .filter(([key, value]) => present[key] !== undefined && JSON.stringify(present[key]) !== JSON.stringify(value))
      .map(
        ([key, value]) =>
          `${name}.${key} ${JSON.stringify(value)} was not applied: the running instance has ${JSON.stringify(present[key])}; restart it to change this.`,
      )
  );
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
