import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { DeployConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { deployConfigFromMessage } from "../../src/config/message.ts";
import { cacheFolder } from "../support/go.ts";
import { type ProgramResult, runProgram } from "../support/python.ts";
import { startWindlass } from "../support/windlass.ts";
import { describeClient } from "./run-cases.ts";

const FOLDER = fileURLToPath(new URL("../../clients/rust/", import.meta.url));
const LAB = join(FOLDER, "tests", "lab");
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));
const EXAMPLE_APP = join(EXAMPLES, "external-scaling");
/** Compiling tonic for the first time, on two cores that others use too. */
const BUILD_TIMEOUT_MS = 600_000;
/** What is compiled is kept, for all that is built here. */
const TARGET = join(cacheFolder(), "client-rust-target");

const CLIPPY = ["clippy", "--quiet", "--all-targets"];
const BARE = ["--no-default-features"];

describeClient(
  "Rust",
  async () => {
    const { code, err } = await cargo(["build", "--quiet"], LAB);
    if (code !== 0) throw new Error(`the test program could not be built: ${err || "is Rust installed?"}`);
    return { command: join(TARGET, "debug", "windlass-client-lab"), args: [], cwd: FOLDER };
  },
  BUILD_TIMEOUT_MS,
);

describe("the Rust client's", () => {
  it("example in the README runs as printed", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const folder = temporaryFolder();
    const { manifest, program } = exampleOf(readFileSync(join(FOLDER, "README.md"), "utf8"));
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "Cargo.toml"), `${PACKAGE}${manifest.replace("clients/rust", FOLDER)}`);
    writeFileSync(join(folder, "src", "main.rs"), program);
    const windlass = await startWindlass();
    const { code, out, err } = await cargo(["run", "--quiet", EXAMPLE_APP], folder, {
      env: { WINDLASS_ADDRESS: windlass.control, WINDLASS_TOKEN: windlass.token },
    });
    expect(code, err).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.filter((line, i) => EXAMPLE_PRINTS.includes(line) && lines.indexOf(line) === i)).toEqual(
      EXAMPLE_PRINTS,
    );
    expect(await cargo(["fmt", "--check"], folder)).toEqual({ code: 0, out: "", err: "" });
  });

  it("config documents are read by the server as they were written", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const files = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".yaml"));
    const documents = files
      .map((file) => parse(readFileSync(join(EXAMPLES, file), "utf8")) as { applications?: unknown; start?: unknown })
      .filter(({ applications, start }) => applications !== undefined && start === undefined);
    expect(documents.length).toBeGreaterThan(5);
    const { code, out, err } = await cargo(["run", "--quiet", "--bin", "documents"], LAB, {
      stdin: JSON.stringify(documents),
    });
    expect(code, err).toBe(0);
    const lines = out.trimEnd().split("\n");
    const messages = lines.map((hex) => fromBinary(DeployConfigSchema, Buffer.from(hex, "hex")));
    expect(messages.map(deployConfigFromMessage)).toEqual(documents);
  });

  it.each([
    { name: "code has the format of rustfmt", args: ["fmt", "--check"], cwd: FOLDER },
    { name: "test program has the format of rustfmt", args: ["fmt", "--check"], cwd: LAB },
    { name: "plugin has the format of rustfmt", args: ["fmt", "--check"], cwd: join(FOLDER, "generate") },
    { name: "unit tests pass", args: ["test", "--quiet"], cwd: FOLDER },
    { name: "code passes clippy", args: [...CLIPPY, "--", "-D", "warnings"], cwd: FOLDER },
    {
      name: "code passes clippy without its features",
      args: [...CLIPPY, ...BARE, "--", "-D", "warnings"],
      cwd: FOLDER,
    },
    { name: "test program passes clippy", args: [...CLIPPY, "--", "-D", "warnings"], cwd: LAB },
    { name: "documentation has no dead links", args: ["doc", "--quiet", "--no-deps"], cwd: FOLDER },
  ])("$name", { timeout: BUILD_TIMEOUT_MS }, async ({ args, cwd }) => {
    const { code, out, err } = await cargo(args, cwd, { env: { RUSTDOCFLAGS: "-D warnings" } });
    expect(code, `${out}${err}`).toBe(0);
  });

  it("generated code is what generate.sh makes", { timeout: BUILD_TIMEOUT_MS }, async () => {
    const folder = join(temporaryFolder(), "gen");
    const { code, out, err } = await runProgram(join(FOLDER, "generate.sh"), [folder]);
    expect(code, `${out}${err}`).toBe(0);
    const made = filesOf(folder);
    const committed = filesOf(join(FOLDER, "src", "gen"));
    expect(Object.keys(made).length).toBeGreaterThan(3);
    expect(Object.keys(committed)).toEqual(Object.keys(made));
    expect(Object.keys(made).filter((path) => made[path] !== committed[path])).toEqual([]);
  });
});

/** What `cargo init` writes before the dependencies. */
const PACKAGE = '[package]\nname = "windlass-client-example"\nversion = "0.1.0"\nedition = "2021"\n\n';

/** In this order; steps in between may be told or not. */
const EXAMPLE_PRINTS = [
  "refused: INVALID_CONFIG",
  '  deployments[0].num_replicas must be a whole number > 0 or "auto", got -1',
  "runs: /rust-example",
  "the present state:",
  "updated: applications/rust-example/deployments/my-deployment 1 healthy",
  "changes:",
  "scaled: 1 to 2",
  "refused: PERMISSION_DENIED",
  "updated: applications/rust-example/deployments/my-deployment 2 healthy",
  "deleted: applications/rust-example/deployments/my-deployment",
];

/** The README's one program, and what it depends on. */
function exampleOf(readme: string): { manifest: string; program: string } {
  const programs = [...readme.matchAll(/```rust\n([\s\S]*?)```/g)].filter(([, code]) => code?.includes("fn main"));
  const manifests = [...readme.matchAll(/```toml\n([\s\S]*?)```/g)];
  expect([programs.length, manifests.length]).toEqual([1, 1]);
  return { manifest: manifests[0]![1]!, program: programs[0]![1]! };
}

/** Runs cargo; what is built has no debug information, which takes longer than the code. */
function cargo(
  args: readonly string[],
  cwd: string,
  { env = {}, stdin = "" }: { env?: Readonly<Record<string, string>>; stdin?: string } = {},
): Promise<ProgramResult> {
  const built = { CARGO_TARGET_DIR: TARGET, CARGO_PROFILE_DEV_DEBUG: "0", CARGO_PROFILE_TEST_DEBUG: "0" };
  return runProgram("cargo", args, { cwd, stdin, env: { ...built, ...env } });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-rust-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The texts of all files below a folder, by path. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(files.sort().map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]));
}
