import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ProgramResult, runProgram } from "../support/python.ts";
import { startWindlass } from "../support/windlass.ts";
import { describeClient, type Program } from "./run-cases.ts";

const FOLDER = fileURLToPath(new URL("../../clients/java/", import.meta.url));
const LAB = join(FOLDER, "lab");
const EXAMPLE_APP = fileURLToPath(new URL("../../examples/external-scaling/", import.meta.url));
/** Maven fetches all it needs the first time. */
const INSTALL_TIMEOUT_MS = 600_000;

/** Where Maven keeps what it fetched, from one run to the next: the user's own is left alone. */
function repository(): string {
  const given = process.env["XDG_CACHE_HOME"];
  const uid = process.getuid?.() ?? 0;
  const cache = given ? join(given, "windlass-test") : join(tmpdir(), `windlass-test-${uid}`);
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  expect(statSync(cache).uid, `${cache} belongs to another user; set XDG_CACHE_HOME`).toBe(uid);
  return join(cache, "maven");
}

async function maven(folder: string, ...args: readonly string[]): Promise<void> {
  const common = ["--batch-mode", "--quiet", "-Dstyle.color=never", `-Dmaven.repo.local=${repository()}`];
  const { code, out, err } = await runProgram("mvn", [...common, ...args], { cwd: folder });
  expect(code, `${out}${err}`).toBe(0);
}

/** As a user would: by Maven, from the folder. Every warning of the compiler and every unit test that fails ends it. */
async function install(): Promise<{ lab: string; client: string }> {
  await maven(FOLDER, "-Plint", "install");
  await maven(LAB, "compile", "dependency:build-classpath", "-Dmdep.outputFile=target/classpath");
  const client = readFileSync(join(LAB, "target", "classpath"), "utf8").trim();
  return { lab: `${join(LAB, "target", "classes")}:${client}`, client };
}

let installed: ReturnType<typeof install> | undefined;

async function program(): Promise<Program> {
  installed ??= install();
  const { lab } = await installed;
  return { command: "java", args: ["-cp", lab, "dev.windlass.lab.Main"], cwd: LAB };
}

describeClient("Java", program, INSTALL_TIMEOUT_MS);

describe("the Java client's", () => {
  it("example in the README runs as printed", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    installed ??= install();
    const { client } = await installed;
    const windlass = await startWindlass();
    const { code, out, err } = await runExample(client, {
      WINDLASS_ADDRESS: windlass.control,
      WINDLASS_TOKEN: windlass.token,
    });
    expect(code, err).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.filter((line, i) => EXAMPLE_PRINTS.includes(line) && lines.indexOf(line) === i)).toEqual(
      EXAMPLE_PRINTS,
    );
  });

  it("unit tests ran, all of them", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    installed ??= install();
    await installed;
    const tests = filesOf(join(FOLDER, "src", "test")).map(({ path }) => /(\w+Test)\.java$/.exec(path)?.[1]);
    const reports = readdirSync(join(FOLDER, "target", "surefire-reports"));
    for (const test of tests.filter((name) => name !== undefined)) {
      expect(reports).toContain(`dev.windlass.client.${test}.txt`);
    }
    expect(tests.length).toBeGreaterThan(3);
  });

  it("code has the format of google-java-format", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    await maven(FOLDER, "com.spotify.fmt:fmt-maven-plugin:check");
  });

  it("generated code is what generate.sh makes", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const folder = join(temporaryFolder(), "java");
    const { code, out, err } = await runProgram(join(FOLDER, "generate.sh"), [folder], {
      env: { MAVEN_REPO: repository() },
    });
    expect(code, `${out}${err}`).toBe(0);
    const made = filesOf(folder);
    const committed = filesOf(join(FOLDER, "src", "generated", "java"));
    expect(committed.map(({ path }) => path)).toEqual(made.map(({ path }) => path));
    expect(made.filter(({ text }, i) => text !== committed[i]?.text).map(({ path }) => path)).toEqual([]);
  });
});

/** In this order; steps in between may be told or not. */
const EXAMPLE_PRINTS = [
  "refused: INVALID_CONFIG",
  '   deployments[0].num_replicas must be a whole number > 0 or "auto", got -1',
  "runs: /java-example",
  "the present state:",
  "updated: applications/java-example/deployments/my-deployment 1 healthy",
  "changes:",
  "scaled: 1 to 2",
  "refused: PERMISSION_DENIED",
  "updated: applications/java-example/deployments/my-deployment 2 healthy",
  "deleted: applications/java-example/deployments/my-deployment",
];

/** Runs the README's one program. */
function runExample(classpath: string, env: Readonly<Record<string, string>>): Promise<ProgramResult> {
  const readme = readFileSync(join(FOLDER, "README.md"), "utf8");
  const programs = [...readme.matchAll(/```java\n([\s\S]*?)```/g)].filter(([, code]) => code?.includes("void main("));
  expect(programs).toHaveLength(1);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "Example.java"), programs[0]![1]!);
  return runProgram("java", ["-cp", classpath, "Example.java", EXAMPLE_APP], { cwd: folder, env });
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-java-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** All files below a folder, ordered by path. */
function filesOf(folder: string): { path: string; text: string }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({ path: file.slice(folder.length), text: readFileSync(file, "utf8") }));
}
