import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { calledFirst, writtenOptions } from "../../src/cli/built-config.ts";
import { validateDeployConfig } from "../../src/config/check.ts";
import { writeApp } from "../support/apps.ts";
import { runCli } from "../support/run-cli.ts";

const ECHO = `
import { deployment } from "windlass";
console.log("loaded");
class Echo { fetch() { return new Response(""); } }
class Back { ask() { return 1; } }
class Front { constructor(readonly back: unknown) {} fetch() { return new Response(""); } }
const options = { gracefulShutdownWaitLoopS: 0.2, rayActorOptions: { numCpus: 0.1 } };
export const echo = deployment(Echo, { maxConstructorRetryCount: 3, ...options }).bind();
export const chain = deployment(Front, options).bind(deployment(Back, options).bind());
export const bad = deployment(Echo, { maxOngoingRequests: -1 }).bind();
export const not_an_app = 42;
`.replace("readonly back: unknown", "back: unknown");

const SERVER = {
  proxy_location: "EveryNode",
  http_options: { host: "0.0.0.0", port: 8000 },
  grpc_options: { port: 9000, grpc_servicer_functions: [], enable_reflection: true },
  logging_config: {
    encoding: "TEXT",
    log_level: "INFO",
    logs_dir: null,
    enable_access_log: true,
    additional_log_standard_attrs: [],
  },
};
const SET = { graceful_shutdown_wait_loop_s: 0.2, ray_actor_options: { num_cpus: 0.1 } };

const folder = (): string => dirname(writeApp(ECHO, ""));

describe("windlass build", () => {
  it("writes one application as the reference does, with the options that its code sets and a config can set", async () => {
    const { code, out, err } = await runCli(["build", "./app.ts:echo"], { cwd: folder() });
    expect([code, err]).toEqual([0, expect.stringContaining("loaded\n")]);
    expect(parse(out)).toEqual({
      ...SERVER,
      applications: [
        {
          name: "app1",
          route_prefix: "/",
          import_path: "./app.ts:echo",
          runtime_env: {},
          deployments: [{ name: "Echo", ...SET }],
        },
      ],
    });
    expect(Object.keys(parse(out) as object)).toEqual([...Object.keys(SERVER), "applications"]);
    expect(out).toMatch(/^# [^\n]+\n\nproxy_location: EveryNode\n\nhttp_options:\n(.|\n)*[^\n]\n$/);
    const checked = validateDeployConfig(parse(out));
    expect(checked.ok).toBe(true);
  });

  it("writes several with a prefix each, deployments after those that they call", async () => {
    const { code, out } = await runCli(["build", "./app.ts:echo", "app:chain"], { cwd: folder() });
    expect(code).toBe(0);
    expect((parse(out) as { applications: unknown }).applications).toEqual([
      {
        name: "app1",
        route_prefix: "/app1",
        import_path: "./app.ts:echo",
        runtime_env: {},
        deployments: [{ name: "Echo", ...SET }],
      },
      {
        name: "app2",
        route_prefix: "/app2",
        import_path: "app:chain",
        runtime_env: {},
        deployments: [
          { name: "Back", ...SET },
          { name: "Front", ...SET },
        ],
      },
    ]);
  });

  it("writes what the flags of gRPC say, which a deploy takes", async () => {
    const argv = ["build", "app:echo", "--grpc-servicer-functions", "a.b", "--grpc-servicer-functions", "c.d"];
    const { out } = await runCli([...argv, "--grpc-disable-reflection"], { cwd: folder() });
    const { grpc_options } = parse(out) as { grpc_options: object };
    expect(grpc_options).toEqual({ port: 9000, grpc_servicer_functions: ["a.b", "c.d"], enable_reflection: false });
    expect(validateDeployConfig(parse(out)).ok).toBe(true);
  });

  it("-o writes a file from whose folder the import paths start", async () => {
    const dir = folder();
    mkdirSync(join(dir, "deploy"));
    const argv = ["build", "app:echo", "-d", dir, "-o", join(dir, "deploy", "app.yaml")];
    const { code, out } = await runCli(argv);
    expect([code, out]).toEqual([0, expect.stringMatching(/^\S+app\.yaml is written; .*\n$/)]);
    const { applications } = parse(readFileSync(join(dir, "deploy", "app.yaml"), "utf8")) as {
      applications: { import_path: string }[];
    };
    expect(applications[0]?.import_path).toBe("../app:echo");
    expect(readdirSync(dir).sort()).toEqual(["app.ts", "app.yaml", "deploy"]);
  });

  it.each([
    { name: "a file that is not there", argv: ["./nope.ts:app"], says: "no such file" },
    { name: "an export that is no application", argv: ["./app.ts:not_an_app"], says: "not_an_app" },
    { name: "an option that is wrong", argv: ["./app.ts:bad"], says: "max_ongoing_requests" },
    { name: "the second of two", argv: ["./app.ts:echo", "./app.ts:gone"], says: "gone" },
    { name: "a file that cannot be written", argv: ["./app.ts:echo", "-o", "no/such/folder/x.yaml"], says: "no/such" },
  ])("exits 1 with one line at $name", async ({ argv, says }) => {
    const dir = folder();
    const { code, out, err } = await runCli(["build", ...argv], { cwd: dir });
    const errors = err.split("\n").filter((line) => line.startsWith("windlass: "));
    expect([code, out, errors]).toEqual([1, "", [expect.stringContaining(says)]]);
    expect(existsSync(join(dir, "no"))).toBe(false);
  });

  it("stops when it is told to", async () => {
    const dir = dirname(writeApp("await new Promise(() => setInterval(() => {}, 1000)); export const app = 1;", ""));
    const { code, err } = await runCli(["build", "./app.ts:app"], { cwd: dir, stop: AbortSignal.abort() });
    expect([code, err]).toEqual([1, expect.stringContaining("stopped")]);
  });
});

describe("what of an application is written", () => {
  it("leaves out what a config cannot set, and keeps its order", () => {
    const options = { max_constructor_retry_count: 3, user_config: null, num_replicas: 2 };
    expect(Object.entries(writtenOptions(options))).toEqual([
      ["num_replicas", 2],
      ["user_config", null],
    ]);
  });

  it("orders a diamond by who calls whom", () => {
    const node = (name: string, ...outbound: string[]) => ({ name, options: {}, outbound });
    const deployments = [node("Top", "Left", "Right"), node("Left", "Base"), node("Base"), node("Right", "Base")];
    const graph = { bundlePath: "", bundleHash: "", exportName: "app", ingress: "Top", deployments };
    expect(calledFirst(graph).map(({ name }) => name)).toEqual(["Base", "Left", "Right", "Top"]);
  });
});
