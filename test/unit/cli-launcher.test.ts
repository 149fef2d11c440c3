import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { tempDir } from "../support/temp-dir.ts";

const root = resolve(import.meta.dirname, "../..");
const LINE = /^windlass: needs Node >= 24, this is v[\d.]+; [^\n]+\n$/;

/** A Node of the machine, outside this installation, that is too old; undefined where there is none. */
function oldNode(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return folders
    .map((folder) => join(folder, "node"))
    .find((path) => existsSync(path) && Number(versionOf(path).split(".")[0]) < 24);
}

function versionOf(node: string): string {
  return spawnSync(node, ["-p", "process.versions.node"], { encoding: "utf8" }).stdout.trim();
}

/** The launcher in a folder of its own, with a program that says which Node runs it and with what. */
function installation(): { dir: string; launcher: string } {
  const dir = realpathSync(tempDir());
  mkdirSync(join(dir, "dist", "bin"), { recursive: true });
  mkdirSync(join(dir, "bin"));
  cpSync(join(root, "bin", "windlass.cjs"), join(dir, "bin", "windlass.cjs"));
  writeFileSync(join(dir, "package.json"), '{"type": "module"}');
  writeFileSync(
    join(dir, "dist", "bin", "cli.js"),
    'console.log(JSON.stringify([process.version, process.argv.slice(2)])); process.exit(process.argv[2] === "fail" ? 3 : 0);',
  );
  return { dir, launcher: join(dir, "bin", "windlass.cjs") };
}

/** Adds the npm package `node` with a binary of our choice. */
function addNodePackage(dir: string, node: string): void {
  const folder = join(dir, "node_modules", "node");
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{"name": "node", "version": "24.0.0"}');
  symlinkSync(node, join(folder, "bin", "node"));
}

const run = (node: string, argv: string[], env: Record<string, string> = {}) => {
  const { status, stdout, stderr } = spawnSync(node, argv, { encoding: "utf8", env: { PATH: "/nowhere", ...env } });
  return { status, stdout, stderr };
};

/** Makes the present Node say that it is an older one. */
function pretending(dir: string): string {
  const path = join(dir, "pretend.cjs");
  writeFileSync(
    path,
    `if (process.env.PRETEND) {
      delete process.env.PRETEND;
      Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.0.0" } });
      Object.defineProperty(process, "version", { value: "v20.0.0" });
    }`,
  );
  return path;
}

/** The machine's own old Node, and one that only says so: each machine has the second. */
const olds: { name: string; start: (launcher: string, dir: string, argv: string[]) => ReturnType<typeof run> }[] = [
  {
    name: "a Node that says it is older",
    start: (launcher, dir, argv) => run(process.execPath, ["-r", pretending(dir), launcher, ...argv], { PRETEND: "1" }),
  },
];
const found = oldNode();
if (found !== undefined) {
  olds.push({ name: "the machine's old Node", start: (launcher, _, argv) => run(found, [launcher, ...argv]) });
}

describe.each(olds)("bin/windlass.cjs on $name", ({ start }) => {
  it("says in one line what is needed, and exits 1, where the installation brings no Node along", () => {
    const { dir, launcher } = installation();
    const { status, stdout, stderr } = start(launcher, dir, ["version"]);
    expect([status, stdout, stderr]).toEqual([1, "", expect.stringMatching(LINE)]);
  });

  it("says so too where the package is there without its binary", () => {
    const { dir, launcher } = installation();
    mkdirSync(join(dir, "node_modules", "node"), { recursive: true });
    writeFileSync(join(dir, "node_modules", "node", "package.json"), '{"name": "node", "version": "24.0.0"}');
    expect(start(launcher, dir, []).stderr).toMatch(LINE);
  });

  it("hands arguments over to the installation's Node, and its exit code back", () => {
    const { dir, launcher } = installation();
    addNodePackage(dir, process.execPath);
    const { status, stdout, stderr } = start(launcher, dir, ["fail", "a b", "--x"]);
    expect([status, stdout, stderr]).toEqual([3, `["${process.version}",["fail","a b","--x"]]\n`, ""]);
  });

  it("tells in one line of a Node that cannot be run", () => {
    const { dir, launcher } = installation();
    const broken = join(dir, "broken");
    writeFileSync(broken, "no program");
    chmodSync(broken, 0o644);
    addNodePackage(dir, broken);
    const { status, stderr } = start(launcher, dir, []);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^windlass: cannot run [^\n]+\n$/)]);
  });
});

describe("bin/windlass.cjs on the present Node", () => {
  it("runs the program in its own process", () => {
    const { launcher } = installation();
    expect(run(process.execPath, [launcher, "x"])).toEqual({
      status: 0,
      stdout: `["${process.version}",["x"]]\n`,
      stderr: "",
    });
  });

  it("tells in one line of an installation that is not whole", () => {
    const { dir, launcher } = installation();
    writeFileSync(join(dir, "dist", "bin", "cli.js"), 'import "not-installed";');
    const { status, stderr } = run(process.execPath, [launcher]);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^windlass: cannot load [^\n]+\n$/)]);
  });
});
