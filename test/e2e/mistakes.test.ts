import { cpSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { tempDir } from "../support/temp-dir.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  processesOf,
  runningPids,
  runWindlass,
  startWindlass,
  waitForStatus,
} from "../support/windlass.ts";

/** One clear line on stderr, the exit code, and nothing left behind. */
async function refused(args: string[], stateDir: string): Promise<{ code: number | null; line: string }> {
  const { code, stdout, stderr } = await runWindlass(["start", ...args, "--state-dir", stateDir]);
  expect(stdout).toBe("");
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(processesOf(stateDir)).toEqual([]);
  return { code, line: stderr.trimEnd() };
}

describe("windlass start refuses, in one line and with exit code 1", () => {
  const ports = ["--control-port", "0", "--http-port", "0", "--grpc-port", "0"];

  it("a config file that is missing", async () => {
    const { code, line } = await refused(["nowhere.yaml", ...ports], join(tempDir(), "s"));
    expect(code).toBe(1);
    expect(line).toMatch(/^windlass: .*nowhere\.yaml/);
  });

  it("a config file that breaks a rule, naming the place and the value", async () => {
    const config = writeApp(ECHO, ECHO_CONFIG(1).replace("num_replicas: 1", "num_replicas: -2"));
    const { code, line } = await refused([config, ...ports], join(tempDir(), "s"));
    expect(code).toBe(1);
    expect(line).toMatch(/app\.yaml:8:\d+ applications\[0\]\.deployments\[0\]\.num_replicas: .*-2/);
  });

  it("a config file that is no YAML", async () => {
    const { code, line } = await refused([writeApp(ECHO, "applications: [\n"), ...ports], join(tempDir(), "s"));
    expect(code).toBe(1);
    expect(line).toMatch(/^windlass: .*app\.yaml:\d+:\d+/);
  });

  it("a port in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as { port: number };
    for (const flag of ["--control-port", "--http-port", "--grpc-port"]) {
      const others = ports.filter((_, i) => ports[i - (i % 2)] !== flag);
      const { code, line } = await refused([...others, flag, String(port)], join(tempDir(), "s"));
      expect(code).toBe(1);
      expect(line).toContain(`port ${port} on 127.0.0.1 is in use`);
      expect(line).toContain(flag);
    }
  });

  it("one port for two listeners", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const same = ["--control-port", "0", "--http-port", String(port), "--grpc-port", String(port)];
    const { code, line } = await refused(same, join(tempDir(), "s"));
    expect(code).toBe(1);
    expect(line).toContain(`port ${port} is given to both --http-port and --grpc-port`);
  });

  it("the ports of a second Windlass, and its state dir", async () => {
    const first = await startWindlass([]);
    const port = new URL(first.http).port;
    const samePort = await refused(
      ["--control-port", "0", "--http-port", port, "--grpc-port", "0"],
      join(tempDir(), "s"),
    );
    expect([samePort.code, samePort.line]).toEqual([1, expect.stringContaining(`port ${port} on 127.0.0.1 is in use`)]);
    const { code, stderr } = await runWindlass(["start", ...ports, "--state-dir", first.stateDir]);
    expect(code).toBe(1);
    expect(stderr).toContain(`another Windlass (pid ${first.pids.supervisor}) uses the state dir`);
    // The first one is not disturbed.
    expect((await api(first, "/-/readyz")).status).toBe(200);
  });

  it("all but one of several starts on one state dir at once, naming the one", async () => {
    const stateDir = join(tempDir(), "state");
    const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => startWindlass([], { stateDir })));
    const started = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(started).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        expect(String(outcome.reason)).toContain(
          `another Windlass (pid ${started[0]!.pids.supervisor}) uses the state dir`,
        );
      }
    }
    expect((await api(started[0]!, "/-/readyz")).status).toBe(200);
  });

  it("a state dir that cannot be written", async () => {
    const file = join(tempDir(), "file");
    writeFileSync(file, "");
    for (const stateDir of [join(file, "state"), "/proc/windlass/state"]) {
      const { code, line } = await refused(ports, stateDir);
      expect(code).toBe(1);
      expect(line).toContain(`cannot write to the state dir ${stateDir}`);
    }
  });

  it("a store file that is something else, and leaves it as it is", async () => {
    const stateDir = join(tempDir(), "state");
    mkdirSync(stateDir, { recursive: true });
    writeFileSync(join(stateDir, "state.db"), "this is not a database at all, sorry ".repeat(50));
    const { code, line } = await refused(ports, stateDir);
    expect(code).toBe(1);
    expect(line).toContain("state.db");
  });
});

describe("a deploy that fails is reported, and start keeps running", () => {
  const cases: { name: string; source: string; message: RegExp }[] = [
    {
      name: "a constructor that throws",
      source: `import { deployment } from "windlass";
class Broken {
  constructor() {
    throw new Error("no model at /models/x");
  }
  fetch() { return new Response("never"); }
}
export const app = deployment(Broken, { name: "Broken" }).bind();`,
      message: /Failed to start 3 times in a row\. Error: no model at \/models\/x \(.*app\.ts:4:\d+\)/,
    },
    {
      name: "a module that throws",
      source: `import { deployment } from "windlass";
const settings: { url?: string } = {};
if (!settings.url) throw new TypeError("settings.url is missing");
export const app = deployment(class A { fetch() { return new Response(""); } }, { name: "A" }).bind();`,
      message: /TypeError: settings\.url is missing \(.*app\.ts:3:\d+\)/,
    },
    {
      name: "a module that does not compile",
      source: "export const app = ;\n",
      message: /app\.ts:1:\d+/,
    },
    {
      name: "an export that does not exist",
      source: `export const other = 1;\n`,
      message: /app\.ts.*app/,
    },
  ];
  it.each(cases)("$name", async ({ source, message }) => {
    const config = writeApp(source, "applications:\n  - name: bad\n    import_path: ./app.ts:app\n");
    const windlass = await startWindlass([config]);
    const view = await waitForStatus(windlass, "bad", "DEPLOY_FAILED");
    const texts = [view.message, ...Object.values(view.deployments).map((deployment) => deployment.message)].join("\n");
    expect(texts).toMatch(message);
    expect(texts).not.toContain("    at ");
    // The command line says so too, with exit code 1.
    const deploy = await runWindlass(["deploy", config, "--wait"], clientEnv(windlass));
    expect(deploy.code).toBe(1);
    expect(deploy.stderr).toMatch(message);
    expect(windlass.process.exitCode).toBeNull();
    // What is mended deploys.
    writeFileSync(config.replace("app.yaml", "app.ts"), ECHO);
    expect((await runWindlass(["deploy", config, "--wait"], clientEnv(windlass))).code).toBe(0);
  });
});

describe("a running instance refuses and loses nothing", () => {
  it("a wrong token (401, exit 4), malformed JSON (400), a bad config (400), an unknown application (404)", async () => {
    const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
    await waitForStatus(windlass, "echo", "RUNNING");
    const path = "/api/v1/applications/echo/deployments/Echo/scale";

    expect((await api(windlass, path, { body: { target_num_replicas: 2 }, token: "wrong" })).status).toBe(401);
    const status = await runWindlass(["status"], { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: "wrong" });
    expect([status.code, status.stderr.trimEnd().split("\n").length]).toEqual([4, 1]);

    for (const body of ["{", "[]", "null", '{"target_num_replicas": -1}', '{"target_num_replicas": null}', "{}"]) {
      const answer = await api(windlass, path, { body });
      expect([body, answer.status]).toEqual([body, 400]);
      expect((answer.json as { error: string }).error).not.toContain("\n");
    }
    for (const body of ["{", "[]", '{"applications": [{"name": "echo"}]}', '{"applications": [5]}']) {
      const answer = await api(windlass, "/api/serve/applications/", { method: "PUT", body });
      expect([body, answer.status]).toEqual([body, 400]);
      expect(answer.text).not.toContain("    at ");
    }
    expect((await api(windlass, path.replace("echo", "nope"), { body: { target_num_replicas: 2 } })).status).toBe(404);
    expect((await application(windlass, "echo"))?.deployments["Echo"]?.target_num_replicas).toBe(1);
    expect((await fetch(windlass.http)).status).toBe(200);
  });

  it("a dead address is exit 3", async () => {
    const { code, stderr } = await runWindlass(["status"], {
      WINDLASS_ADDRESS: "http://127.0.0.1:9",
      WINDLASS_TOKEN: "x",
    });
    expect([code, stderr.trimEnd().split("\n").length]).toEqual([3, 1]);
  });
});

it("a folder that is wrong or gone: a deploy from another one has replicas tried again there", async () => {
  const source = ECHO.replace("class Echo {", 'class Echo { constructor() { readFileSync("weights"); }');
  const config = writeApp(`import { readFileSync } from "node:fs";${source}`, ECHO_CONFIG(1));
  const windlass = await startWindlass([config]);
  await waitForStatus(windlass, "echo", "DEPLOY_FAILED");
  const right = join(tempDir(), "right");
  cpSync(dirname(config), right, { recursive: true });
  writeFileSync(join(right, "weights"), "");
  const deploy = async (folder: string): Promise<void> => {
    const { code, stderr } = await runWindlass(["deploy", join(folder, "app.yaml"), "--wait"], clientEnv(windlass));
    expect(code, stderr).toBe(0);
  };
  await deploy(right);
  const [pid] = await runningPids(windlass, "echo", "Echo");
  const moved = join(tempDir(), "moved");
  renameSync(right, moved);
  process.kill(pid!, "SIGKILL");
  const why = `its folder ${right} is not there any more: deploy it again from where it is now`;
  await eventually(async () => {
    const view = await application(windlass, "echo");
    return view?.deployments["Echo"]?.message.includes(why);
  });
  await deploy(moved);
  expect(await runningPids(windlass, "echo", "Echo")).toHaveLength(1);
});
