import { resolve } from "node:path";
import { isLoopback } from "../client/loopback.ts";
import { stateDir } from "../client/state-dir.ts";
import type { StartOptions } from "../supervisor/options.ts";
import { CliError, EXIT } from "./exit.ts";
import { keyOf, START_FLAGS, type StartFlag, type StartFlagName, variableOf } from "./start-flags.ts";
import { type Parsed, parseCpus, parseCustom, parseGpus } from "./start-resources.ts";
import { tlsOfFlags } from "./start-tls.ts";

/** Where the values of the flags come from; each beats the next. */
export interface StartSources {
  /** Texts by flag name, `true` for a switch, a list where a flag may repeat. */
  readonly flags: Readonly<Partial<Record<StartFlagName, string | true | readonly string[]>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The config's `start:` section. */
  readonly file: Readonly<Record<string, unknown>>;
  /** Name and absolute folder of the config, for messages and relative paths. */
  readonly fileName: string;
  readonly fileDir: string;
  /** What the config says elsewhere, used where no flag, variable or key does. */
  readonly config: {
    readonly httpPort?: number;
    readonly grpcPort?: number;
    readonly proxyLocation?: string;
    readonly instance?: StartOptions["instance"];
  };
  /** Absolute folder of the command. */
  readonly cwd: string;
}

/** The options of a start without its callback. Throws a CliError: usage for flags and variables, failed for the file. */
export function resolveStartOptions(sources: StartSources): Omit<StartOptions, "onReady"> {
  for (const key of Object.keys(sources.file)) {
    if (!START_FLAGS.some((flag) => keyOf(flag.name) === key.replaceAll("-", "_"))) {
      const known = START_FLAGS.map((flag) => keyOf(flag.name)).join(", ");
      throw new CliError(EXIT.failed, `${sources.fileName}: start.${key} is not a flag of start; known are ${known}`);
    }
  }
  const read = <T>(name: StartFlagName, fallback: T, parse: (value: string, raw: Raw) => T): T => {
    const raw = rawValue(sources, name);
    if (raw === undefined) return fallback;
    if (raw.values.length !== 1) throw bad(raw, "must be given once");
    return parse(raw.values[0]!, raw);
  };
  const list = (name: StartFlagName): readonly string[] => rawValue(sources, name)?.values ?? [];

  read("engine", "local", (value, raw) => supported(value, raw, "local", /^ray(:|$)/));
  read("store", "embedded", (value, raw) => supported(value, raw, "embedded", /^etcd:\/\//));

  const host = read("host", "127.0.0.1", (value, raw) => {
    if (!/^[A-Za-z0-9.:[\]_-]+$/.test(value)) throw bad(raw, `"${value}" is not a host name or address`);
    return value.replace(/^\[(.*)\]$/, "$1");
  });
  const auth = read("auth", true, onOff);
  if (!auth && !isLoopback(host)) {
    throw new CliError(
      EXIT.usage,
      `--auth off is for loopback hosts, not for ${host}; use --host 127.0.0.1 or keep auth on`,
    );
  }
  return {
    host,
    controlPorts: ports(rawValue(sources, "control-port")) ?? [8265],
    httpPort: read("http-port", sources.config.httpPort ?? 8000, port),
    grpcPort: read("grpc-port", sources.config.grpcPort ?? 9000, port),
    proxyWorkers: read("proxy-workers", 2, (value, raw) => whole(value, raw, 1, 64)),
    spareReplicas: read("spare-replicas", 1, (value, raw) => whole(value, raw, 0, 64)),
    stateDir: read("state-dir", stateDir(sources.env, sources.cwd), (value, raw) => folder(value, raw, sources)),
    appDir: read("app-dir", sources.cwd, (value, raw) => folder(value, raw, sources)),
    auth,
    allowedHosts: list("allowed-host"),
    allowedOrigins: list("allowed-origin").map((origin) => checkOrigin(origin, rawValue(sources, "allowed-origin")!)),
    noInstance: read("no-instance", false, onOff),
    logFormat: read("log-format", "text", oneOf(["text", "json"])),
    logLevel: read("log-level", "info", oneOf(["debug", "info", "warn", "error"])),
    proxyLocation: read("proxy-location", locationOf(sources.config.proxyLocation), oneOf(LOCATIONS)),
    watchHistory: read("watch-history", 10_000, (value, raw) => whole(value, raw, 1, 10_000_000)),
    webhookOnProxy: read("webhook-on-proxy", true, onOff),
    capacity: {
      cpus: read<number | null>("num-cpus", null, (value, raw) => parsed(parseCpus(value), raw)),
      gpus: read<readonly string[] | null>("num-gpus", null, (value, raw) =>
        parsed(parseGpus(value, sources.env["CUDA_VISIBLE_DEVICES"]), raw),
      ),
      custom: read<Readonly<Record<string, number>> | null>("resources", null, (value, raw) =>
        parsed(parseCustom(value), raw),
      ),
    },
    instance: sources.config.instance ?? {},
    tls: tls(sources, (name) => read<string | undefined>(name, undefined, (value, raw) => file(value, raw, sources))),
  };
}

function tls(sources: StartSources, path: (name: StartFlagName) => string | undefined): StartOptions["tls"] {
  const on = rawValue(sources, "tls-on")?.values.flatMap((value) => value.split(",").map((port) => port.trim()));
  const flags = {
    cert: path("tls-cert"),
    key: path("tls-key"),
    clientCa: path("tls-client-ca"),
    passwordFile: path("tls-key-password-file"),
    on,
  };
  const result = tlsOfFlags(flags, sources.env["WINDLASS_TLS_KEY_PASSWORD"] || undefined);
  if (result.ok) return result.value;
  const raw = rawValue(sources, result.flag);
  throw raw === undefined ? new CliError(EXIT.usage, `--${result.flag} ${result.problem}`) : bad(raw, result.problem);
}

/** Whether a flag, its variable or its key says something. */
export function isGiven(sources: StartSources, name: StartFlagName): boolean {
  return rawValue(sources, name) !== undefined;
}

/** A value as it was given, and by whom. */
interface Raw {
  readonly values: readonly string[];
  /** "--http-port", "WINDLASS_HTTP_PORT" or "app.yaml: start.http_port". */
  readonly source: string;
  readonly origin: "flag" | "env" | "file";
}

function rawValue(sources: StartSources, name: StartFlagName): Raw | undefined {
  const flag: StartFlag = START_FLAGS.find((each) => each.name === name)!;
  const given = sources.flags[name];
  if (given !== undefined) return { values: texts(given), source: `--${name}`, origin: "flag" };
  const variable = sources.env[variableOf(name)];
  if (variable !== undefined && variable !== "") {
    const values = flag.list ? variable.split(",").map((each) => each.trim()) : [variable.trim()];
    return { values: values.filter((each) => each !== ""), source: variableOf(name), origin: "env" };
  }
  const key = Object.keys(sources.file).find((each) => each.replaceAll("-", "_") === keyOf(name));
  const value = key === undefined ? undefined : sources.file[key];
  if (value === undefined || value === null) return undefined;
  return { values: texts(value), source: `${sources.fileName}: start.${key}`, origin: "file" };
}

function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(String);
  return [typeof value === "object" ? JSON.stringify(value) : String(value)];
}

function bad(raw: Raw, what: string): CliError {
  return new CliError(raw.origin === "file" ? EXIT.failed : EXIT.usage, `${raw.source} ${what}`);
}

function parsed<T>(result: Parsed<T>, raw: Raw): T {
  if (result.ok) return result.value;
  throw bad(raw, result.problem);
}

function notBuilt(raw: Raw, value: string, instead: string): CliError {
  return new CliError(EXIT.usage, `${raw.source} ${value}: not built yet; ${instead}`);
}

function supported(value: string, raw: Raw, only: string, planned: RegExp): string {
  if (value === only) return value;
  if (planned.test(value)) throw notBuilt(raw, value, `use ${only}`);
  throw bad(raw, `must be ${only}, got "${value}"`);
}

function port(value: string, raw: Raw): number {
  return whole(value, raw, 0, 65535);
}

/** Ports divided by commas, in a list, or both. */
function ports(raw: Raw | undefined): readonly number[] | undefined {
  if (raw === undefined) return undefined;
  const all = raw.values.flatMap((value) => value.split(",")).map((value) => port(value.trim(), raw));
  if (all.length === 0) throw bad(raw, "must name a port");
  const twice = all.find((each, index) => each !== 0 && all.indexOf(each) !== index);
  if (twice !== undefined) throw bad(raw, `names port ${twice} twice; name it once`);
  return all;
}

function whole(value: string, raw: Raw, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw bad(raw, `must be a whole number from ${least} to ${most}, got "${value}"`);
}

function onOff(value: string, raw: Raw): boolean {
  if (/^(on|true|1|yes)$/i.test(value)) return true;
  if (/^(off|false|0|no)$/i.test(value)) return false;
  throw bad(raw, `must be on or off, got "${value}"`);
}

function oneOf<const T extends string>(allowed: readonly T[]): (value: string, raw: Raw) => T {
  return (value, raw) => {
    const found = allowed.find((each) => each.toLowerCase() === value.toLowerCase());
    if (found !== undefined) return found;
    throw bad(raw, `must be one of ${allowed.join(", ")}, got "${value}"`);
  };
}

const LOCATIONS = ["EveryNode", "HeadOnly", "Disabled"] as const;

function locationOf(text: string | undefined): (typeof LOCATIONS)[number] {
  return LOCATIONS.find((each) => each === text) ?? "EveryNode";
}

/** Paths of a file start from the file's folder, others from the command's. */
function folder(value: string, raw: Raw, sources: StartSources): string {
  return absolute(value, raw, sources, "a folder");
}

function file(value: string, raw: Raw, sources: StartSources): string {
  return absolute(value, raw, sources, "a file");
}

function absolute(value: string, raw: Raw, sources: StartSources, what: string): string {
  if (value === "" || /\p{Cc}/u.test(value)) throw bad(raw, `must name ${what}`);
  return resolve(raw.origin === "file" ? sources.fileDir : sources.cwd, value);
}

function checkOrigin(value: string, raw: Raw): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.origin === value.replace(/\/$/, "")) return url.origin;
  throw bad(raw, `must be like https://example.com, got "${value}"`);
}
