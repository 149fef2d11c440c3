import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { DeployConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { deployConfigFromMessage } from "../../src/config/message.ts";
import { pythonProgram, runProgram } from "../support/python.ts";
import { startWindlass } from "../support/windlass.ts";
import { describeClient, type Program } from "./run-cases.ts";

const FOLDER = fileURLToPath(new URL("../../clients/python/", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const EXAMPLE_APP = join(EXAMPLES, "external-scaling");
const INSTALL_TIMEOUT_MS = 300_000;

/** What the package depends on, and what builds it: its own code is installed anew each time. */
const REQUIREMENTS = ["grpcio==1.85.1", "protobuf==7.36.2", "hatchling==1.33.0"];
/** What looks at it. */
const TOOLS = [
  "grpcio==1.85.1",
  "protobuf==6.33.6",
  "mypy==1.19.1",
  "ruff==0.14.10",
  "pytest==8.4.2",
  "types-grpcio==1.85.0.20261028",
  "types-protobuf==6.32.1.20251210",
];

/** As a user would: by pip, from the folder. */
async function install(): Promise<(name: string) => string> {
  const program = await pythonProgram("client-python", REQUIREMENTS);
  const pip = ["install", "--quiet", "--disable-pip-version-check", "--no-build-isolation", "--force-reinstall"];
  const { code, err } = await runProgram(program("pip"), [...pip, "--no-deps", FOLDER]);
  expect(code, err).toBe(0);
  return program;
}

let installed: ReturnType<typeof install> | undefined;

async function lab(name: string): Promise<Program> {
  installed ??= install();
  const program = await installed;
  return { command: program("python"), args: [`tests/lab/${name}.py`], cwd: FOLDER };
}

describeClient("Python", () => lab("sync_cases"), INSTALL_TIMEOUT_MS);
describeClient("Python (asyncio)", () => lab("async_cases"), INSTALL_TIMEOUT_MS);

describe("the Python client's", () => {
  it("example in the README runs as printed", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    installed ??= install();
    const program = await installed;
    const windlass = await startWindlass();
    const folder = temporaryFolder();
    writeFileSync(join(folder, "example.py"), exampleOf(readFileSync(join(FOLDER, "README.md"), "utf8")));
    const { code, out, err } = await runProgram(program("python"), ["example.py", EXAMPLE_APP], {
      cwd: folder,
      env: { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: windlass.token },
    });
    expect(code, err).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.filter((line, i) => EXAMPLE_PRINTS.includes(line) && lines.indexOf(line) === i)).toEqual(
      EXAMPLE_PRINTS,
    );
  });

  it("config documents are read by the server as they were written", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    installed ??= install();
    const program = await installed;
    const files = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const documents = files
      .map((file) => parse(readFileSync(join(EXAMPLES, file), "utf8")) as { applications?: unknown; start?: unknown })
      .filter(({ applications, start }) => applications !== undefined && start === undefined);
    expect(documents.length).toBeGreaterThan(5);
    const script =
      "import json, sys; from windlass_client import deploy_config as d; " +
      "print(json.dumps([d(each).SerializeToString().hex() for each in json.load(sys.stdin)]))";
    const { code, out, err } = await runProgram(program("python"), ["-c", script], {
      stdin: JSON.stringify(documents),
    });
    expect(code, err).toBe(0);
    const messages = (JSON.parse(out) as string[]).map((hex) =>
      fromBinary(DeployConfigSchema, Buffer.from(hex, "hex")),
    );
    expect(messages.map(deployConfigFromMessage)).toEqual(documents);
  });

  it.each([
    { name: "code has the format of ruff", tool: "ruff", args: ["format", "--check", "."] },
    { name: "code passes ruff", tool: "ruff", args: ["check", "."] },
    { name: "types pass mypy, strictly", tool: "mypy", args: [] },
    { name: "unit tests pass", tool: "pytest", args: ["-q"] },
  ])("$name", { timeout: INSTALL_TIMEOUT_MS }, async ({ tool, args }) => {
    const program = await pythonProgram("client-python-tools", TOOLS);
    const { code, out, err } = await runProgram(program(tool), args, { cwd: FOLDER });
    expect(code, `${out}${err}`).toBe(0);
  });

  it("types hold for the README's example, strictly", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const program = await pythonProgram("client-python-tools", TOOLS);
    const example = join(temporaryFolder(), "example.py");
    writeFileSync(example, exampleOf(readFileSync(join(FOLDER, "README.md"), "utf8")));
    const { code, out, err } = await runProgram(program("mypy"), [example], { cwd: FOLDER });
    expect(code, `${out}${err}`).toBe(0);
  });

  it("generated code is what generate.sh makes", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const folder = join(temporaryFolder(), "_gen");
    const { code, out, err } = await runProgram(join(FOLDER, "generate.sh"), [folder]);
    expect(code, `${out}${err}`).toBe(0);
    const made = filesOf(folder);
    const committed = filesOf(join(FOLDER, "src", "windlass_client", "_gen"));
    expect(Object.keys(committed)).toEqual(Object.keys(made));
    expect(Object.keys(made).filter((path) => made[path] !== committed[path])).toEqual([]);
  });
});

/** In this order; steps in between may be told or not. */
const EXAMPLE_PRINTS = [
  "refused: INVALID_CONFIG",
  '   deployments[0].num_replicas must be a whole number > 0 or "auto", got -1',
  "runs: /python-example",
  "the present state:",
  "updated: applications/python-example/deployments/my-deployment 1 healthy",
  "changes:",
  "scaled: 1 to 2",
  "refused: PERMISSION_DENIED",
  "updated: applications/python-example/deployments/my-deployment 2 healthy",
  "deleted: applications/python-example/deployments/my-deployment",
];

/** The README's one program. */
function exampleOf(readme: string): string {
  const programs = [...readme.matchAll(/```python\n([\s\S]*?)```/g)].filter(([, code]) => code?.includes("__main__"));
  expect(programs).toHaveLength(1);
  return programs[0]![1]!;
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-python-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The texts of all files below a folder, by path. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("__pycache__"))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.sort().map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]));
}
