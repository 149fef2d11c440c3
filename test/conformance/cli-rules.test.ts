import { describe, expect, it } from "vitest";
import { configOf, parseGiven } from "../../src/conformance/cli/given.ts";
import { judge } from "../../src/conformance/cli/run-transcript.ts";
import { textMismatches } from "../../src/conformance/cli/shapes.ts";
import type { Ran, RecordedText, Transcript } from "../../src/conformance/cli/transcript.ts";

describe("the states of transcripts", () => {
  it.each([
    ["nothing listens at the address", { kind: "dead" }],
    ["no server needed", { kind: "offline" }],
    ["no instance runs", { kind: "absent" }],
    ["any instance", { kind: "instance" }],
    ["an instance runs", { kind: "instance" }],
    ["an instance without applications", { kind: "instance", applications: [] }],
  ])("%s", (words, given) => {
    expect(parseGiven(words)).toEqual(given);
  });

  it("applications are named with their import paths and numbers of replicas", () => {
    const given = parseGiven("applications a (fixtures:echo) and b (fixtures:chain, Back with 2 replicas) are RUNNING");
    const applications = given?.kind === "instance" ? given.applications! : [];
    expect(configOf(applications)).toEqual({
      applications: [
        { name: "a", route_prefix: "/a", import_path: "fixtures:echo" },
        {
          name: "b",
          route_prefix: "/b",
          import_path: "fixtures:chain",
          deployments: [{ name: "Back", num_replicas: 2 }],
        },
      ],
    });
  });

  it("an application may have come by import path", () => {
    expect(parseGiven("application c deployed from an import path with args")).toMatchObject({
      applications: [{ name: "c", import_path: "fixtures:builder", byImportPath: ["greeting=hi"] }],
    });
  });

  it("other words are not guessed at", () => {
    expect(parseGiven("application a is RUNNING")).toBeUndefined();
    expect(parseGiven("")).toBeUndefined();
  });
});

describe("shapes", () => {
  const yaml: RecordedText = {
    shape: "yaml",
    yaml: { a: 1, b: "<epoch seconds>" },
    key_order: ["a", "b"],
    leading_comment_lines: 0,
    blank_line_after_each_top_level_entry: true,
    trailing_newlines: 1,
  };
  it.each([
    ["as recorded", "a: 1\n\nb: 1790000000.5\n", []],
    ["a value differs", "a: 2\n\nb: 1790000000\n", ["out.a"]],
    ["a placeholder is not met", "a: 1\n\nb: soon\n", ["out.b"]],
    ["a key too many", "a: 1\n\nb: 1790000000\n\nc: 1\n", ["out.c", "out key order"]],
    ["keys in another order", "b: 1790000000\n\na: 1\n", ["out key order"]],
    ["no blank line", "a: 1\nb: 1790000000\n", ["out blank lines"]],
    ["two newlines at the end", "a: 1\n\nb: 1790000000\n\n", ["out trailing newlines"]],
    ["a comment", "# c\na: 1\n\nb: 1790000000\n", ["out leading comment lines"]],
    ["no YAML", "a: [", ["out"]],
  ])("yaml: %s", (_, text, paths) => {
    expect(textMismatches(yaml, text, "out").map(({ path }) => path)).toEqual(paths);
  });

  it("documents are compared one by one", () => {
    const shape = "yaml documents separated by a line ---";
    const texts = "a: 1\n\n---\n\na: 2\n";
    expect(textMismatches({ shape, documents: [{ a: 1 }, { a: 2 }] }, texts, "out")).toEqual([]);
    expect(textMismatches({ shape, documents: [{ yaml: { a: 1 }, key_order: ["a"] }] }, texts, "out")).toHaveLength(1);
    expect(textMismatches({ shape, documents: [{ a: 1 }, { a: 3 }] }, texts, "out")).toMatchObject([
      { path: "out[1].a" },
    ]);
  });
});

describe("rules", () => {
  const ADDRESS = "http://127.0.0.1:1234";
  const verdict = (
    transcript: Partial<Transcript> & Pick<Transcript, "expect">,
    ran: Partial<Ran>,
    given: string = "any instance",
  ): string => {
    const outcome = judge({
      transcript: { id: "x", given, argv: ["serve", "status"], ...transcript },
      given: parseGiven(given)!,
      ran: { exitCode: 0, stdout: "", stderr: "", written: {}, ...ran },
      address: ADDRESS,
    });
    return outcome.kind === "differs" ? outcome.rule : outcome.kind;
  };
  const empty = { shape: "empty" };
  const log = (level: string, text: string): RecordedText => ({ shape: "log lines", lines: [{ level, text }] });

  it("a dead address is 3, with the address on stderr alone", () => {
    const recorded = { expect: { exit_code: 0, stdout: log("ERR", "Unable"), stderr: empty } };
    const stderr = `windlass: cannot connect to ${ADDRESS}\n`;
    const dead = "nothing listens at the address";
    expect(verdict(recorded, { exitCode: 3, stderr }, dead)).toMatch(/dead address/);
    expect(verdict(recorded, { exitCode: 1, stderr }, dead)).toBe("failed");
    expect(verdict(recorded, { exitCode: 3, stderr, stdout: "x" }, dead)).toBe("failed");
    expect(verdict(recorded, { exitCode: 3, stderr: "windlass: no\n" }, dead)).toBe("failed");
    expect(verdict(recorded, { exitCode: 3, stderr: `${ADDRESS}\n` }, dead)).toBe("failed");
  });

  it("what is no address is 2, whatever the state", () => {
    const argv = ["serve", "status", "-a", "localhost:9"];
    const recorded = { argv, expect: { exit_code: 1, stdout: empty, stderr: { shape: "unhandled error report" } } };
    const stderr = 'windlass: --address "localhost:9" is not an address\n';
    expect(verdict(recorded, { exitCode: 2, stderr })).toMatch(/no address/);
    expect(verdict(recorded, { exitCode: 1, stderr })).toBe("failed");
    expect(verdict(recorded, { exitCode: 3, stderr }, "nothing listens at the address")).toBe("failed");
  });

  it("only an application that is not there is 1 where the reference has 0", () => {
    const argv = ["serve", "status", "-n", "zzz"];
    const recorded = { argv, expect: { exit_code: 0, stdout: log("ERR", "no"), stderr: empty } };
    const ran = { exitCode: 1, stderr: 'windlass: application "zzz" does not exist\n' };
    expect(verdict(recorded, ran)).toMatch(/unknown application/);
    expect(verdict(recorded, { ...ran, stderr: "windlass: no\n" })).toBe("failed");
    expect(verdict(recorded, ran, "application zzz (fixtures:echo) is RUNNING")).toBe("failed");
  });

  it("errors name what the recorded one quotes", () => {
    const stderr = { shape: "usage error", last_line: "Error: No such option '--nosuch'." };
    const recorded = { expect: { exit_code: 2, stdout: empty, stderr } };
    expect(verdict(recorded, { exitCode: 2, stderr: "windlass: unknown option '--nosuch'\n" })).toMatch(/errors go/);
    expect(verdict(recorded, { exitCode: 2, stderr: "windlass: unknown option\n" })).toBe("failed");
    expect(verdict(recorded, { exitCode: 1, stderr: "windlass: unknown option '--nosuch'\n" })).toBe("failed");
  });

  it("a crash of the reference is an error of ours, never a trace, a line for each wrong place", () => {
    const stderr = { shape: "unhandled error report", exception: "ValidationError", validation_errors: 2 };
    const recorded = { expect: { exit_code: 1, stdout: log("INFO", "Deploying"), stderr } };
    expect(verdict(recorded, { exitCode: 1, stderr: "windlass: a\nwindlass: b\n" })).toMatch(/errors go/);
    expect(verdict(recorded, { exitCode: 1, stderr: "windlass: a\n" })).toBe("failed");
    expect(verdict(recorded, { exitCode: 1, stderr: "windlass: a\nb\n    at f (x.ts:1:2)\n" })).toBe("failed");
  });

  it("outcomes are told plainly, with the address where it is recorded", () => {
    const recorded = { expect: { exit_code: 0, stdout: log("WARN", `Nothing at ${ADDRESS}.`), stderr: empty } };
    expect(verdict(recorded, { stdout: `no instance at ${ADDRESS}\n` })).toMatch(/plain lines/);
    expect(verdict(recorded, { stdout: "no instance\n" })).toBe("failed");
    expect(verdict(recorded, { stdout: `no instance at ${ADDRESS}\n`, stderr: "oh\n" })).toBe("failed");
    expect(verdict(recorded, { stdout: "", stderr: "warning: w\n" })).toBe("failed");
    expect(verdict(recorded, { stdout: `\u001b[1m${ADDRESS}` })).toBe("failed");
  });

  it("prompts name the address, and a no ends with an error", () => {
    const recorded = {
      argv: ["serve", "shutdown"],
      expect: {
        exit_code: 1,
        stdout: { shape: "text", text: "Sure? [y/N]:" },
        stderr: { shape: "text", text: "Aborted!" },
      },
    };
    const stdout = `This ends ${ADDRESS}. Continue? [y/N]: `;
    expect(verdict(recorded, { exitCode: 1, stdout, stderr: "windlass: aborted\n" })).toMatch(/prompts/);
    expect(verdict(recorded, { exitCode: 1, stdout: "Continue? [y/N]: ", stderr: "windlass: aborted\n" })).toBe(
      "failed",
    );
    expect(verdict(recorded, { exitCode: 1, stdout: `${stdout}done\n`, stderr: "windlass: aborted\n" })).toBe("failed");
    expect(verdict(recorded, { exitCode: 0, stdout, stderr: "windlass: aborted\n" })).toBe("failed");
  });

  it("a document is alone on stdout", () => {
    const stdout: RecordedText = { shape: "log lines followed by yaml", lines: [], yaml: { a: 1 } };
    const recorded = { expect: { exit_code: 0, stdout, stderr: empty } };
    expect(verdict(recorded, { stdout: "a: 1\n", stderr: "a note\n" })).toMatch(/stdout is the document/);
    expect(verdict(recorded, { stdout: "note: x\na: 1\n" })).toBe("failed");
  });

  it("what is as recorded needs no rule, and no rule excuses a wrong document", () => {
    const recorded = { expect: { exit_code: 0, stdout: { shape: "yaml", yaml: { a: 1 } }, stderr: empty } };
    expect(verdict(recorded, { stdout: "a: 1\n" })).toBe("passed");
    expect(verdict(recorded, { stdout: "a: 2\n" })).toBe("failed");
    expect(verdict(recorded, { stdout: "a: 1\n", stderr: "warning: w\n" })).toBe("failed");
  });
});
