import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../../src/cli/context.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { keyOf, START_FLAGS, variableOf } from "../../src/cli/start-flags.ts";
import { VERSION } from "../../src/cli/version.ts";
import { runCli } from "../support/run-cli.ts";

const root = resolve(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Every command line that has a help text: [], ["start"], ["token"], ["token", "create"]… */
function commandPaths(command: Command, path: readonly string[] = []): string[][] {
  return [[...path], ...command.commands.flatMap((each) => commandPaths(each, [...path, each.name()]))];
}

const paths = commandPaths(buildProgram({ out() {}, err() {} } as unknown as CliContext, () => {}));

describe("docs/cli.md", () => {
  const documented = [...read("docs/cli.md").matchAll(/```text\n(Usage: [\s\S]*?)```/g)].map((match) => match[1]!);

  it.each(paths.map((path) => ({ path, name: ["windlass", ...path].join(" ") })))(
    "holds the help text of $name as it is printed",
    async ({ path }) => {
      const { out } = await runCli([...path, "--help"]);
      expect(documented).toContain(out);
    },
  );

  it("holds no other help text", () => {
    expect(documented).toHaveLength(paths.length);
  });

  it("has a row for each flag of start, with its variable and its key, and no other", () => {
    const rows = [...read("docs/cli.md").matchAll(/^\| `--([\w-]+)` \| `(\w+)` \| `(\w+)` \|$/gm)];
    expect(rows.map(([, name, variable, key]) => [name, variable, key])).toEqual(
      START_FLAGS.map(({ name }) => [name, variableOf(name), keyOf(name)]),
    );
  });

  it("names every variable that the command line reads, and no other", () => {
    const named = (text: string): Set<string> => new Set(text.match(/\bWINDLASS_[A-Z_]+\b/g));
    const sources = readdirSync(join(root, "src/cli"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => read(join("src/cli", path)));
    const known = new Set([...named(sources.join("\n")), ...START_FLAGS.map(({ name }) => variableOf(name))]);
    expect([...named(read("docs/cli.md"))].sort()).toEqual([...known].sort());
  });
});

it.each(["status", "history", "config", "watch", "logs", "canary", "token", "token list", "version"])(
  "%s, which reads, can print JSON and YAML",
  async (line) => {
    const { out } = await runCli([...line.split(" "), "--help"]);
    expect(out.replace(/\s+/g, " ")).toMatch(/-o, --output <format> format of the output \(choices: "yaml", "json"/);
  },
);

describe("the pages a newcomer reads", () => {
  const commands = new Map(paths.map((path) => [path.join(" "), path]));

  it.each([
    "README.md",
    "CONTRIBUTING.md",
    "docs/cli.md",
    "docs/canary.md",
    "docs/gitops.md",
    "docs/revisions.md",
    "docs/migrating-from-ray-serve.md",
  ])("%s names only commands that exist", (page) => {
    const named = [...read(page).matchAll(/(?:^|`|npx |\$ )windlass ([a-z]+)(?: ([a-z]+)\b)?/gm)];
    const unknown = named.filter((match) => match[1] !== "ready" && !commands.has(match[1]!)).map((match) => match[0]);
    expect(unknown).toEqual([]);
    expect(page === "CONTRIBUTING.md" || named.length > 5).toBe(true);
  });

  it("README.md uses only options that exist", () => {
    const known = new Set(paths.flatMap((path) => optionsOf(path)));
    const used = [...read("README.md").matchAll(/windlass [^\n`|]*?(?=$|`|\|)/gm)].flatMap((match) =>
      [...match[0].matchAll(/\s(--[a-z][a-z-]*)/g)].map((option) => option[1]!),
    );
    expect(used.filter((option) => !known.has(option))).toEqual([]);
  });

  it.each(["README.md", "CONTRIBUTING.md"])("%s links to files and headings that exist", (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#([\w-]+))?\)/g)];
    expect(links.length).toBeGreaterThan(0);
    for (const [link, path, anchor] of links) {
      const headings = [...read(path!).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
        text!.toLowerCase().replace(/ /g, "-"),
      );
      if (anchor !== undefined)
        expect({ link, headings }).toEqual({ link, headings: expect.arrayContaining([anchor]) });
    }
  });

  it("package scripts that are named exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = [read("README.md"), read("CONTRIBUTING.md")]
      .join("\n")
      .matchAll(/(?:^|`|&& )npm (?:run )?([a-z:]+(?:-[a-z]+)*)\b/gm);
    const builtIn = new Set(["install", "exec", "ci"]);
    expect(scripts).toHaveProperty("start");
    const missing = [...named]
      .map((match) => match[1]!)
      .filter((name) => !builtIn.has(name) && scripts[name] === undefined);
    expect(missing).toEqual([]);
  });

  function optionsOf(path: readonly string[]): string[] {
    let command: Command = buildProgram({ out() {}, err() {} } as unknown as CliContext, () => {});
    for (const name of path) command = command.commands.find((each) => each.name() === name)!;
    return ["--help", ...command.options.flatMap((option) => option.long ?? [])];
  }
});

describe("the program as a process", () => {
  const run = (...argv: string[]) =>
    spawnSync(process.execPath, [join(root, "src/bin/cli.ts"), ...argv], { encoding: "utf8", cwd: root });

  it("version prints the version of package.json and of Node", () => {
    const { stdout, status } = run("version");
    expect(stdout).toBe(`windlass ${VERSION} (node ${process.version})\n`);
    expect(VERSION).toBe((JSON.parse(read("package.json")) as { version: string }).version);
    expect(status).toBe(0);
  });

  it("a usage error exits 2 with one line on stderr", () => {
    const { stdout, stderr, status } = run("scale", "a");
    expect({ stdout, status }).toEqual({ stdout: "", status: 2 });
    expect(stderr).toMatch(/^windlass: [^\n]+\n$/);
  });

  it("a dead address exits 3", () => {
    expect(run("status", "-a", "http://127.0.0.1:9").status).toBe(3);
  });

  it("version and help load neither Connect nor protobuf", () => {
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ resolve(specifier, context, next) { loaded.push(specifier); return next(specifier, context); } });
      process.on("exit", () => process.stderr.write(loaded.filter((each) => /connect|bufbuild|zod|undici|_pb/.test(each)).join()));
      process.argv = [process.argv[0], "windlass", process.env.COMMAND];
      await import(${JSON.stringify(join(root, "src/bin/cli.ts"))});`;
    for (const COMMAND of ["version", "--help"]) {
      const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        encoding: "utf8",
        env: { ...process.env, COMMAND },
      });
      expect(stdout).toContain("indlass");
      expect(stderr).toBe("");
    }
  });

  it("a reader that goes away is no error", () => {
    const { stderr, status } = spawnSync(
      "bash",
      ["-c", `"$0" src/bin/cli.ts --help | true; exit "\${PIPESTATUS[0]}"`, process.execPath],
      {
        encoding: "utf8",
        cwd: root,
      },
    );
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });
});
