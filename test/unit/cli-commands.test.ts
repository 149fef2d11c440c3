import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Deployment_State, Lease_Fallback, Replica_State } from "../../gen/windlass/v1/deployment_pb.ts";
import type { ScaleDeploymentRequest } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { type CreateTokenRequest, Role } from "../../gen/windlass/v1/token_service_pb.ts";
import { VERSION } from "../../src/cli/version.ts";
import { apiError, type FakeAnswers, type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const deployments = {
  Analyzer: {
    status: "HEALTHY",
    status_trigger: "CONFIG_UPDATE_COMPLETED",
    message: "",
    replicas: [{ state: "RUNNING" }, { state: "STARTING" }, { state: "RUNNING" }],
  },
};
const details = {
  proxies: { local: { status: "HEALTHY" } },
  applications: {
    text: {
      status: "RUNNING",
      message: "",
      last_deployed_time_s: 1_693_430_845.86,
      deployed_app_config: { name: "text", import_path: "./app.ts:app", args: { mode: "on" } },
      deployments,
    },
    script: {
      status: "DEPLOY_FAILED",
      message: "one\n\u001b[31mtwo\u001b[0m",
      last_deployed_time_s: 1,
      deployed_app_config: null,
      deployments: {},
    },
  },
  target_capacity: null,
};

/** Answers GET and DELETE of the applications route. */
function serve(document: unknown, seen: string[] = []) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    seen.push(`${request.method} ${request.url}`);
    if (request.url !== "/api/serve/applications/") response.writeHead(404).end("404: Not Found");
    else response.writeHead(200).end(request.method === "GET" ? JSON.stringify(document) : "");
  };
}

async function against(answers: FakeAnswers, argv: readonly string[], stdin?: string) {
  const api = await fakeApi(answers);
  const result = await runCli(argv, {
    env: { WINDLASS_ADDRESS: api.address },
    ...(stdin === undefined ? {} : { stdin }),
  });
  return { ...result, api };
}

describe("windlass status and config", () => {
  it("status prints the reference's document: states counted, a blank line between entries, no escapes", async () => {
    const { code, out, err } = await against({ rest: serve(details) }, ["status"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toBe(`proxies:
  local: HEALTHY

applications:
  text:
    status: RUNNING
    message: ''
    last_deployed_time_s: 1693430845.86
    deployments:
      Analyzer:
        status: HEALTHY
        status_trigger: CONFIG_UPDATE_COMPLETED
        replica_states:
          RUNNING: 2
          STARTING: 1
        message: ''
  script:
    status: DEPLOY_FAILED
    message: |-
      one
      two
    last_deployed_time_s: 1
    deployments: {}

target_capacity: null
`);
  });

  it("status -n prints that application alone", async () => {
    const { out } = await against({ rest: serve(details) }, ["status", "-n", "text"]);
    expect(Object.keys(parse(out) as object)).toEqual(["status", "message", "last_deployed_time_s", "deployments"]);
  });

  it("status -o json prints the same document as JSON", async () => {
    const yaml = await against({ rest: serve(details) }, ["status", "-n", "text"]);
    const json = await against({ rest: serve(details) }, ["status", "-n", "text", "-o", "json"]);
    expect(JSON.parse(json.out)).toEqual(parse(yaml.out));
  });

  it("config prints what was put, quoted so that YAML 1.1 reads text as text", async () => {
    const { out } = await against({ rest: serve(details) }, ["config"]);
    expect(out).toBe("name: text\n\nimport_path: ./app.ts:app\n\nargs:\n  mode: 'on'\n");
  });

  it("config without any says so and is no failure", async () => {
    const { code, out } = await against({ rest: serve({ applications: {}, target_capacity: null }) }, ["config"]);
    expect({ code, out }).toEqual({ code: 0, out: "No configuration was found.\n" });
  });

  it.each(["status", "config"])("%s of an unknown application exits 1", async (command) => {
    for (const name of ["nope", "toString"]) {
      const { code, out, err } = await against({ rest: serve(details) }, [command, "-n", name]);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(/^windlass: .*\n$/);
      expect(err).toContain(name);
    }
  });
});

describe("windlass scale", () => {
  const replicas = (generation: bigint, target: number, running: number, starting: number): FeedMessage => ({
    revision: generation,
    event: {
      case: "deployment",
      value: {
        name: "applications/text/deployments/Analyzer",
        state: Deployment_State.HEALTHY,
        generation,
        targetNumReplicas: target,
        replicaCounts: [
          { state: Replica_State.RUNNING, count: running },
          { state: Replica_State.STARTING, count: starting },
        ],
      },
    },
  });
  const synced: FeedMessage = { revision: 4n, event: { case: "synced", value: true } };
  const accept = (seen: ScaleDeploymentRequest[] = []) => ({
    scaleDeployment(request: ScaleDeploymentRequest) {
      seen.push(request);
      return { deployment: { name: request.name, generation: 5n }, previousTargetNumReplicas: 1 };
    },
  });

  it("sends the number, the reason and an id, and returns at once", async () => {
    const seen: ScaleDeploymentRequest[] = [];
    const { code, out } = await against({ deployments: accept(seen) }, [
      "scale",
      "my app",
      "A",
      "0",
      "--reason",
      "night",
    ]);
    expect({ code, out }).toEqual({ code: 0, out: "my app/A: target 1 -> 0\n" });
    expect(seen[0]).toMatchObject({
      name: "applications/my%20app/deployments/A",
      targetNumReplicas: 0,
      reason: "night",
    });
    expect(seen[0]?.requestId).toMatch(/^[a-z0-9]{20}$/);
  });

  it.each([
    { name: "by hand where the webhook is closed", open: false, manual: true },
    { name: "as the webhook where it is open", open: true, manual: false },
    { name: "as the webhook where the application cannot be read", open: undefined, manual: false },
  ])("scales $name", async ({ open, manual }) => {
    const seen: ScaleDeploymentRequest[] = [];
    const getApplication = () => {
      if (open === undefined) throw apiError(Code.PermissionDenied, "no", "PERMISSION_DENIED");
      return { application: { externalScalerEnabled: open } };
    };
    const answers = { deployments: accept(seen), applications: { getApplication } };
    expect((await against(answers, ["scale", "text", "Analyzer", "2"])).code).toBe(0);
    expect(seen[0]).toMatchObject({ manual, force: false, dryRun: false, owner: "", leaseFallback: 0 });
    expect([seen[0]?.ttl, seen[0]?.fence]).toEqual([undefined, undefined]);
  });

  it("sends the lease and the fence, and says who holds the lease now", async () => {
    const seen: ScaleDeploymentRequest[] = [];
    const expireTime = { seconds: 1_800_000_000n, nanos: 0 };
    const deployments = {
      scaleDeployment(request: ScaleDeploymentRequest) {
        seen.push(request);
        return { deployment: { name: request.name, lease: { owner: "me", expireTime } }, previousTargetNumReplicas: 1 };
      },
    };
    const flags = "--owner me --ttl 90.5 --fence 9007199254740991 --fallback policy --force --dry-run".split(" ");
    const { code, out } = await against({ deployments }, ["scale", "text", "Analyzer", "2", ...flags]);
    expect({ code, out }).toEqual({
      code: 0,
      out: 'text/Analyzer: target 1 -> 2; lease of "me" until 2027-01-15T08:00:00.000Z (dry run, nothing was changed)\n',
    });
    expect(seen[0]).toMatchObject({
      owner: "me",
      ttl: { seconds: 90n, nanos: 500_000_000 },
      fence: 9007199254740991n,
      leaseFallback: Lease_Fallback.POLICY,
      force: true,
      dryRun: true,
    });
  });

  it.each([
    { argv: ["-1"], says: 'N must be a whole number from 0 to 4294967295, got "-1"; see `windlass scale --help`' },
    { argv: ["two"], says: 'N must be a whole number from 0 to 4294967295, got "two"; see `windlass scale --help`' },
    { argv: ["2", "--dry-run", "--wait"], says: "--dry-run changes nothing to wait for; leave out --wait" },
  ])("refuses $argv in one line", async ({ argv, says }) => {
    const seen: ScaleDeploymentRequest[] = [];
    const result = await against({ deployments: accept(seen) }, ["scale", "text", "Analyzer", ...argv]);
    expect({ code: result.code, err: result.err, seen }).toEqual({ code: 2, err: `windlass: ${says}\n`, seen: [] });
  });

  it("--wait ends when exactly the wanted replicas run, not at what an older generation says", async () => {
    const { code, out, err } = await against(
      {
        deployments: accept(),
        feed: [
          {
            send: [replicas(4n, 3, 3, 0), synced, replicas(5n, 3, 1, 2), replicas(6n, 3, 3, 1), replicas(7n, 3, 3, 0)],
            end: "hold",
          },
        ],
      },
      ["scale", "text", "Analyzer", "3", "--wait"],
    );
    expect({ code, out }).toEqual({ code: 0, out: "text/Analyzer: target 1 -> 3\ntext/Analyzer: 3 running\n" });
    expect(err).toContain("text/Analyzer  HEALTHY  1/3 running, 2 starting\n");
    expect(err).toContain("text/Analyzer  HEALTHY  3/3 running, 1 starting\n");
  });

  it.each([
    { name: "another writer's target", change: replicas(6n, 9, 1, 0), says: "changed to 9 meanwhile; 3 was asked for" },
    {
      name: "a deletion",
      change: {
        revision: 6n,
        event: { case: "deleted", value: "applications/text/deployments/Analyzer" },
      } as FeedMessage,
      says: "deleted meanwhile",
    },
  ])("--wait fails at $name", async ({ change, says }) => {
    const feed = [{ send: [replicas(5n, 3, 1, 0), synced, change], end: "hold" as const }];
    const { code, err } = await against({ deployments: accept(), feed }, ["scale", "text", "Analyzer", "3", "--wait"]);
    expect(code).toBe(1);
    expect(err).toContain(says);
  });

  it("--timeout implies --wait and says what is missing", async () => {
    const feed = [{ send: [replicas(5n, 3, 1, 2), synced], end: "hold" as const }];
    const { code, err } = await against({ deployments: accept(), feed }, [
      "scale",
      "text",
      "Analyzer",
      "3",
      "--timeout",
      "0.3",
    ]);
    expect(code).toBe(1);
    expect(err).toContain("windlass: not ready after 0.3 s, text/Analyzer: 1/3 running, 2 starting;");
  });
});

describe("windlass delete, shutdown and token", () => {
  it("delete names the application as a resource", async () => {
    const names: string[] = [];
    const deleteApplication = ({ name }: { name: string }) => {
      names.push(name);
      return {};
    };
    const { code } = await against({ applications: { deleteApplication } }, ["delete", "my app"]);
    expect({ code, names }).toEqual({ code: 0, names: ["applications/my%20app"] });
  });

  it.each([
    { name: "-y does not ask", argv: ["shutdown", "-y"], stdin: undefined, code: 0, deletes: 1 },
    { name: "y goes on", argv: ["shutdown"], stdin: "y\n", code: 0, deletes: 1 },
    { name: "n changes nothing", argv: ["shutdown"], stdin: "n\n", code: 1, deletes: 0 },
    { name: "an empty answer changes nothing", argv: ["shutdown"], stdin: "\n", code: 1, deletes: 0 },
    { name: "no answer changes nothing", argv: ["shutdown"], stdin: undefined, code: 1, deletes: 0 },
  ])("shutdown: $name", async ({ argv, stdin, code, deletes }) => {
    const seen: string[] = [];
    const result = await against({ rest: serve(details, seen) }, argv, stdin);
    expect(result.code).toBe(code);
    expect(seen.filter((each) => each.startsWith("DELETE"))).toHaveLength(deletes);
  });

  it("shutdown where no instance runs says so, asks nothing and deletes nothing", async () => {
    const seen: string[] = [];
    const empty = { controller_info: {}, proxies: {}, applications: {}, target_capacity: null };
    const result = await against({ rest: serve(empty, seen) }, ["shutdown"]);
    expect([result.code, result.err]).toEqual([0, ""]);
    expect(result.out).toMatch(/^no instance runs at http:\S+, nothing was shut down/);
    expect(seen.filter((each) => each.startsWith("DELETE"))).toEqual([]);
  });

  it("token APP prints the secret alone, --rotate replaces it first", async () => {
    const tokens = {
      getApplicationToken: () => ({ secret: "wls_old" }),
      rotateApplicationToken: () => ({ secret: "wls_new" }),
    };
    expect((await against({ tokens }, ["token", "text"])).out).toBe("wls_old\n");
    expect((await against({ tokens }, ["token", "text", "--rotate"])).out).toBe("wls_new\n");
    const json = await against({ tokens }, ["token", "text", "-o", "json"]);
    expect(JSON.parse(json.out)).toEqual({ application: "text", token: "wls_old" });
  });

  it("version -o prints a document", async () => {
    const json = await runCli(["version", "-o", "json"]);
    expect(JSON.parse(json.out)).toEqual({ windlass: VERSION, node: process.version });
    expect((await runCli(["version", "-o", "yaml"])).out).toContain(`windlass: ${VERSION}\n`);
  });

  it("token create sends role, application, limit and life, and prints the secret alone to stdout", async () => {
    const seen: CreateTokenRequest[] = [];
    const createToken = (request: CreateTokenRequest) => {
      seen.push(request);
      return { token: { id: "t1", role: request.role }, secret: "wlt_s" };
    };
    const argv = ["token", "create", "--role", "scaler", "--app", "text", "--max-replicas", "4", "--ttl", "1.5"];
    const { code, out, err } = await against({ tokens: { createToken } }, argv);
    expect({ code, out }).toEqual({ code: 0, out: "wlt_s\n" });
    expect(err).toContain("t1");
    expect(seen[0]).toMatchObject({ role: Role.SCALER, application: "text", maxReplicas: 4 });
    expect(seen[0]?.ttl).toMatchObject({ seconds: 1n, nanos: 500_000_000 });
  });

  it("token list shows a table, or a document with -o", async () => {
    const listTokens = () => ({
      tokens: [
        { id: "t1", role: Role.SCALER, application: "text", maxReplicas: 4 },
        { id: "t22", role: Role.VIEWER, expireTime: { seconds: 1n } },
      ],
    });
    const { out } = await against({ tokens: { listTokens } }, ["token", "list"]);
    expect(out).toBe(
      "ID   ROLE    APP   MAX REPLICAS  EXPIRES\n" +
        "t1   scaler  text  4             never\n" +
        "t22  viewer  -     -             1970-01-01T00:00:01.000Z (over)\n",
    );
    const json = await against({ tokens: { listTokens } }, ["token", "list", "-o", "json"]);
    expect((await against({ tokens: { listTokens } }, ["token", "-o", "json", "list"])).out).toBe(json.out);
    expect((JSON.parse(json.out) as { tokens: unknown[] }).tokens[0]).toMatchObject({
      id: "t1",
      role: "scaler",
      max_replicas: 4,
    });
  });
});

describe("exit codes", () => {
  const cases: { name: string; argv: string[]; code: number; says: string }[] = [
    { name: "no command is a usage error", argv: [], code: 2, says: "no command given" },
    { name: "an unknown command is a usage error with a suggestion", argv: ["statsu"], code: 2, says: "status" },
    { name: "an unknown option is a usage error", argv: ["status", "--nosuch"], code: 2, says: "--nosuch" },
    { name: "a missing argument is a usage error", argv: ["build"], code: 2, says: "IMPORT_PATH" },
    { name: "a deploy of nothing is a usage error", argv: ["deploy"], code: 2, says: "CONFIG_OR_IMPORT_PATH" },
    { name: "too many arguments are a usage error", argv: ["delete", "a", "b"], code: 2, says: "too many arguments" },
    { name: "a fraction of a replica is a usage error", argv: ["scale", "a", "b", "1.5"], code: 2, says: "1.5" },
    { name: "fewer than no replicas are a usage error", argv: ["scale", "a", "b", "-1"], code: 2, says: "-1" },
    {
      name: "an unknown format is a usage error",
      argv: ["status", "-o", "xml"],
      code: 2,
      says: '--output must be one of yaml, json, got "xml"',
    },
    {
      name: "an unknown shell is a usage error",
      argv: ["completion", "tcsh"],
      code: 2,
      says: 'SHELL must be one of bash, zsh, fish, got "tcsh"',
    },
    { name: "a revision is a number", argv: ["watch", "--since", "x"], code: 2, says: "x" },
    { name: "a timeout is above 0", argv: ["deploy", "a:b", "--timeout", "0"], code: 2, says: "above 0" },
    { name: "an address has a scheme", argv: ["status", "-a", "localhost:8265"], code: 2, says: "localhost:8265" },
    { name: "--rotate needs an application", argv: ["token", "--rotate"], code: 2, says: "APP" },
    { name: "a token has a role", argv: ["token", "create"], code: 2, says: "--role" },
    {
      name: "a scaler token has an application",
      argv: ["token", "create", "--role", "scaler"],
      code: 2,
      says: "--app",
    },
    {
      name: "a viewer token has no application",
      argv: ["token", "create", "--role", "viewer", "--app", "a"],
      code: 2,
      says: "viewer",
    },
    {
      name: "a command that does not exist yet is unknown",
      argv: ["frobnicate", "a"],
      code: 2,
      says: "unknown command",
    },
    ...[
      "status",
      "config",
      "watch",
      "shutdown",
      "delete a",
      "history a",
      "rollback a",
      "scale a b 1",
      "token a",
      "token list",
      "shutdown -y --process",
    ].map((line) => ({
      name: `${line}: a dead address is 3`,
      argv: [...line.split(" "), "-a", "http://127.0.0.1:9"],
      code: 3,
      says: "windlass start",
    })),
    {
      name: "a name that does not resolve is 3",
      argv: ["status", "-a", "http://no.such.host.invalid:1"],
      code: 3,
      says: "no.such.host",
    },
    { name: "help is 0", argv: ["--help"], code: 0, says: "" },
    { name: "help of a command is 0", argv: ["token", "create", "--help"], code: 0, says: "" },
    { name: "version is 0", argv: ["version"], code: 0, says: "" },
    { name: "explain wants a time", argv: ["explain", "a", "d", "--at", "noon"], code: 2, says: "2026-01-31" },
    { name: "version as a table is a usage error", argv: ["version", "-o", "table"], code: 2, says: "yaml, json" },
  ];
  it.each(cases)("$name", async ({ argv, code, says }) => {
    const result = await runCli(argv);
    expect(result.code).toBe(code);
    if (code === 0) return expect(result.err).toBe("");
    const last = result.err.trimEnd().split("\n").at(-1)!;
    expect(last).toMatch(/^windlass: /);
    expect(last).toContain(says);
    expect(result.out).toBe("");
  });

  const refuse = (status: number, body: string) => (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status).end(body);
  };
  it.each([
    { name: "401 is 4", status: 401, body: "", code: 4, says: "WINDLASS_TOKEN" },
    {
      name: "403 is 4 with the server's reason",
      status: 403,
      body: '{"error": "only admins"}',
      code: 4,
      says: "only admins",
    },
    { name: "404 is no Windlass", status: 404, body: "", code: 1, says: "not a Windlass" },
    {
      name: "503 is 1 with the server's text",
      status: 503,
      body: "no\ncontroller",
      code: 1,
      says: "503: no controller",
    },
    { name: "another kind of server is 1", status: 200, body: "<html>", code: 1, says: "does not speak Windlass" },
  ])("REST: $name", async ({ status, body, code, says }) => {
    const result = await against({ rest: refuse(status, body) }, ["status"]);
    expect(result.code).toBe(code);
    expect(result.err).toContain(says);
    expect(result.err.trim().split("\n")).toHaveLength(1);
  });

  it.each([
    { error: apiError(Code.Unauthenticated, "who?", "UNAUTHENTICATED"), code: 4, says: "wants a token" },
    { error: apiError(Code.PermissionDenied, "not you", "PERMISSION_DENIED"), code: 4, says: "not you" },
    {
      error: apiError(Code.NotFound, "application a is unknown", "NOT_FOUND"),
      code: 1,
      says: "application a is unknown; `windlass status` shows what there is",
    },
    {
      error: apiError(Code.Unavailable, "the instance ends", "INSTANCE_UNAVAILABLE"),
      code: 1,
      says: "the instance ends",
    },
    {
      error: apiError(Code.FailedPrecondition, "set external_scaler_enabled", "EXTERNAL_SCALER_DISABLED"),
      code: 1,
      says: "set external",
    },
  ])("calls: $says is $code", async ({ error, code, says }) => {
    const scaleDeployment = () => {
      throw error;
    };
    const result = await against({ deployments: { scaleDeployment } }, ["scale", "a", "b", "1"]);
    expect(result.code).toBe(code);
    expect(result.err).toContain(says);
    expect(result.err.trim().split("\n")).toHaveLength(1);
  });
});

describe("tokens and addresses", () => {
  const withToken = (): string => {
    const dir = tempDir();
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "admin.token"), "wla_file\n");
    return dir;
  };
  const sent = async (env: Record<string, string>, argv: string[] = []) => {
    const api = await fakeApi({ rest: serve(details) });
    const result = await runCli(["status", "-a", api.address, ...argv], { env });
    expect(result.code).toBe(0);
    return api.requests[0]?.authorization;
  };

  it("the token file of the state dir is used on loopback", async () => {
    expect(await sent({ WINDLASS_STATE_DIR: withToken() })).toBe("Bearer wla_file");
  });

  it("WINDLASS_TOKEN beats the file", async () => {
    expect(await sent({ WINDLASS_STATE_DIR: withToken(), WINDLASS_TOKEN: "wlt_env" })).toBe("Bearer wlt_env");
  });

  it("without a file nothing is sent", async () => {
    expect(await sent({ WINDLASS_STATE_DIR: tempDir() })).toBeUndefined();
  });

  it("Connect calls carry the token too", async () => {
    const api = await fakeApi({ tokens: { listTokens: () => ({}) } });
    await runCli(["token", "list"], { env: { WINDLASS_ADDRESS: api.address, WINDLASS_TOKEN: "wlt_env" } });
    expect(api.requests[0]?.authorization).toBe("Bearer wlt_env");
  });

  it.each([
    { address: "http://127.0.0.1:1", used: true },
    { address: "http://127.8.8.8:1", used: true },
    { address: "http://localhost:1", used: true },
    { address: "http://[::1]:1", used: true },
    { address: "http://127.0.0.1.example.com:1", used: false },
    { address: "http://localhost.example.com:1", used: false },
    { address: "http://10.0.0.7:1", used: false },
    { address: "https://windlass.example.com", used: false },
  ])("the file is used for $address: $used", async ({ address, used }) => {
    const { code, out } = await runCli(["token", "-a", address], { env: { WINDLASS_STATE_DIR: withToken() } });
    expect({ code, out }).toEqual(used ? { code: 0, out: "wla_file\n" } : { code: 1, out: "" });
  });

  it("the state dir is found by WINDLASS_STATE_DIR, XDG_STATE_HOME and HOME, in this order", async () => {
    const { stateDir } = await import("../../src/client/state-dir.ts");
    expect(stateDir({ WINDLASS_STATE_DIR: "s", XDG_STATE_HOME: "/x", HOME: "/h" }, "/work")).toBe("/work/s");
    expect(stateDir({ XDG_STATE_HOME: "/x", HOME: "/h" }, "/work")).toBe("/x/windlass");
    expect(stateDir({ XDG_STATE_HOME: "relative", HOME: "/h" }, "/work")).toBe("/h/.local/state/windlass");
  });
});
