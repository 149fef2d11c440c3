import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { tempDir } from "../support/temp-dir.ts";
import { eventually, processesOf, ROOT, Stop } from "../support/windlass.ts";

const GREETER = `
import { deployment } from "windlass";
import { greeting } from "./lib/greeting.ts";
class Greeter {
  #name: string;
  constructor(name: string) { this.#name = name; console.log("made with " + greeting); }
  fetch(request: Request): Response { return new Response(greeting + " " + this.#name); }
}
export const build = (args: { name?: string }) => deployment(Greeter).bind(args.name ?? "you");
`;

interface Running {
  readonly process: ChildProcess;
  readonly http: string;
  readonly control: string;
  readonly stateDir: string;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<number | null>;
}

/** Runs the built command line, whose processes load in a moment, with a temporary folder of its own for whatever it makes. */
function cli(cwd: string, temp: string, args: string[], env: Record<string, string> = {}) {
  const clean = Object.entries(process.env).filter(([name]) => !/^(WINDLASS_|VITEST|NODE_ENV$|XDG_)/.test(name));
  const child = spawn(process.execPath, [join(ROOT, "dist/bin/cli.js"), ...args], {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...Object.fromEntries(clean), TMPDIR: temp, HOME: temp, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended };
}

const FREE_PORTS = ["--control-port", "0", "--http-port", "0", "--grpc-port", "0", "--proxy-workers", "1"];

async function run(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Running & { temp: string }> {
  const temp = tempDir();
  const started = cli(cwd, temp, ["run", ...args, ...FREE_PORTS], env);
  const line = await eventually(() => {
    if (started.process.exitCode !== null) throw new Stop(started.stderr());
    return /^windlass ready (.*)$/m.exec(started.stdout())?.[1];
  });
  const { http, control, state_dir: stateDir } = JSON.parse(line) as Record<"http" | "control" | "state_dir", string>;
  return { ...started, http, control, stateDir, temp };
}

function greeter(greeting: string): { dir: string; say: (code: string) => void } {
  const dir = dirname(writeApp(GREETER, ""));
  mkdirSync(join(dir, "lib"));
  const say = (code: string): void => writeFileSync(join(dir, "lib", "greeting.ts"), code);
  say(`export const greeting = "${greeting}";\n`);
  return { dir, say };
}

const ask = async (url: string): Promise<string> => (await fetch(url)).text();

describe("windlass run", () => {
  it("deploys an import path with its name, prefix and arguments, follows logs, and Ctrl-C leaves nothing", async () => {
    const { dir } = greeter("Hello");
    const args = ["./app.ts:build", "name=Ada", "--name", "greet", "--route-prefix", "/g"];
    const running = await run(dir, args);
    await eventually(() => running.stdout().includes(`curl ${running.http}/g\n`), running.stderr);
    expect(await ask(`${running.http}/g`)).toBe("Hello Ada");
    await eventually(() => /^Greeter\/\w+ made with Hello$/m.test(running.stdout()), running.stdout);
    expect(running.stderr()).toContain("greet  RUNNING\n");
    expect(existsSync(join(running.stateDir, "admin.token"))).toBe(true);

    running.process.kill("SIGINT");
    expect(await running.ended).toBe(0);
    expect(running.stderr()).not.toContain("windlass: ");
    expect(processesOf(running.stateDir)).toEqual([]);
    expect(readdirSync(running.temp)).toEqual([]);
  });

  it("--reload deploys edited sources, tells mistakes in one line, and goes on serving meanwhile", async () => {
    const { dir, say } = greeter("one");
    const running = await run(dir, ["./app.ts:build", "--reload"]);
    await eventually(async () => (await ask(running.http).catch(() => "")) === "one you", running.stderr);
    say(`export const greeting = "two";\n`);
    await eventually(async () => (await ask(running.http)) === "two you", running.stderr);
    await eventually(() => running.stderr().includes("deployed again: default\n"), running.stderr);
    await eventually(() => /^Greeter\/\w+ made with two$/m.test(running.stdout()), running.stdout);

    say("export const greeting = ;\n");
    const mistake = /^windlass: .*lib\/greeting\.ts:1:\d+.*$/m;
    await eventually(() => mistake.test(running.stderr()), running.stderr);
    expect(await ask(running.http)).toBe("two you");

    say(`export const greeting = "three";\n`);
    await eventually(async () => (await ask(running.http)) === "three you", running.stderr);
    running.process.kill("SIGTERM");
    expect(await running.ended).toBe(0);
  });

  it("--reload reads an edited config again, and keeps a state dir that was given", async () => {
    const { dir } = greeter("hi");
    const config = (replicas: number): void =>
      writeFileSync(
        join(dir, "app.yaml"),
        `applications:\n- import_path: ./app.ts:build\n  deployments: [{name: Greeter, num_replicas: ${replicas}}]\n`,
      );
    config(1);
    const stateDir = join(tempDir(), "state");
    const running = await run(dir, ["app.yaml", "--reload"], { WINDLASS_STATE_DIR: stateDir });
    expect(running.stateDir).toBe(stateDir);
    await eventually(() => running.stderr().includes("default  RUNNING\n"), running.stderr);
    config(2);
    await eventually(() => running.stderr().includes("default/Greeter  HEALTHY  2/2 running\n"), running.stderr);
    writeFileSync(join(dir, "app.yaml"), "applications: 3\n");
    await eventually(() => /^windlass: app\.yaml:1:\d+ applications: /m.test(running.stderr()), running.stderr);
    running.process.kill("SIGTERM");
    expect(await running.ended).toBe(0);
    expect(existsSync(join(stateDir, "state.db"))).toBe(true);
  });

  it("--reload starts a program again when its files change, and not when only the config does", async () => {
    const source = (word: string): string => `import { createServer } from "node:http";
createServer((_, response) => response.end("${word} " + process.pid + " " + (process.env.WINDLASS_RELOAD ?? "first")))
  .listen(process.env.WINDLASS_SOCKET);\n`;
    const config = (replicas: number): string => `applications:
- name: prog
  deployments: [{name: Prog, command: [node, server.mjs], working_dir: bin, num_replicas: ${replicas}}]\n`;
    const dir = dirname(writeApp("", config(1)));
    mkdirSync(join(dir, "bin"));
    writeFileSync(join(dir, "bin", "server.mjs"), source("one"));
    const running = await run(dir, ["app.yaml", "--reload"]);
    await eventually(async () => /^one \d+ first$/.test(await ask(running.http).catch(() => "")), running.stderr);
    writeFileSync(join(dir, "bin", "server.mjs"), source("two"));
    await eventually(async () => /^two \d+ 1$/.test(await ask(running.http)), running.stderr);
    const before = await ask(running.http);

    // The config lies outside of the program's folder; a new replica runs the same program as the one that stays.
    writeFileSync(join(dir, "app.yaml"), config(2));
    await eventually(() => running.stderr().includes("prog/Prog  HEALTHY  2/2 running\n"), running.stderr);
    const answers = new Set<string>();
    await eventually(async () => answers.add(await ask(running.http)).size === 2, running.stderr);
    expect([...answers]).toContain(before);
    expect([...answers].every((answer) => /^two \d+ 1$/.test(answer))).toBe(true);
    running.process.kill("SIGTERM");
    expect(await running.ended).toBe(0);
  });

  it.each([
    { name: "a module that is not there", files: {}, args: ["./nope.ts:app"], says: "nope.ts" },
    {
      name: "a constructor that throws",
      files: {
        "bad.ts": `import { deployment } from "windlass";
          class Bad { constructor() { throw new Error("no luck"); } fetch() { return new Response(); } }
          export const app = deployment(Bad, { maxConstructorRetryCount: 1 }).bind();`,
      },
      args: ["./bad.ts:app"],
      says: "no luck",
    },
  ])("exits 1 with one line at $name, and leaves nothing", async ({ files, args, says }) => {
    const dir = dirname(writeApp("", "", files));
    const running = await run(dir, args);
    expect(await running.ended).toBe(1);
    expect(running.stderr().match(/^windlass: .*$/gm)).toHaveLength(1);
    expect(running.stderr()).toContain(says);
    expect(readdirSync(running.temp)).toEqual([]);
  });

  it.each([
    { name: "a config with a mistake", args: ["app.yaml"], code: 1, says: "app.yaml:2:" },
    { name: "a flag that is wrong", args: ["./app.ts:app", "--http-port", "x"], code: 2, says: "--http-port" },
    { name: "a prefix that is wrong", args: ["./app.ts:app", "--route-prefix", "g"], code: 1, says: "route_prefix" },
  ])("exits $code before anything is opened at $name", async ({ args, code, says }) => {
    const dir = dirname(writeApp("", "applications:\n- name: 3\n"));
    const temp = tempDir();
    const ended = cli(dir, temp, ["run", ...args]);
    expect(await ended.ended).toBe(code);
    expect([ended.stdout(), ended.stderr()]).toEqual(["", expect.stringMatching(/^windlass: /)]);
    expect(ended.stderr()).toContain(says);
    expect(readdirSync(temp)).toEqual([]);
  });
});

describe("windlass logs", () => {
  const CHATTY = `
import { deployment } from "windlass";
class Echo {
  async fetch(request: Request): Promise<Response> { const text = await request.text(); console.log(text); return new Response(text); }
}
export const app = deployment(Echo).bind();
`;

  it("prints, follows and ends with the server, whose replicas get to say their last", async () => {
    const config = writeApp(CHATTY, ECHO_CONFIG(2, "        logging_config: {enable_access_log: false}\n"));
    const running = await run(dirname(config), ["app.yaml"]);
    await eventually(() => running.stderr().includes("echo  RUNNING\n"), running.stderr);
    const env = { WINDLASS_ADDRESS: running.control, WINDLASS_STATE_DIR: running.stateDir };
    const follower = cli(tempDir(), tempDir(), ["logs", "echo", "--follow", "--lines", "0"], env);
    for (const body of ["alpha", "beta"]) await fetch(running.http, { method: "POST", body });
    const line = (text: string): RegExp => new RegExp(`^Echo/\\w+ ${text}$`, "m");
    await eventually(() => line("beta").test(running.stdout()) && line("alpha").test(running.stdout()));

    const all = cli(tempDir(), tempDir(), ["logs", "echo", "Echo"], env);
    expect([await all.ended, all.stderr()]).toEqual([0, ""]);
    expect(all.stdout()).toMatch(line("alpha"));
    const [, id] = /^Echo\/(\w+) beta$/m.exec(all.stdout())!;
    const one = cli(tempDir(), tempDir(), ["logs", "echo", "--replica", id!, "--lines", "1"], env);
    expect([await one.ended, one.stdout()]).toEqual([0, `Echo/${id} beta\n`]);
    const none = cli(tempDir(), tempDir(), ["logs", "nope"], env);
    expect([await none.ended, none.stderr()]).toEqual([1, expect.stringContaining('there is no application "nope"')]);

    await fetch(running.http, { method: "POST", body: "gamma" });
    await eventually(() => line("gamma").test(follower.stdout()), follower.stderr);
    running.process.kill("SIGINT");
    expect(await running.ended).toBe(0);
    expect([await follower.ended, follower.stderr()]).toEqual([0, ""]);
  });
});
