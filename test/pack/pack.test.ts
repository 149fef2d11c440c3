import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { tempDir } from "../support/temp-dir.ts";
import { eventually, processesOf, ROOT } from "../support/windlass.ts";

const APP = `
import { deployment, getReplicaContext, type DeploymentHandle } from "windlass";

class Greeter {
  greet(name: string): string {
    return "hello " + name;
  }
}

class Front {
  readonly #greeter: DeploymentHandle<Greeter>;
  constructor(greeter: DeploymentHandle<Greeter>) {
    this.#greeter = greeter;
  }
  async fetch(request: Request): Promise<Response> {
    const name = new URL(request.url).searchParams.get("name") ?? "you";
    return Response.json({ text: await this.#greeter.greet.remote(name), by: getReplicaContext().deployment });
  }
}

export const app = deployment(Front).bind(deployment(Greeter).bind());
`;

it("a user's own app.ts type-checks and serves from the packed package, with one copy of the SDK", {
  timeout: 240_000,
}, async () => {
  const dir = realpathSync(tempDir());
  const npm = (args: string[], cwd: string): string =>
    execFileSync("npm", args, { cwd, encoding: "utf8", env: { ...process.env, npm_config_loglevel: "error" } });
  const [packed] = JSON.parse(npm(["pack", "--json", "--ignore-scripts", "--pack-destination", dir], ROOT)) as {
    filename: string;
  }[];
  const project = join(dir, "project");
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "mine", type: "module", private: true }));
  npm(
    ["install", join(dir, packed!.filename), "typescript@7.0.2", "@types/node@24.19.2", "--no-audit", "--no-fund"],
    project,
  );
  expect(readdirSync(join(project, "node_modules/windlass")).sort()).not.toContain("src");

  writeFileSync(join(project, "app.ts"), APP);
  writeFileSync(join(project, "app.yaml"), "applications:\n  - name: mine\n    import_path: ./app.ts:app\n");
  const options = {
    strict: true,
    module: "nodenext",
    target: "es2024",
    noEmit: true,
    types: ["node"],
    skipLibCheck: false,
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, include: ["app.ts"] }));
  expect(npm(["exec", "--", "tsc", "-p", "."], project)).toBe("");
  // The types are real: a method that does not exist is an error.
  writeFileSync(join(project, "wrong.ts"), APP.replace("greeter.greet.remote", "greeter.gret.remote"));
  writeFileSync(
    join(project, "tsconfig.wrong.json"),
    JSON.stringify({ compilerOptions: options, include: ["wrong.ts"] }),
  );
  expect(failureOf(() => npm(["exec", "--", "tsc", "-p", "tsconfig.wrong.json"], project))).toMatch(/wrong\.ts.*gret/);

  // Clients for @grpc/grpc-js, which npm installed beside it.
  const GRPC = `import { grpc, InstanceService, makeGrpcClient } from "windlass/grpc";
const client = makeGrpcClient(InstanceService, "127.0.0.1:1", grpc.credentials.createInsecure());
console.log(typeof client.watchInstance);
client.close();\n`;
  writeFileSync(join(project, "grpc.ts"), GRPC);
  writeFileSync(
    join(project, "tsconfig.grpc.json"),
    JSON.stringify({ compilerOptions: options, include: ["grpc.ts"] }),
  );
  expect(npm(["exec", "--", "tsc", "-p", "tsconfig.grpc.json"], project)).toBe("");
  expect(execFileSync(process.execPath, ["grpc.ts"], { cwd: project, encoding: "utf8" })).toBe("function\n");

  // What tests of applications and configs import, on the same SDK as the application.
  const TEST = `import { readFileSync } from "node:fs";
import { DeploymentUnavailableError } from "windlass";
import { runLocal, simulateInstance } from "windlass/testing";
import { app } from "./app.ts";
const local = await runLocal(app);
const { text } = (await (await local.fetch("/?name=Ada")).json()) as { text: string };
await local.stop();
const gone = await local.handle.fetch.remote(new Request("http://x")).then(() => false, (error: unknown) => error instanceof DeploymentUnavailableError);
const config = readFileSync("app.yaml", "utf8");
const replicas = await simulateInstance({ config, code: { "./app.ts:app": app } }, async (instance) => {
  await instance.advance(5);
  return instance.deployment("mine", "Greeter").running;
});
console.log(text, gone, replicas);\n`;
  writeFileSync(join(project, "test.ts"), TEST);
  const withImports = { ...options, allowImportingTsExtensions: true };
  writeFileSync(
    join(project, "tsconfig.test.json"),
    JSON.stringify({ compilerOptions: withImports, include: ["test.ts"] }),
  );
  expect(npm(["exec", "--", "tsc", "-p", "tsconfig.test.json"], project)).toBe("");
  expect(execFileSync(process.execPath, ["test.ts"], { cwd: project, encoding: "utf8" })).toBe("hello Ada true 1\n");

  const stateDir = join(dir, "state");
  const ports = ["--control-port", "0", "--http-port", "0", "--grpc-port", "0"];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$|VITEST)/.test(name)),
  );
  const child = spawn("npx", ["windlass", "start", "app.yaml", "--state-dir", stateDir, ...ports], {
    cwd: project,
    env,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  onTestFinished(() => {
    for (const pid of processesOf(stateDir)) process.kill(pid, "SIGKILL");
  });
  const ready = JSON.parse(
    await eventually(
      () => /^windlass ready (.*)$/m.exec(stdout)?.[1],
      () => `not ready: ${stderr}`,
    ),
  ) as { http: string; pids: { supervisor: number } };
  const answer = await eventually(
    async () => {
      const response = await fetch(`${ready.http}/?name=Ada`);
      return response.status === 200 ? ((await response.json()) as { text: string; by: string }) : undefined;
    },
    () => `no answer: ${stderr}`,
  );
  expect(answer).toMatchObject({ text: "hello Ada", by: "Front" });
  // One copy: what the application imports is what the replica runs on.
  const bundles = readdirSync(join(stateDir, "bundles"));
  const bundle = readFileSync(join(stateDir, "bundles", bundles[0]!, "app.mjs"), "utf8");
  const imported = /from\s*"(file:[^"]+)"/.exec(bundle)?.[1];
  expect(imported).toBe(`file://${join(project, "node_modules/windlass/dist/sdk/index.js")}`);
  expect(existsSync(join(dirname(new URL(imported!).pathname), "index.js"))).toBe(true);

  process.kill(ready.pids.supervisor, "SIGTERM");
  await eventually(
    () => processesOf(stateDir).length === 0,
    () => "processes are left",
  );
});

/** What a command printed that must fail. */
function failureOf(run: () => string): string {
  try {
    return `succeeded: ${run()}`;
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  }
}
