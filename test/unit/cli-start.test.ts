import { describe, expect, it } from "vitest";
import { CliError } from "../../src/cli/exit.ts";
import { keyOf, START_FLAGS, type StartFlagName, variableOf } from "../../src/cli/start-flags.ts";
import { isGiven, resolveStartOptions, type StartSources } from "../../src/cli/start-options.ts";
import { reachable, tryLines, writtenTries } from "../../src/cli/try-lines.ts";

const nothing: StartSources = {
  flags: {},
  env: { HOME: "/home/u" },
  file: {},
  fileName: "app.yaml",
  fileDir: "/etc/app",
  config: {},
  cwd: "/work",
};

function outcome(sources: Partial<StartSources>): Record<string, unknown> | { code: number; message: string } {
  try {
    return { ...resolveStartOptions({ ...nothing, ...sources, env: { ...nothing.env, ...sources.env } }) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { code: error.exitCode, message: error.message };
  }
}

describe("options of start", () => {
  it("has the documented defaults", () => {
    expect(outcome({})).toEqual({
      host: "127.0.0.1",
      controlPorts: [8265],
      httpPort: 8000,
      grpcPort: 9000,
      proxyWorkers: 2,
      spareReplicas: 1,
      stateDir: "/home/u/.local/state/windlass",
      appDir: "/work",
      auth: true,
      allowedHosts: [],
      allowedOrigins: [],
      noInstance: false,
      logFormat: "text",
      logLevel: "info",
      proxyLocation: "EveryNode",
      watchHistory: 10_000,
      webhookOnProxy: true,
      capacity: { cpus: null, gpus: null, custom: null },
      instance: {},
      tls: { control: null, http: null, grpc: null },
    });
  });

  const good: { name: string; sources: Partial<StartSources>; has: Record<string, unknown> }[] = [
    {
      name: "a flag beats the variable, the variable the file",
      sources: {
        flags: { "http-port": "1" },
        env: { WINDLASS_HTTP_PORT: "2", WINDLASS_GRPC_PORT: "3" },
        file: { http_port: 4, grpc_port: 5, control_port: 6 },
      },
      has: { httpPort: 1, grpcPort: 3, controlPorts: [6] },
    },
    { name: "an empty variable is no value", sources: { env: { WINDLASS_HTTP_PORT: "" } }, has: { httpPort: 8000 } },
    { name: "port 0 is any free port", sources: { flags: { "control-port": "0" } }, has: { controlPorts: [0] } },
    {
      name: "the API answers at several ports, each of which may be any free one",
      sources: { flags: { "control-port": "8265,0,0" } },
      has: { controlPorts: [8265, 0, 0] },
    },
    {
      name: "several control ports come from repeated flags too",
      sources: { flags: { "control-port": ["8265, 52365", "7"] } },
      has: { controlPorts: [8265, 52365, 7] },
    },
    {
      name: "several control ports come from a variable",
      sources: { env: { WINDLASS_CONTROL_PORT: "8265, 52365" } },
      has: { controlPorts: [8265, 52365] },
    },
    {
      name: "several control ports come from a text of the file",
      sources: { file: { control_port: "8265,52365" } },
      has: { controlPorts: [8265, 52365] },
    },
    {
      name: "several control ports come from a list of the file",
      sources: { file: { control_port: [8265, "52365"] } },
      has: { controlPorts: [8265, 52365] },
    },
    {
      name: "ports and proxy location of the config serve where nothing else is said",
      sources: {
        config: { httpPort: 7001, grpcPort: 7002, proxyLocation: "Disabled" },
        flags: { "grpc-port": "7003" },
      },
      has: { httpPort: 7001, grpcPort: 7003, proxyLocation: "Disabled" },
    },
    {
      name: "folders of the file start from the file's folder, others from the command's",
      sources: { flags: { "app-dir": "a" }, file: { state_dir: "s" } },
      has: { appDir: "/work/a", stateDir: "/etc/app/s" },
    },
    {
      name: "YAML booleans serve as on and off",
      sources: { file: { auth: false, no_instance: true } },
      has: { auth: false, noInstance: true },
    },
    {
      name: "keys may be written with dashes",
      sources: { file: { "log-format": "json" } },
      has: { logFormat: "json" },
    },
    { name: "a switch has a variable", sources: { env: { WINDLASS_NO_INSTANCE: "1" } }, has: { noInstance: true } },
    {
      name: "lists come from repeated flags, commas in variables, lists in files",
      sources: {
        flags: { "allowed-host": ["a", "b"] },
        env: { WINDLASS_ALLOWED_ORIGIN: "https://a.example, http://b.example:81" },
      },
      has: { allowedHosts: ["a", "b"], allowedOrigins: ["https://a.example", "http://b.example:81"] },
    },
    { name: "a list of the file", sources: { file: { allowed_host: ["x", "y"] } }, has: { allowedHosts: ["x", "y"] } },
    {
      name: "a certificate serves all ports, clients of the data ports are checked, and paths become absolute",
      sources: {
        flags: { "tls-cert": "c.pem", "tls-client-ca": "ca.pem" },
        file: { tls_key: "k.pem" },
        env: { WINDLASS_TLS_KEY_PASSWORD: "p" },
      },
      has: {
        tls: {
          control: { certFile: "/work/c.pem", keyFile: "/etc/app/k.pem", keyPassword: "p" },
          http: { certFile: "/work/c.pem", keyFile: "/etc/app/k.pem", keyPassword: "p", clientCaFile: "/work/ca.pem" },
          grpc: { certFile: "/work/c.pem", keyFile: "/etc/app/k.pem", keyPassword: "p", clientCaFile: "/work/ca.pem" },
        },
      },
    },
    {
      name: "TLS is on at the ports that are named",
      sources: {
        flags: { "tls-cert": "/c", "tls-key": "/k", "tls-key-password-file": "/p" },
        env: { WINDLASS_TLS_ON: "http, grpc" },
      },
      has: {
        tls: {
          control: null,
          http: { certFile: "/c", keyFile: "/k", keyPasswordFile: "/p" },
          grpc: { certFile: "/c", keyFile: "/k", keyPasswordFile: "/p" },
        },
      },
    },
    {
      name: "auth may be off on ::1",
      sources: { flags: { auth: "off", host: "[::1]" } },
      has: { auth: false, host: "::1" },
    },
    { name: "auth may be on anywhere", sources: { flags: { host: "0.0.0.0" } }, has: { auth: true, host: "0.0.0.0" } },
    {
      name: "the built engine and store may be named",
      sources: { flags: { engine: "local", store: "embedded" } },
      has: { controlPorts: [8265] },
    },
    {
      name: "the webhook on the proxy can be switched off",
      sources: { flags: { "webhook-on-proxy": "off" } },
      has: { webhookOnProxy: false },
    },
  ];
  it.each(good)("$name", ({ sources, has }) => {
    expect(outcome(sources)).toMatchObject(has);
  });

  /** A value of its own for flag, variable and key, with what becomes of it. */
  const everyFlag: { name: StartFlagName; option: string; values: [unknown, unknown, unknown]; means?: unknown[] }[] = [
    { name: "host", option: "host", values: ["127.0.0.2", "127.0.0.3", "127.0.0.4"] },
    { name: "control-port", option: "controlPorts", values: ["1", "2", 3], means: [[1], [2], [3]] },
    { name: "http-port", option: "httpPort", values: ["1", "2", 3], means: [1, 2, 3] },
    { name: "grpc-port", option: "grpcPort", values: ["1", "2", 3], means: [1, 2, 3] },
    { name: "proxy-workers", option: "proxyWorkers", values: ["3", "4", 5], means: [3, 4, 5] },
    { name: "spare-replicas", option: "spareReplicas", values: ["0", "2", 64], means: [0, 2, 64] },
    { name: "state-dir", option: "stateDir", values: ["/f", "/e", "/y"] },
    { name: "app-dir", option: "appDir", values: ["/f", "/e", "/y"] },
    {
      name: "proxy-location",
      option: "proxyLocation",
      values: ["headonly", "Disabled", "EveryNode"],
      means: ["HeadOnly", "Disabled", "EveryNode"],
    },
    { name: "watch-history", option: "watchHistory", values: ["1", "500", 20_000], means: [1, 500, 20_000] },
    { name: "webhook-on-proxy", option: "webhookOnProxy", values: ["on", "off", true], means: [true, false, true] },
    { name: "auth", option: "auth", values: ["on", "off", true], means: [true, false, true] },
    {
      name: "allowed-host",
      option: "allowedHosts",
      values: [["f"], "e1,e2", "y"],
      means: [["f"], ["e1", "e2"], ["y"]],
    },
    {
      name: "allowed-origin",
      option: "allowedOrigins",
      values: [["http://f"], "http://e", ["http://y"]],
      means: [["http://f"], ["http://e"], ["http://y"]],
    },
    { name: "no-instance", option: "noInstance", values: [true, "off", true], means: [true, false, true] },
    { name: "log-format", option: "logFormat", values: ["json", "text", "json"] },
    { name: "log-level", option: "logLevel", values: ["debug", "warn", "error"] },
  ];
  it.each(everyFlag)("--$name beats its variable, which beats its key", ({ name, option, values, means = values }) => {
    const [flag, variable, key] = values;
    const flags = { [name]: flag } as StartSources["flags"];
    const env = { [variableOf(name)]: String(variable) };
    const file = { [keyOf(name)]: key };
    expect(outcome({ flags, env, file })).toMatchObject({ [option]: means[0] });
    expect(outcome({ env, file })).toMatchObject({ [option]: means[1] });
    expect(outcome({ file })).toMatchObject({ [option]: means[2] });
  });

  it("reads what the node has from flags, variables and keys, and limits nothing without them", () => {
    expect(outcome({})).toMatchObject({ capacity: { cpus: null, gpus: null, custom: null } });
    expect(outcome({ flags: { "num-cpus": "1.5", "num-gpus": "2", resources: '{"accel": 2}' } })).toMatchObject({
      capacity: { cpus: 1.5, gpus: ["0", "1"], custom: { accel: 2 } },
    });
    expect(outcome({ env: { WINDLASS_NUM_CPUS: "0", WINDLASS_RESOURCES: "{}" } })).toMatchObject({
      capacity: { cpus: 0, gpus: null, custom: {} },
    });
    expect(outcome({ file: { num_cpus: 4, num_gpus: 1, resources: { accel: 1 } } })).toMatchObject({
      capacity: { cpus: 4, gpus: ["0"], custom: { accel: 1 } },
    });
  });

  it("hands out the GPUs that it may see itself", () => {
    const env = { CUDA_VISIBLE_DEVICES: "2, 5" };
    expect(outcome({ env, flags: { "num-gpus": "1" } })).toMatchObject({ capacity: { gpus: ["2"] } });
    const tooMany = outcome({ env, flags: { "num-gpus": "3" } });
    expect(tooMany.message).toBe("--num-gpus is 3, but CUDA_VISIBLE_DEVICES names 2; lower it or name more");
  });

  it("the table above has every flag that takes more than one value", () => {
    const single = [
      "engine",
      "store",
      "num-cpus",
      "num-gpus",
      "resources",
      "tls-cert",
      "tls-key",
      "tls-key-password-file",
      "tls-client-ca",
      "tls-on",
    ];
    expect([...everyFlag.map(({ name }) => name), ...single].sort()).toEqual(
      START_FLAGS.map(({ name }) => name).sort(),
    );
  });

  it("only a flag, a variable and a key count as given", () => {
    expect(isGiven(nothing, "state-dir")).toBe(false);
    expect(isGiven({ ...nothing, flags: { "state-dir": "s" } }, "state-dir")).toBe(true);
    expect(isGiven({ ...nothing, env: { WINDLASS_STATE_DIR: "s" } }, "state-dir")).toBe(true);
    expect(isGiven({ ...nothing, file: { state_dir: "s" } }, "state-dir")).toBe(true);
  });

  const usage: { flag: string; value: string; says: string }[] = [
    { flag: "control-port", value: "65536", says: "--control-port must be a whole number from 0 to 65535" },
    { flag: "http-port", value: "-1", says: "0 to 65535" },
    { flag: "grpc-port", value: "80a", says: '"80a"' },
    { flag: "http-port", value: "1e3", says: '"1e3"' },
    { flag: "control-port", value: "8265,x", says: '"x"' },
    { flag: "control-port", value: "8265,", says: '""' },
    { flag: "control-port", value: "8265,52365,8265", says: "names port 8265 twice" },
    { flag: "http-port", value: "8000,8001", says: '"8000,8001"' },
    { flag: "proxy-workers", value: "0", says: "1 to 64" },
    { flag: "spare-replicas", value: "65", says: "--spare-replicas must be a whole number from 0 to 64" },
    { flag: "watch-history", value: "0", says: "1 to 10000000" },
    { flag: "proxy-location", value: "Anywhere", says: "EveryNode, HeadOnly, Disabled" },
    { flag: "engine", value: "ray", says: "not built yet" },
    { flag: "engine", value: "moon", says: "must be local" },
    { flag: "store", value: "etcd://127.0.0.1:2379", says: "not built yet" },
    { flag: "store", value: "redis://x", says: "must be embedded" },
    { flag: "num-cpus", value: "-1", says: "a number from 0" },
    { flag: "num-cpus", value: "four", says: '"four"' },
    { flag: "num-gpus", value: "0.5", says: "a whole number from 0 to 1024" },
    { flag: "resources", value: "accel=2", says: '{"accel": 2}' },
    { flag: "resources", value: '{"accel": "2"}', says: "numbers >= 0" },
    { flag: "resources", value: "[1]", says: "a JSON object" },
    { flag: "resources", value: '{"CPU": 2}', says: "--num-cpus" },
    { flag: "tls-cert", value: "c.pem", says: "needs --tls-key beside it" },
    { flag: "tls-key", value: "k.pem", says: "needs --tls-cert beside it" },
    { flag: "tls-client-ca", value: "ca.pem", says: "needs --tls-cert and --tls-key beside it" },
    { flag: "tls-key-password-file", value: "p", says: "needs --tls-cert" },
    { flag: "tls-on", value: "http", says: "needs --tls-cert" },
    { flag: "auth", value: "maybe", says: "on or off" },
    { flag: "log-format", value: "xml", says: "text, json" },
    { flag: "log-level", value: "loud", says: "debug, info, warn, error" },
    { flag: "allowed-origin", value: "example.com", says: "https://example.com" },
    { flag: "allowed-origin", value: "https://example.com/path", says: "https://example.com" },
    { flag: "host", value: "a b", says: "host name" },
  ];
  it.each(usage)("--$flag $value is a usage error", ({ flag, value, says }) => {
    const result = outcome({ flags: { [flag]: value } });
    expect(result).toMatchObject({ code: 2 });
    expect(result.message).toContain(says);
    expect(result.message).toContain(`--${flag}`);
  });

  it("client certificates that no port would ask for are a usage error", () => {
    const files = { "tls-cert": "c.pem", "tls-key": "k.pem", "tls-client-ca": "ca.pem" };
    const result = outcome({ flags: { ...files, "tls-on": "control" } });
    expect(result).toMatchObject({ code: 2, message: expect.stringContaining("--tls-on names neither http nor grpc") });
    expect(outcome({ flags: { ...files, "tls-on": "control,grpc" } })).not.toHaveProperty("code", 2);
  });

  it.each(["0.0.0.0", "10.0.0.1", "example.com", "::"])("auth off is refused on %s", (host) => {
    expect(outcome({ flags: { auth: "off", host } })).toMatchObject({ code: 2 });
  });

  it("a bad variable is a usage error that names the variable", () => {
    const result = outcome({ env: { WINDLASS_HTTP_PORT: "many" } });
    expect(result).toMatchObject({ code: 2 });
    expect(result.message).toContain("WINDLASS_HTTP_PORT");
  });

  it("a bad value or key of the file fails and names the file", () => {
    expect(outcome({ file: { http_port: 99999 } })).toMatchObject({
      code: 1,
      message: expect.stringContaining("app.yaml: start.http_port"),
    });
    expect(outcome({ file: { htp_port: 1 } })).toMatchObject({
      code: 1,
      message: expect.stringContaining("start.htp_port"),
    });
    expect(outcome({ file: { http_port: [1, 2] } })).toMatchObject({ code: 1 });
  });

  it("a value of the file whose feature is not built yet is 2, as by flag", () => {
    expect(outcome({ file: { engine: "ray" } })).toMatchObject({ code: 2 });
  });

  it.each(START_FLAGS)("--$name is read from its variable and its key", ({ name }) => {
    const bad = "\u0000";
    for (const sources of [{ env: { [variableOf(name)]: bad } }, { file: { [keyOf(name)]: bad } }]) {
      const read = outcome(sources);
      // Every flag either refuses nonsense or takes it over: nothing is ignored.
      expect(JSON.stringify(read)).not.toBe(JSON.stringify(outcome({})));
    }
  });
});

describe("curl lines after a start", () => {
  const app = { name: "text", routePrefix: "/", scalable: undefined, token: undefined };

  it("asks each exposed application once", () => {
    const lines = tryLines(
      [app, { ...app, name: "b", routePrefix: "/b" }, { ...app, routePrefix: null }],
      [],
      "http://h:1",
      "http://h:1",
    );
    expect(lines).toEqual(["curl http://h:1/", "curl http://h:1/b"]);
  });

  it("prefers the lines of the config and puts the address in", () => {
    const written = writtenTries(
      "# try: curl {http}/x -d 'a b'\napplications: []\n#try: wget\n  # try: curl no\n#  try:  curl {http}/y \r\n",
    );
    expect(tryLines([app], written, "http://h:1", "http://h:1")).toEqual([
      "curl http://h:1/x -d 'a b'",
      "curl http://h:1/y",
    ]);
  });

  it("scales through the webhook with the application's own token", () => {
    const lines = tryLines(
      [{ name: "my app", routePrefix: null, scalable: "A'b", token: "wls_1" }],
      [],
      "http://h:1",
      "http://h:1",
    );
    expect(lines).toEqual([
      "curl -X POST 'http://h:1/api/v1/applications/my%20app/deployments/A%27b/scale' " +
        `-H "Authorization: Bearer wls_1" -H "Content-Type: application/json" -d '{"target_num_replicas": 3}'`,
    ]);
  });

  it("sends no token where none is asked for, and nothing to a proxy that does not run", () => {
    const lines = tryLines([{ ...app, scalable: "A" }], ["curl {http}/"], null, "http://c:2");
    expect(lines).toEqual([
      `curl -X POST http://c:2/api/v1/applications/text/deployments/A/scale -H "Content-Type: application/json" -d '{"target_num_replicas": 3}'`,
    ]);
  });

  it.each([
    ["http://0.0.0.0:8000", "http://127.0.0.1:8000"],
    ["http://[::]:8000", "http://[::1]:8000"],
    ["http://10.0.0.1:8000", "http://10.0.0.1:8000"],
  ])("%s is reached as %s", (address, reached) => {
    expect(reachable(address)).toBe(reached);
  });
});
