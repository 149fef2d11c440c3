import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { type ProgramResult, pythonProgram, runProgram } from "../support/python.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  ROOT,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

/** The stock client, as its users install it. */
const REQUIREMENTS = ["ray[serve]==2.60.*"];
const FIXTURES = join(ROOT, "test", "conformance", "fixtures");

const TWO = `
applications:
- name: a
  route_prefix: /a
  import_path: fixtures:echo
- name: b
  route_prefix: /b
  import_path: fixtures:chain
  deployments:
  - name: Back
    num_replicas: 2
`;

let program: (name: string) => string;

beforeAll(async () => {
  program = await pythonProgram("ray", REQUIREMENTS);
}, 600_000);

/** Runs the stock command line; its address and token come from the variables that Ray's users set. */
function serve(windlass: Windlass, args: readonly string[], env: Record<string, string> = tokenEnv(windlass)) {
  return runProgram(program("serve"), args, {
    env: { RAY_DASHBOARD_ADDRESS: windlass.control, ...env },
    cwd: dirname(windlass.stateDir),
  });
}

const tokenEnv = ({ token }: Windlass): Record<string, string> => ({ RAY_AUTH_MODE: "token", RAY_AUTH_TOKEN: token });

/** A config file in the folder that {@link serve} runs in. */
function file(windlass: Windlass, text: string): string {
  writeFileSync(join(dirname(windlass.stateDir), "config.yaml"), text);
  return "config.yaml";
}

/** Texts of the stock command's own log lines of a level, without colours. */
function logged({ out }: ProgramResult, level: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is removed
  const plain = out.replace(/\u001b\[\d+m/g, "");
  return [...plain.matchAll(/^[-\d]+ [\d:,]+\t(\w+) \S+ -- (.*)$/gm)].flatMap(([, at, text]) =>
    at === level ? [text!] : [],
  );
}

describe("the stock serve command with a token", () => {
  it("deploys, shows status and config as windlass prints them, and shuts the instance down", async () => {
    const windlass = await startWindlass(["--app-dir", FIXTURES]);
    const nothing = await serve(windlass, ["config"]);
    expect([nothing.code, nothing.out]).toEqual([0, "No configuration was found.\n"]);

    const deployed = await serve(windlass, ["deploy", file(windlass, TWO)]);
    expect([deployed.code, logged(deployed, "SUCC"), deployed.err]).toEqual([0, expect.anything(), ""]);
    for (const name of ["a", "b"]) await waitForStatus(windlass, name, "RUNNING");
    expect(await (await fetch(`${windlass.http}/b`)).json()).toEqual({ value: 42 });

    for (const args of [["status"], ["status", "-n", "b"], ["config"], ["config", "-n", "b"]]) {
      const [theirs, ours] = await Promise.all([serve(windlass, args), runWindlass(args, clientEnv(windlass))]);
      expect([theirs.code, theirs.err]).toEqual([0, ""]);
      expect({ args, out: theirs.out }).toEqual({ args, out: ours.stdout });
    }
    const unknown = await serve(windlass, ["status", "-n", "zzz"]);
    expect([unknown.code, logged(unknown, "ERR")]).toEqual([0, ['Application "zzz" does not exist.']]);
    expect((await serve(windlass, ["config", "-n", "zzz"])).out).toContain("zzz");

    const down = await serve(windlass, ["shutdown", "-y"]);
    expect([down.code, logged(down, "SUCC").length, down.err]).toEqual([0, 1, ""]);
    await eventually(async () => (await serve(windlass, ["status"])).out.startsWith("proxies: {}"));
    const again = await serve(windlass, ["shutdown", "-y"]);
    expect([again.code, logged(again, "WARN").length]).toEqual([0, 1]);

    const import_ = await serve(windlass, ["deploy", "fixtures:builder", "greeting=hi", "--name", "c"]);
    expect([import_.code, import_.err]).toEqual([0, ""]);
    await waitForStatus(windlass, "c", "RUNNING");
    expect((await serve(windlass, ["config"])).out).toBe((await runWindlass(["config"], clientEnv(windlass))).stdout);
    expect(await application(windlass, "a")).toBeUndefined();
  });

  it("prints the message of a failed application as windlass does", async () => {
    const windlass = await startWindlass(["--app-dir", FIXTURES]);
    const text = "applications:\n- {name: 'on: off', import_path: fixtures:fails_constructor}\n";
    expect((await serve(windlass, ["deploy", file(windlass, text)])).code).toBe(0);
    await waitForStatus(windlass, "on: off", "DEPLOY_FAILED");
    const theirs = await serve(windlass, ["status"]);
    const ours = await runWindlass(["status"], clientEnv(windlass));
    // Theirs folds long lines, ours keeps them whole.
    expect([theirs.code, parse(theirs.out)]).toEqual([0, parse(ours.stdout)]);
    expect(theirs.out).toContain("this constructor");
  });

  it("reads its token from the file that Windlass wrote, and says what is missing without one", async () => {
    const windlass = await startWindlass();
    const file = { RAY_AUTH_MODE: "token", RAY_AUTH_TOKEN_PATH: join(windlass.stateDir, "admin.token") };
    expect((await serve(windlass, ["status"], file)).code).toBe(0);
    const without = await serve(windlass, ["status"], { RAY_AUTH_MODE: "disabled" });
    expect([without.code, without.err]).toEqual([1, expect.stringContaining("AuthenticationError: ")]);
    const wrong = await serve(windlass, ["status"], { RAY_AUTH_MODE: "token", RAY_AUTH_TOKEN: "wrong" });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("AuthenticationError: ")]);
  });

  it("is told in the answer's lines which place of a config is wrong", async () => {
    const windlass = await startWindlass();
    const deployment = "{name: D, autoscaling_config: {min_replicas: 5, max_replicas: 2}}";
    const text = `applications:\n- {import_path: fixtures:echo, deployments: [${deployment}]}\n`;
    const refused = await serve(windlass, ["deploy", file(windlass, text)]);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/status code 400: applications\[0\]\.deployments\[0\]\.autoscaling_config.*: /),
    ]);
    expect((await api(windlass, "/api/serve/applications/")).json).toMatchObject({ applications: {} });
  });
});

interface Answer {
  readonly ok?: { readonly sent: Document; readonly parsed: Document } | null;
  readonly error?: string;
}
interface Document {
  readonly applications: Readonly<Record<string, { readonly status: string; readonly message: string }>>;
}

/** Ray's submission client in a process of its own, which ends with the test. */
function submissionClient(windlass: Windlass, token = windlass.token): (command: object) => Promise<Answer> {
  const child = spawn(program("python"), [join(ROOT, "test/ray/client.py"), windlass.control, token], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, RAY_AUTH_MODE: "disabled" },
  });
  onTestFinished(() => void child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error("the client ended");
    return JSON.parse(value) as Answer;
  };
}

describe("the stock submission client", () => {
  it("deploys, reads and deletes, with the token in a header of its own", async () => {
    const windlass = await startWindlass(["--app-dir", FIXTURES]);
    const send = submissionClient(windlass);
    const applications = [{ name: "a", import_path: "fixtures:echo" }];
    expect(await send({ do: "deploy", config: { applications } })).toEqual({ ok: null });
    await waitForStatus(windlass, "a", "RUNNING");
    expect((await send({ do: "get" })).ok?.parsed.applications["a"]?.status).toBe("RUNNING");
    const wrong = await send({
      do: "deploy-as-is",
      config: { applications: [{ ...applications[0], import_path: 5 }] },
    });
    expect(wrong.error).toMatch(/^RuntimeError: .*400.*applications\[0\]\.import_path/);
    expect(await send({ do: "delete" })).toEqual({ ok: null });
    await eventually(async () => Object.keys((await send({ do: "get" })).ok!.parsed.applications).length === 0);
    expect(await send({ do: "delete" })).toEqual({ ok: null });
  });

  it("is refused without a token, or with a wrong one", async () => {
    const windlass = await startWindlass();
    expect((await submissionClient(windlass, "wrong")({ do: "get" })).error).toMatch(/^AuthenticationError: /);
    expect((await submissionClient(windlass, "")({ do: "get" })).error).toMatch(/^AuthenticationError: /);
  });

  it("takes every answer to GET by its strict models, and loses nothing of it", async () => {
    const windlass = await startWindlass(["--app-dir", FIXTURES, "--no-instance"]);
    const send = submissionClient(windlass);
    const seen = new Set<string>();
    /** Parses what is, and remembers which states were there. */
    const look = async (): Promise<Document> => {
      const { ok, error } = await send({ do: "get" });
      expect(error).toBeUndefined();
      // Of a deployed config, the models know the reference's keys only.
      const known = JSON.stringify(ok!.sent, (key, value: unknown) => (key === "command" ? undefined : value));
      expect(ok!.parsed).toEqual(JSON.parse(known));
      for (const { status } of Object.values(ok!.sent.applications)) seen.add(status);
      return ok!.sent;
    };
    await look();
    const applications = [
      { name: "a", import_path: "fixtures:echo", external_scaler_enabled: true },
      {
        name: "b",
        route_prefix: "/b",
        import_path: "fixtures:half_broken",
        deployments: [{ name: "Boom", num_replicas: 1 }],
      },
      { name: "c", route_prefix: "/c", import_path: "fixtures_raises:app" },
      { name: "d", route_prefix: "/d", import_path: "fixtures:slow_stop", runtime_env: { env_vars: { SECRET: "s" } } },
      {
        name: "e",
        route_prefix: null,
        import_path: "fixtures:configurable",
        args: { x: 1 },
        deployments: [{ name: "Conf", user_config: { a: [1] }, logging_config: { encoding: "JSON" } }],
      },
      { name: "f", route_prefix: "/f", deployments: [{ name: "F", command: ["sleep", "60"] }] },
    ];
    const put = await api(windlass, "/api/serve/applications/", {
      method: "PUT",
      body: { target_capacity: 100, applications },
    });
    expect([put.status, put.text]).toEqual([200, ""]);
    for (const [name, status] of [
      ["a", "RUNNING"],
      ["b", "DEPLOY_FAILED"],
      ["c", "DEPLOY_FAILED"],
      ["d", "RUNNING"],
    ] as const) {
      await eventually(async () => (await look()).applications[name]?.status === status);
    }
    await api(windlass, "/api/v1/applications/a/deployments/Echo/scale", { body: { target_num_replicas: 2 } });
    await look();
    await api(windlass, "/api/v1/applications/d", { method: "DELETE" });
    await eventually(async () => (await look()).applications["d"]?.status === "DELETING");
    await api(windlass, "/api/serve/applications/", { method: "DELETE" });
    await look();
    expect([...seen].sort()).toEqual(["DELETING", "DEPLOYING", "DEPLOY_FAILED", "RUNNING"]);
  });
});
