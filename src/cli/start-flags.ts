/** A flag of `windlass start`. Its variable is WINDLASS_<NAME> and its key in `start:` the name with underscores. */
export interface StartFlag {
  /** Without dashes: "control-port". */
  readonly name: string;
  /** Placeholder of the value in help texts; undefined for a switch. */
  readonly value?: string;
  /** The values it may have, where they can be listed. */
  readonly choices?: readonly string[];
  /** May be given several times; commas divide the variable's value. */
  readonly list?: true;
  readonly help: string;
  /** The default as help texts show it. */
  readonly default?: string;
}

/** Every flag of `windlass start`, in the order of the help text. */
export const START_FLAGS = [
  { name: "host", value: "address", help: "address that all ports bind", default: "127.0.0.1" },
  {
    name: "control-port",
    value: "ports",
    list: true,
    help: "port of the API, or several divided by commas that all answer it; 0 is any free one",
    default: "8265",
  },
  { name: "http-port", value: "port", help: "port of the HTTP proxies; 0 is any free one", default: "8000" },
  { name: "grpc-port", value: "port", help: "port of the gRPC proxies; 0 is any free one", default: "9000" },
  {
    name: "state-dir",
    value: "folder",
    help: "holds the store, tokens, bundles and logs",
    default: "$XDG_STATE_HOME/windlass, else ~/.local/state/windlass",
  },
  { name: "app-dir", value: "folder", help: "import paths start here where a deploy names no folder", default: "." },
  { name: "engine", value: "name", choices: ["local"], help: "where replicas run: local", default: "local" },
  { name: "store", value: "name", choices: ["embedded"], help: "where state is kept: embedded", default: "embedded" },
  {
    name: "num-cpus",
    value: "n",
    help: "CPUs that replicas may take together; those that do not fit wait",
    default: "no limit",
  },
  {
    name: "num-gpus",
    value: "n",
    help: "GPUs that are handed out to replicas, by CUDA_VISIBLE_DEVICES",
    default: "no limit, none handed out",
  },
  { name: "resources", value: "json", help: 'custom resources of the node, as {"accel": 2}', default: "no limit" },
  {
    name: "proxy-location",
    value: "where",
    choices: ["EveryNode", "HeadOnly", "Disabled"],
    help: "EveryNode, HeadOnly or Disabled",
    default: "the config's, else EveryNode",
  },
  { name: "proxy-workers", value: "n", help: "proxy processes that share the ports, 1 to 64", default: "2" },
  {
    name: "spare-replicas",
    value: "n",
    help: "processes kept loaded to become replicas, 0 to 64",
    default: "1",
  },
  {
    name: "watch-history",
    value: "n",
    help: "revisions that watches can resume from, at least 1",
    default: "10000",
  },
  {
    name: "webhook-on-proxy",
    value: "on|off",
    choices: ["on", "off"],
    help: "answer the scale webhook on the HTTP port too",
    default: "on",
  },
  { name: "tls-cert", value: "file", help: "certificate, PEM: the ports speak TLS; read anew when it changes" },
  { name: "tls-key", value: "file", help: "its key, PEM" },
  {
    name: "tls-key-password-file",
    value: "file",
    help: "holds the password of an encrypted key; or set WINDLASS_TLS_KEY_PASSWORD",
  },
  {
    name: "tls-client-ca",
    value: "file",
    help: "certificates that HTTP and gRPC clients must have theirs from",
    default: "clients need none",
  },
  {
    name: "tls-on",
    value: "ports",
    list: true,
    help: "which ports speak TLS: control, http, grpc",
    default: "all",
  },
  {
    name: "auth",
    value: "on|off",
    choices: ["on", "off"],
    help: "ask for tokens; off only on a loopback host",
    default: "on",
  },
  { name: "allowed-host", value: "name", list: true, help: "a further name that requests may be addressed to" },
  { name: "allowed-origin", value: "origin", list: true, help: "a further origin that browsers may call from" },
  { name: "no-instance", help: "make no instance before the first deploy" },
  { name: "log-format", value: "format", choices: ["text", "json"], help: "text or json", default: "text" },
  {
    name: "log-level",
    value: "level",
    choices: ["debug", "info", "warn", "error"],
    help: "debug, info, warn or error",
    default: "info",
  },
] as const satisfies readonly StartFlag[];

/** Name of a flag of `windlass start`. */
export type StartFlagName = (typeof START_FLAGS)[number]["name"];

/** The flag's environment variable. */
export function variableOf(name: string): string {
  return `WINDLASS_${name.replaceAll("-", "_").toUpperCase()}`;
}

/** The flag's key in a config's `start:` section. */
export function keyOf(name: string): string {
  return name.replaceAll("-", "_");
}
