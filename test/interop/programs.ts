/** The clients in other languages: programs that are built once and read their task from stdin. */
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { built, go, goProgram } from "../support/go.ts";
import { pythonProgram, runProgram } from "../support/python.ts";
import { ROOT } from "../support/windlass.ts";
import type { Result, Task } from "./cases.ts";

const HERE = import.meta.dirname;
const PROTOC_GEN_GO = "v1.36.12";
/** What is generated of proto/: the rest comes with each language's own packages. */
const PROTOS = ["proto/windlass/v1", "proto/windlass/config/v1"];

/** Runs a program for a task. */
export async function runTask(file: string, args: readonly string[], task: object): Promise<Result[]> {
  const { code, out, err } = await runProgram(file, args, { stdin: JSON.stringify(task) });
  if (code !== 0) throw new Error(`${file} ended with ${code}: ${err}`);
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Result);
}

/** Builds the program of grpc-go and connect-go, and gives its path. */
export async function goClients(): Promise<string> {
  const source = join(HERE, "go");
  return built(`interop-go-${hashOf([source, ...PROTOS.map((path) => join(ROOT, path))])}`, "interop", async (out) => {
    const plugin = await goProgram("google.golang.org/protobuf/cmd/protoc-gen-go", PROTOC_GEN_GO);
    const work = mkdtempSync(join(tmpdir(), "windlass-interop-"));
    try {
      cpSync(source, work, { recursive: true });
      const template = {
        version: "v2",
        managed: {
          enabled: true,
          override: [{ file_option: "go_package_prefix", value: "windlass.test/interop/gen" }],
        },
        inputs: [{ directory: "proto", paths: PROTOS }],
        plugins: [{ local: [plugin], out: "gen", opt: "paths=source_relative" }],
      };
      const buf = join(ROOT, "node_modules", ".bin", "buf");
      const args = ["generate", "--template", JSON.stringify(template), "--output", work];
      const generated = await runProgram(buf, args, { cwd: ROOT });
      if (generated.code !== 0) throw new Error(`buf generate: ${generated.err}`);
      await go(["build", "-trimpath", "-o", join(out, "interop"), "."], { cwd: work });
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
}

/** Makes grpcio's environment and the code it needs, and gives the command. */
export async function pythonClient(): Promise<readonly [string, ...string[]]> {
  const folder = join(HERE, "python");
  const requirements = readFileSync(join(folder, "requirements.txt"), "utf8").trim().split("\n");
  const python = (await pythonProgram("interop", requirements))("python");
  const key = `interop-python-${hashOf([folder, ...PROTOS.map((path) => join(ROOT, path))])}`;
  const marker = await built(key, "windlass", async (out) => {
    const files = PROTOS.flatMap((path) => readdirSync(join(ROOT, path)).map((name) => join(ROOT, path, name)));
    const args = [
      "-m",
      "grpc_tools.protoc",
      "-I",
      join(ROOT, "proto"),
      `--python_out=${out}`,
      `--grpc_python_out=${out}`,
    ];
    const { code, err } = await runProgram(python, [...args, ...files]);
    if (code !== 0) throw new Error(`protoc: ${err}`);
  });
  return [python, join(folder, "interop.py"), join(marker, "..")];
}

/** Runs the program of one of the Go clients. */
export async function runGo(client: "grpc-go" | "connect-go", task: Task): Promise<Result[]> {
  return runTask(await goClients(), [], { client, ...task });
}

/** Runs grpcio's. */
export async function runPython(task: Task): Promise<Result[]> {
  const [python, ...args] = await pythonClient();
  return runTask(python, args, task);
}

function hashOf(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}
