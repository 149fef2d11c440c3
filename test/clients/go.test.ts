import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DeployConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { deployConfigFromMessage } from "../../src/config/message.ts";
import { writeApp } from "../support/apps.ts";
import { go } from "../support/go.ts";
import { runProgram } from "../support/python.ts";
import { api, startWindlass, waitForStatus } from "../support/windlass.ts";
import { describeClient } from "./run-cases.ts";

const FOLDER = fileURLToPath(new URL("../../clients/go/", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const EXAMPLE_APP = join(EXAMPLES, "external-scaling");
/** Compiling gRPC for the first time, once more for the race detector, on two cores that others use too. */
const BUILD_TIMEOUT_MS = 600_000;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

// What is built is kept by Go's own cache.
describeClient(
  "Go",
  async () => {
    const program = join(temporaryFolder(), "lab");
    await go(["build", "-o", program, "."], { cwd: join(FOLDER, "lab") });
    return { command: program, args: [], cwd: FOLDER };
  },
  BUILD_TIMEOUT_MS,
);

describe("the Go client's", () => {
  it("example in the README runs as printed", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
    const folder = await module(exampleOf(readme), installOf(readme));
    const windlass = await startWindlass();
    const { code, out, err } = await runProgram("go", ["run", ".", EXAMPLE_APP], {
      cwd: folder,
      env: { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: windlass.token },
    });
    expect(code, err).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.filter((line, i) => EXAMPLE_PRINTS.includes(line) && lines.indexOf(line) === i)).toEqual(
      EXAMPLE_PRINTS,
    );
    expect(await runProgram("gofmt", ["-l", "."], { cwd: folder })).toEqual({ code: 0, out: "", err: "" });
  });

  it("watches tell what is, and Connect's clients call over HTTP/1.1", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const windlass = await startWindlass();
    const folder = dirname(writeApp(APP, ""));
    const put = await api(windlass, "/api/serve/applications/", {
      method: "PUT",
      body: { applications: [{ name: "a", import_path: "./app.ts:app" }] },
      headers: { "x-windlass-base-dir": folder },
    });
    expect(put.status, put.text).toBe(200);
    await waitForStatus(windlass, "a", "RUNNING");
    const { code, out, err } = await runProgram("go", ["run", "./feeds"], {
      cwd: join(FOLDER, "lab"),
      env: { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: windlass.token },
    });
    expect(code, err).toBe(0);
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/\/replicas\/.+$/, "/replicas/R"));
    expect(lines.filter((line) => /^instance Updated/.test(line)).sort()).toEqual([
      "instance Updated applications/a",
      "instance Updated applications/a/deployments/Echo",
      "instance Updated applications/a/deployments/Echo/replicas/R",
      "instance Updated instance",
    ]);
    expect(lines.filter((line) => /^decisions/.test(line)).sort()).toEqual([
      "decisions Reset ",
      "decisions Synced ",
      "decisions Updated applications/a/deployments/Echo",
    ]);
    expect(lines.filter((line) => !/^(instance Updated|decisions)/.test(line)).map((line) => line.trimEnd())).toEqual([
      "instance Reset",
      "instance Synced",
      "applications Reset",
      "applications Updated applications/a",
      "applications Synced",
      "deployments Reset",
      "deployments Updated applications/a/deployments/Echo",
      "deployments Synced",
      "replicas Reset",
      "replicas Updated applications/a/deployments/Echo/replicas/R",
      "replicas Synced",
      "http refused NOT_FOUND not_found",
      "http applications/a",
      "http Synced",
    ]);
  });

  it("config documents are read by the server as they were written", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const files = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const documents = files
      .map((file) => parse(readFileSync(join(EXAMPLES, file), "utf8")) as { applications?: unknown; start?: unknown })
      .filter(({ applications, start }) => applications !== undefined && start === undefined);
    expect(documents.length).toBeGreaterThan(5);
    const { code, out, err } = await runProgram("go", ["run", "./documents"], {
      cwd: join(FOLDER, "lab"),
      stdin: JSON.stringify(documents),
    });
    expect(code, err).toBe(0);
    const messages = (JSON.parse(out) as string[]).map((text) =>
      fromBinary(DeployConfigSchema, Buffer.from(text, "base64")),
    );
    expect(messages.map(deployConfigFromMessage)).toEqual(documents);
  });

  it("code has the format of gofmt", async () => {
    expect(await runProgram("gofmt", ["-l", "."], { cwd: FOLDER })).toEqual({ code: 0, out: "", err: "" });
  });

  it.each([
    { name: "code passes go vet", args: ["vet", "./..."], cwd: FOLDER },
    { name: "test program passes go vet", args: ["vet", "./..."], cwd: join(FOLDER, "lab") },
    { name: "modules and sums are what go mod tidy makes", args: ["mod", "tidy", "-diff"], cwd: FOLDER },
    { name: "test program's modules and sums are, too", args: ["mod", "tidy", "-diff"], cwd: join(FOLDER, "lab") },
    { name: "unit tests pass, with the race detector", args: ["test", "-race", "-count=1", "./..."], cwd: FOLDER },
  ])("$name", { timeout: BUILD_TIMEOUT_MS }, async ({ args, cwd }) => {
    const { code, out, err } = await runProgram("go", args, { cwd });
    expect(code, `${out}${err}`).toBe(0);
  });

  it("generated code is what generate.sh makes", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const folder = join(temporaryFolder(), "gen");
    const { code, out, err } = await runProgram(join(FOLDER, "generate.sh"), [folder]);
    expect(code, `${out}${err}`).toBe(0);
    const made = filesOf(folder);
    const committed = filesOf(join(FOLDER, "gen"));
    expect(Object.keys(committed)).toEqual(Object.keys(made));
    expect(Object.keys(made).filter((path) => made[path] !== committed[path])).toEqual([]);
  });
});

const APP = `
import { deployment } from "windlass";
class Echo {
  fetch(): Response {
    return new Response("ok");
  }
}
export const app = deployment(Echo, { numReplicas: "auto", rayActorOptions: { numCpus: 0 } }).bind();
`;

/** In this order; steps in between may be told or not. */
const EXAMPLE_PRINTS = [
  "refused: INVALID_CONFIG",
  '    deployments[0].num_replicas must be a whole number > 0 or "auto", got -1',
  "runs: /go-example",
  "the present state:",
  "updated: applications/go-example/deployments/my-deployment 1 healthy",
  "changes:",
  "scaled: 1 to 2",
  "refused: PERMISSION_DENIED",
  "updated: applications/go-example/deployments/my-deployment 2 healthy",
  "deleted: applications/go-example/deployments/my-deployment",
];

/** A module of a user's that has this program, with the client installed by the README's commands. */
async function module(program: string, install: readonly string[][]): Promise<string> {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "main.go"), program);
  await go(["mod", "init", "example/user"], { cwd: folder });
  for (const args of install) await go(args, { cwd: folder });
  return folder;
}

/** The README's one program. */
function exampleOf(readme: string): string {
  const programs = [...readme.matchAll(/```go\n([\s\S]*?)```/g)].filter(([, code]) => code?.includes("package main"));
  expect(programs).toHaveLength(1);
  return programs[0]![1]!;
}

/** The README's commands of `go`, which are written for a module beside the project's folder `windlass`. */
function installOf(readme: string): string[][] {
  const block = /## .*\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(`## \n${readme}`)?.[1] ?? "";
  const commands = block.trim().split("\n");
  expect(commands).toHaveLength(2);
  expect(commands[0]).toContain("../windlass/clients/go");
  return commands.map((line) => {
    const [program, ...args] = line.replace("../windlass/clients/go", FOLDER).split(" ");
    expect(program).toBe("go");
    return args;
  });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-go-"));
  folders.push(folder);
  return folder;
}

/** The texts of all files below a folder, by path. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.sort().map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]));
}
