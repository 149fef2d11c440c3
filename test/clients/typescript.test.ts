import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DeployConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { deployConfig } from "../../src/client/config-document.ts";
import { deployConfigFromMessage } from "../../src/config/message.ts";
import { clientEnv, startWindlass } from "../support/windlass.ts";
import { describeClient, type Program } from "./run-cases.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDER = join(ROOT, "clients/typescript");
const INSTALL_TIMEOUT_MS = 240_000;

let project: string | undefined;
afterAll(() => {
  if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

/** A project of a user's: the packed package in its node_modules, and Node alone to run it. */
function install(): string {
  if (project !== undefined) return project;
  project = mkdtempSync(join(tmpdir(), "windlass-typescript-"));
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const installed = join(project, "node_modules/windlass");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(project, filename), "-C", installed, "--strip-components=1"]);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "mine", type: "module", private: true }));
  cpSync(join(FOLDER, "lab/cases.ts"), join(project, "cases.ts"));
  return project;
}

const program =
  (...args: string[]) =>
  async (): Promise<Program> => ({ command: process.execPath, args: ["cases.ts", ...args], cwd: install() });

describeClient("TypeScript", program("connect", "2"), INSTALL_TIMEOUT_MS);
describeClient("TypeScript, over HTTP/1.1,", program("connect", "1.1"), INSTALL_TIMEOUT_MS);
describeClient("TypeScript, over gRPC,", program("grpc", "2"), INSTALL_TIMEOUT_MS);

describe("the TypeScript client's", () => {
  it("example in the README runs as printed", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const folder = install();
    const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
    const [, example] = /Save it as `([^`]+)`/.exec(readme)!;
    // As `npm init` makes a project.
    const own = join(folder, "own");
    mkdirSync(own);
    writeFileSync(join(own, "package.json"), JSON.stringify({ name: "own", type: "commonjs" }));
    writeFileSync(join(own, example!), exampleOf(readme));
    const windlass = await startWindlass();
    const { out, err, code } = await run(process.execPath, [example!, join(ROOT, "examples/external-scaling")], {
      cwd: own,
      env: clientEnv(windlass),
    });
    expect(code, err).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.filter((line, i) => EXAMPLE_PRINTS.includes(line) && lines.indexOf(line) === i)).toEqual(
      EXAMPLE_PRINTS,
    );
  });

  it("types hold for the README's programs, for Node and for browsers", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const folder = install();
    const programs = programsOf(readFileSync(join(FOLDER, "README.md"), "utf8"));
    expect(programs).toHaveLength(3);
    const [node, , web] = programs as [string, string, string];
    writeFileSync(join(folder, "example.ts"), exampleOf(readFileSync(join(FOLDER, "README.md"), "utf8")));
    const wrong = "\n// @ts-expect-error there is no such watch\nvoid client.watch.nothing;\n";
    writeFileSync(join(folder, "connect.ts"), node + wrong);
    writeFileSync(join(folder, "page.ts"), `declare const token: string;\n${web}${wrong}`);
    // What npm would install beside it.
    for (const name of ["@bufbuild", "@connectrpc", "@types"]) link(folder, name);
    const common = { strict: true, noEmit: true, target: "es2024", exactOptionalPropertyTypes: true };
    const lib = ["es2024", "esnext.disposable"];
    // Connect's own types name some of the DOM's.
    const onNode = { ...common, module: "nodenext", types: ["node"], lib, skipLibCheck: true };
    const inPages = { ...common, module: "esnext", moduleResolution: "bundler", types: [], lib: [...lib, "dom"] };
    for (const [compilerOptions, files] of [
      [onNode, ["example.ts", "connect.ts"]],
      [inPages, ["page.ts"]],
    ] as const) {
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
      const { out, code } = await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", "."], { cwd: folder });
      expect(code, out).toBe(0);
    }
  });

  it("config documents are read by the server as they were written", () => {
    const examples = join(ROOT, "examples");
    const files = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const documents = files
      .map((file) => parse(readFileSync(join(examples, file), "utf8")) as { applications?: unknown; start?: unknown })
      .filter(({ applications, start }) => applications !== undefined && start === undefined);
    expect(documents.length).toBeGreaterThan(5);
    const read = documents.map((document) =>
      deployConfigFromMessage(fromBinary(DeployConfigSchema, toBinary(DeployConfigSchema, deployConfig(document)))),
    );
    expect(read).toEqual(documents);
  });
});

/** In this order; steps in between may be told or not. */
const EXAMPLE_PRINTS = [
  "refused: INVALID_CONFIG",
  '   deployments[0].num_replicas must be a whole number > 0 or "auto", got -1',
  "runs: /typescript-example",
  "the present state:",
  "updated: applications/typescript-example/deployments/my-deployment target 1 running 1",
  "changes:",
  "scaled: 1 to 2",
  "refused: PERMISSION_DENIED",
  "updated: applications/typescript-example/deployments/my-deployment target 2 running 2",
  "deleted: applications/typescript-example/deployments/my-deployment",
];

/** The README's programs, in order. */
function programsOf(readme: string): string[] {
  return [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);
}

/** The one that is complete. */
function exampleOf(readme: string): string {
  const programs = programsOf(readme).filter((code) => code.includes("process.argv"));
  expect(programs).toHaveLength(1);
  return programs[0]!;
}

function link(folder: string, name: string): void {
  symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
}

async function run(command: string, args: string[], { cwd, env = {} }: { cwd: string; env?: Record<string, string> }) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(WINDLASS_|VITEST)/.test(key)));
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(command, args, { cwd, env: { ...clean, ...env } }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    );
  });
}
