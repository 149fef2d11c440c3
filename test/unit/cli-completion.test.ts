import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { beforeAll, describe, expect, it } from "vitest";
import type { CliContext } from "../../src/cli/context.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const installed = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"]) scripts[shell] = (await runCli(["completion", shell])).out;
});

function everyCommand(command: Command, path: string[] = []): { path: string[]; command: Command }[] {
  return [{ path, command }, ...command.commands.flatMap((each) => everyCommand(each, [...path, each.name()]))];
}

/** What bash offers for a command line whose last word is being written. */
function bashOffers(words: string[], cwd: string): string[] {
  const run = `${scripts["bash"]}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_windlass
printf '%s\\n' "\${COMPREPLY[@]}"
complete -p windlass >&2`;
  const { stdout, stderr, status } = spawnSync("bash", ["-c", run, "bash", "windlass", ...words], {
    encoding: "utf8",
    cwd,
  });
  expect([status, stderr]).toEqual([0, "complete -F _windlass windlass\n"]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("windlass completion bash", () => {
  const cases: { line: string; offers: string[] }[] = [
    { line: "sta", offers: ["start", "status"] },
    { line: "token ", offers: ["create", "list", "revoke"] },
    { line: "token cr", offers: ["create"] },
    { line: "status --w", offers: ["--watch"] },
    { line: "status -o ", offers: ["yaml", "json"] },
    { line: "status --output j", offers: ["json"] },
    { line: "status --output = j", offers: ["json"] },
    { line: "status --output =", offers: ["yaml", "json"] },
    { line: "start --auth o", offers: ["on", "off"] },
    { line: "run --log-level d", offers: ["debug"] },
    { line: "token create --role v", offers: ["viewer"] },
    // The name of an application is no subcommand.
    { line: "status -n token --out", offers: ["--output"] },
    { line: "token -a list l", offers: ["list"] },
    { line: "completion ", offers: ["bash", "zsh", "fish"] },
    { line: "deploy he", offers: ["hello.yaml", "hello there.ts"] },
    { line: "start --app-dir ", offers: ["sub"] },
    { line: "start --host 127", offers: [] },
    { line: "delete ", offers: [] },
  ];
  it.each(cases)("offers $offers for: windlass $line", ({ line, offers }) => {
    const dir = tempDir();
    mkdirSync(join(dir, "sub"));
    for (const name of ["hello.yaml", "hello there.ts"]) writeFileSync(join(dir, name), "");
    expect(bashOffers(line.split(" "), dir).sort()).toEqual([...offers].sort());
  });
});

describe.each(["bash", "zsh", "fish"])("windlass completion %s", (shell) => {
  it("knows every command and every option", () => {
    const script = scripts[shell]!;
    for (const { path, command } of everyCommand(
      buildProgram({ out() {}, err() {} } as unknown as CliContext, () => {}),
    )) {
      const where = path.map((name) => ` ${name}`).join("");
      if (where !== "") expect(script).toContain(`${where}`);
      for (const option of command.options) {
        expect(script).toMatch(new RegExp(`${shell === "fish" ? "-l " : "--"}${option.long!.slice(2)}\\b`));
      }
    }
  });
});

// Those that the machine has; bash always.
it.each(["bash", "zsh", "fish"].filter(installed))("%s reads its script without a word", (shell) => {
  const argv = shell === "fish" ? ["--no-execute"] : ["-n"];
  const { status, stderr } = spawnSync(shell, argv, { input: scripts[shell]!, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

it("windlass completion of another shell is a usage error that names those there are", async () => {
  const { code, err } = await runCli(["completion", "tcsh"]);
  expect([code, err]).toEqual([2, expect.stringContaining("bash, zsh, fish")]);
});
