import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import {
  BadRequest_FieldViolationSchema,
  BadRequestSchema,
  ErrorInfoSchema,
} from "../../gen/google/rpc/error_details_pb.ts";
import { Application_State } from "../../gen/windlass/v1/application_pb.ts";
import { Deployment_State, Replica_State } from "../../gen/windlass/v1/deployment_pb.ts";
import type { ApplyConfigRequest } from "../../gen/windlass/v1/instance_service_pb.ts";
import { deployConfigFromMessage } from "../../src/config/message.ts";
import { type FakeAnswers, type FeedMessage, fakeApi } from "../support/fake-api.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const TWO = `applications:
  - name: a
    route_prefix: /a
    import_path: ./a.ts:app
  - name: b
    route_prefix: /b
    import_path: ./b.ts:app
`;

/** A folder that holds app.yaml with this text. */
function folder(text = TWO): string {
  const dir = tempDir();
  writeFileSync(join(dir, "app.yaml"), text);
  return dir;
}

function accept(seen: ApplyConfigRequest[] = [], warnings: string[] = []): NonNullable<FakeAnswers["instance"]> {
  return {
    applyConfig(request) {
      seen.push(request);
      return { revision: 10n, warnings };
    },
  };
}

interface AppOptions {
  readonly generation?: bigint;
  readonly observed?: bigint;
  readonly reconciling?: boolean;
  readonly message?: string;
}

function app(revision: bigint, name: string, state: Application_State, options: AppOptions = {}): FeedMessage {
  const { generation = 2n, observed = generation, reconciling = false, message = "" } = options;
  const value = { name: `applications/${name}`, state, generation, observedGeneration: observed, reconciling, message };
  return { revision, event: { case: "application", value } };
}

const synced = (revision: bigint): FeedMessage => ({ revision, event: { case: "synced", value: true } });

async function deploy(answers: FakeAnswers, argv: readonly string[], cwd: string) {
  const api = await fakeApi(answers);
  const result = await runCli(["deploy", ...argv], { env: { WINDLASS_ADDRESS: api.address }, cwd });
  return { ...result, api };
}

describe("windlass deploy", () => {
  it("sends the config with its own folder as base_dir, and returns once it is accepted", async () => {
    const seen: ApplyConfigRequest[] = [];
    const cwd = tempDir();
    mkdirSync(join(cwd, "conf"));
    writeFileSync(join(cwd, "conf/app.yaml"), TWO);
    const { code, out, err } = await deploy({ instance: accept(seen) }, ["conf/app.yaml"], cwd);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("accepted at revision 10");
    expect(seen[0]?.baseDir).toBe(join(cwd, "conf"));
    expect(seen[0]?.config?.applications.map((each) => each.name)).toEqual(["a", "b"]);
  });

  it("sends an import path as the whole config, with arguments as text and the present folder as base_dir", async () => {
    const seen: ApplyConfigRequest[] = [];
    const cwd = tempDir();
    const argv = ["./app.ts:app", "n=1", "url=http://x/?a=b", "--name", "c"];
    const { code } = await deploy({ instance: accept(seen) }, argv, cwd);
    expect(code).toBe(0);
    expect(seen[0]?.baseDir).toBe(cwd);
    expect(seen[0]?.config?.applications).toHaveLength(1);
    expect(seen[0]?.config?.applications[0]).toMatchObject({
      name: "c",
      importPath: "./app.ts:app",
      args: { n: "1", url: "http://x/?a=b" },
    });
  });

  const WORKING_DIR = "https://example.com/app.zip";
  it.each([
    { name: "nothing", argv: [], env: {}, warned: /^$/ },
    {
      name: "JSON",
      argv: ["--runtime-env-json", '{"env_vars": {"A": "1"}}'],
      env: { env_vars: { A: "1" } },
      warned: /^$/,
    },
    {
      name: "a file",
      argv: ["--runtime-env", "env.yaml"],
      env: { env_vars: { B: "2" }, working_dir: "file:///b.zip" },
    },
    {
      name: "a file and a folder of its own",
      argv: ["--runtime-env", "env.yaml", "--working-dir", WORKING_DIR],
      env: { env_vars: { B: "2" }, working_dir: WORKING_DIR },
      warned: /^warning: --working-dir replaces/,
    },
    { name: "a folder", argv: ["--working-dir", WORKING_DIR], env: { working_dir: WORKING_DIR } },
  ])("writes the runtime_env of an import path from $name", async ({ argv, env, warned = /^/ }) => {
    const seen: ApplyConfigRequest[] = [];
    const cwd = tempDir();
    writeFileSync(join(cwd, "env.yaml"), "env_vars: {B: '2'}\nworking_dir: file:///b.zip\n");
    const { code, err } = await deploy({ instance: accept(seen) }, ["a.ts:app", ...argv], cwd);
    expect(code).toBe(0);
    expect(err).toMatch(warned);
    const application = { import_path: "a.ts:app", runtime_env: env, args: {} };
    expect(deployConfigFromMessage(seen[0]!.config!)).toEqual({ applications: [application] });
  });

  it.each([
    { name: "both forms", argv: ["--runtime-env", "env.yaml", "--runtime-env-json", "{}"], says: "one of them" },
    { name: "no JSON", argv: ["--runtime-env-json", "{"], says: "--runtime-env-json is neither YAML nor JSON" },
    { name: "a list", argv: ["--runtime-env-json", "[]"], says: "is an object" },
    { name: "a file that is not there", argv: ["--runtime-env", "env.yaml"], says: "env.yaml" },
    { name: "what cannot be done", argv: ["--runtime-env-json", '{"pip": ["x"]}'], says: "runtime_env.pip" },
  ])("exits 1 with one line when its runtime_env is $name", async ({ argv, says }) => {
    const seen: ApplyConfigRequest[] = [];
    const { code, out, err } = await deploy({ instance: accept(seen) }, ["a.ts:app", ...argv], tempDir());
    expect([code, out, seen]).toEqual([1, "", []]);
    expect(err).toMatch(/^windlass: [^\n]*\n$/);
    expect(err).toContain(says);
  });

  it("a runtime_env beside a config is a warning", async () => {
    const { code, err } = await deploy({ instance: accept() }, ["app.yaml", "--working-dir", "x"], folder());
    expect([code, err]).toEqual([0, expect.stringMatching(/^warning: .*runtime_env/)]);
  });

  it("does not send start: and prints the server's warnings to stderr", async () => {
    const seen: ApplyConfigRequest[] = [];
    const cwd = folder(`start:\n  http_port: 1\n${TWO}`);
    const { code, err } = await deploy({ instance: accept(seen, ["http_options differ"]) }, ["app.yaml"], cwd);
    expect({ code, err }).toEqual({ code: 0, err: "warning: http_options differ\n" });
    expect(seen).toHaveLength(1);
  });

  it("prints a warning once when both sides have it", async () => {
    const cwd = folder(`${TWO}zzzzzzzzzz: 1\n`);
    const first = await deploy({ instance: accept() }, ["app.yaml"], cwd);
    const warning = first.err.replace(/^warning: |\n$/g, "");
    expect(warning).toContain("zzzzzzzzzz");
    const second = await deploy({ instance: accept([], [warning]) }, ["app.yaml"], cwd);
    expect(second.err).toBe(first.err);
  });

  it("a name beside a config is a warning", async () => {
    const { code, err } = await deploy({ instance: accept() }, ["app.yaml", "--name", "x"], folder());
    expect(code).toBe(0);
    expect(err).toMatch(/^warning: --name/);
  });

  it.each([
    { name: "an argument beside a config", argv: ["app.yaml", "k=v"], code: 1, says: "import paths" },
    { name: "an argument without a value", argv: ["a.ts:app", "k="], code: 1, says: "key=value" },
    { name: "an argument without a key", argv: ["a.ts:app", "=v"], code: 1, says: "key=value" },
    { name: "neither a file nor an import path", argv: ["nope.yaml"], code: 1, says: "nope.yaml" },
  ])("$name ends with $code before anything is sent", async ({ argv, code, says }) => {
    const seen: ApplyConfigRequest[] = [];
    const result = await deploy({ instance: accept(seen) }, argv, folder());
    expect(result.code).toBe(code);
    expect(result.err).toContain(says);
    expect(seen).toEqual([]);
  });

  it("prints each problem with file, line and column, and sends nothing", async () => {
    const seen: ApplyConfigRequest[] = [];
    const text =
      "applications:\n  - name: a\n    import_path: ./a.ts:app\n    deployments:\n      - name: D\n        num_replicas: -3\n  - name: a/b\n    import_path: ./b.ts:app\n";
    const { code, out, err } = await deploy({ instance: accept(seen) }, ["app.yaml"], folder(text));
    expect({ code, out, seen }).toEqual({ code: 1, out: "", seen: [] });
    expect(err).toContain("windlass: app.yaml:6:9 applications[0].deployments[0].num_replicas: ");
    for (const line of err.trim().split("\n")) expect(line).toMatch(/^windlass: app\.yaml:\d+:\d+/);
  });

  it("prints each problem that only the server found", async () => {
    const violations = ["x", "y"].map((field) =>
      create(BadRequest_FieldViolationSchema, { field: `applications[0].${field}`, description: `${field} is wrong` }),
    );
    const refusal = new ConnectError("2 problems", Code.InvalidArgument, undefined, [
      { desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason: "INVALID_CONFIG", domain: "windlass" }) },
      { desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations: violations }) },
    ]);
    const applyConfig = () => {
      throw refusal;
    };
    const { code, err } = await deploy({ instance: { applyConfig } }, ["app.yaml"], folder());
    expect(code).toBe(1);
    expect(err).toBe("windlass: applications[0].x: x is wrong\nwindlass: applications[0].y: y is wrong\n");
  });
});

describe("windlass deploy --wait", () => {
  const { DEPLOYING, RUNNING, DEPLOY_FAILED } = Application_State;

  it("ends with 0 once every application of the config runs, with a line for each change", async () => {
    const send = [
      app(10n, "a", DEPLOYING, { reconciling: true }),
      app(10n, "b", DEPLOYING, { reconciling: true }),
      app(10n, "other", RUNNING),
      synced(10n),
      app(11n, "a", RUNNING),
      app(12n, "b", RUNNING),
    ];
    const { code, out, err } = await deploy(
      { instance: accept(), feed: [{ send, end: "hold" }] },
      ["app.yaml", "--wait"],
      folder(),
    );
    expect(code).toBe(0);
    expect(err).toBe("a  DEPLOYING\nb  DEPLOYING\na  RUNNING\nb  RUNNING\n");
    expect(out).toContain("a, b: running");
  });

  const still = { generation: 3n };
  it.each([
    { name: "a snapshot older than the config", messages: [app(9n, "a", RUNNING), app(9n, "b", RUNNING), synced(9n)] },
    {
      name: "an older generation that ran",
      messages: [app(10n, "a", RUNNING, { ...still, observed: 2n }), app(10n, "b", RUNNING), synced(10n)],
    },
    {
      name: "an older generation that failed",
      messages: [app(10n, "a", DEPLOY_FAILED, { ...still, observed: 2n }), app(10n, "b", RUNNING), synced(10n)],
    },
    {
      name: "one that runs but still changes",
      messages: [app(10n, "a", RUNNING, { reconciling: true }), app(10n, "b", RUNNING), synced(10n)],
    },
    { name: "a snapshot that is not whole", messages: [app(10n, "a", RUNNING), app(10n, "b", RUNNING)] },
  ])("is not fooled by $name", async ({ messages }) => {
    const feed = [{ send: messages, end: "hold" as const }];
    const { code, err } = await deploy(
      { instance: accept(), feed },
      ["app.yaml", "--wait", "--timeout", "0.2"],
      folder(),
    );
    expect(code).toBe(1);
    expect(err).toContain("windlass: not ready after 0.2 s, a: ");
  });

  it("ends with 1 and the message when one application fails", async () => {
    const send = [
      app(10n, "a", DEPLOYING),
      app(10n, "b", DEPLOYING),
      synced(10n),
      app(11n, "b", DEPLOY_FAILED, { message: "b.ts:1:8: no such module" }),
    ];
    const { code, err } = await deploy(
      { instance: accept(), feed: [{ send, end: "hold" }] },
      ["app.yaml", "--wait"],
      folder(),
    );
    expect(code).toBe(1);
    expect(err).toContain("windlass: application b: b.ts:1:8: no such module\n");
  });

  it("ends with 1 when an application is deleted meanwhile", async () => {
    const send = [
      app(10n, "a", DEPLOYING),
      app(10n, "b", RUNNING),
      synced(10n),
      { revision: 11n, event: { case: "deleted", value: "applications/a" } } as FeedMessage,
    ];
    const { code, err } = await deploy(
      { instance: accept(), feed: [{ send, end: "hold" }] },
      ["app.yaml", "--wait"],
      folder(),
    );
    expect(code).toBe(1);
    expect(err).toContain("application a was deleted meanwhile");
  });

  it("says at a timeout which deployments are behind", async () => {
    const deployment: FeedMessage = {
      revision: 10n,
      event: {
        case: "deployment",
        value: {
          name: "applications/a/deployments/D",
          state: Deployment_State.UPDATING,
          targetNumReplicas: 3,
          replicaCounts: [
            { state: Replica_State.RUNNING, count: 1 },
            { state: Replica_State.STARTING, count: 2 },
          ],
        },
      },
    };
    const send = [app(10n, "a", DEPLOYING), app(10n, "b", RUNNING), deployment, synced(10n)];
    const { code, err } = await deploy(
      { instance: accept(), feed: [{ send, end: "hold" }] },
      ["app.yaml", "--timeout", "0.2"],
      folder(),
    );
    expect(code).toBe(1);
    expect(err).toContain("not ready after 0.2 s, a: D 1/3 running, 2 starting; it goes on");
  });

  it("goes on when the connection breaks", async () => {
    const feed = [
      { send: [app(10n, "a", DEPLOYING), app(10n, "b", RUNNING), synced(10n)], end: "break" as const },
      { send: [app(11n, "a", RUNNING)], end: "hold" as const },
    ];
    const { code, api } = await deploy({ instance: accept(), feed }, ["app.yaml", "--wait"], folder());
    expect(code).toBe(0);
    expect(api.watches.map((request) => request.startRevision)).toEqual([0n, 10n]);
  });
});
