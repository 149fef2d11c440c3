/** `windlass apply` without a server: what files ask for, which of them are read, what is decided. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { type Application, Application_State, ApplicationSchema } from "../../gen/windlass/v1/application_pb.ts";
import type { CliContext } from "../../src/cli/context.ts";
import {
  changedNames,
  drifted,
  inTheWay,
  type Left,
  presentOf,
  prunable,
  refusal,
} from "../../src/cli/gitops/decide.ts";
import { type DesiredApplication, desiredOf } from "../../src/cli/gitops/desired.ts";
import { compareLooks, type FileChoice, lookAt, readFiles } from "../../src/cli/gitops/files.ts";
import { plannedDocument, type Report, reportDocument, summary } from "../../src/cli/gitops/report.ts";
import { setName } from "../../src/cli/gitops/set.ts";
import { planText } from "../../src/cli/plan-lines.ts";
import { application as config, simulate } from "../support/simulated-controller.ts";
import { tempDir } from "../support/temp-dir.ts";

const file = (text: string, shown = "a.yaml") => ({ shown, text, baseDir: `/repo/${shown}` });

function wanted(...files: { shown: string; text: string; baseDir: string }[]) {
  const desired = desiredOf(files);
  if (!desired.ok) throw new Error(desired.problems.join("\n"));
  return desired;
}

function problems(...texts: string[]): readonly string[] {
  const desired = desiredOf(texts.map((text, index) => file(text, `${"abc"[index]}.yaml`)));
  return desired.ok ? [] : desired.problems;
}

const APP = (name: string, route = `/${name}`): string =>
  `name: ${name}\nroute_prefix: ${route}\nimport_path: ./app.ts:app\n`;
const CONFIG = (name: string): string => `applications:\n  - ${APP(name).trimEnd().replaceAll("\n", "\n    ")}\n`;

describe("what files ask for", () => {
  it("is every application of every document, whichever its shape, with the folder of its file", () => {
    const { applications, warnings } = wanted(
      file(`${CONFIG("a")}---\n${APP("b")}---\n# nothing but a comment\n---\n`),
      file(JSON.stringify({ name: "c", route_prefix: "/c", import_path: "./c.ts:app" }), "c.json"),
    );
    expect(applications.map(({ name, baseDir }) => `${name} ${baseDir}`)).toEqual([
      "a /repo/a.yaml",
      "b /repo/a.yaml",
      "c /repo/c.json",
    ]);
    expect(warnings).toEqual([]);
  });

  it("is nothing for files without documents", () => {
    expect(wanted(file(""), file("# later\n", "b.yaml")).applications).toEqual([]);
  });

  it("has a document's logging for applications without their own, and nothing of the instance", () => {
    const text = `logging_config: { log_level: DEBUG }\ntarget_capacity: 50\nstart: { host: localhost }\n${CONFIG("a")}`;
    const { applications, warnings } = wanted(file(text));
    expect(applications[0]!.config.logging_config).toEqual({ log_level: "DEBUG" });
    expect(warnings).toEqual([
      "a.yaml:2:1 target_capacity: left out, because apply writes applications and nothing of the instance",
      "a.yaml:3:1 start: left out, because apply writes applications and nothing of the instance",
    ]);
  });

  it("leaves out what says itself that it is for something else", () => {
    const text = "apiVersion: v1\nkind: Secret\n---\n";
    expect(wanted(file(text + APP("a"))).warnings).toEqual(["a.yaml:1:1: left out, it is a Secret of v1"]);
  });

  it.each([
    {
      name: "a typo in applications",
      text: "aplications: []\n",
      says: /^a\.yaml:1:1: is no config: it has aplications/,
    },
    { name: "a broken document behind a good one", text: `${APP("a")}---\n[`, says: /^a\.yaml:5:\d+: is not YAML/ },
    { name: "a list", text: "- 1\n", says: /^a\.yaml:1:1: must be a map/ },
    {
      name: "a wrong value in an application by itself",
      text: `${APP("a")}deployments:\n  - name: D\n    num_replicas: 0\n`,
      says: /^a\.yaml:6:5 deployments\[0\]\.num_replicas: /,
    },
    {
      name: "a wrong value in a second document",
      text: `${APP("a")}---\n${CONFIG("b")}    deployments: [{ name: D, num_replicas: 0 }]\n`,
      says: /^a\.yaml:9:\d+ applications\[0\]\.deployments\[0\]\.num_replicas: /,
    },
  ])("is told with file and line where it is $name", ({ text, says }) => {
    expect(problems(text)).toEqual([expect.stringMatching(says)]);
  });

  it("is refused for an application that stands in two files, naming both", () => {
    expect(problems(CONFIG("shop"), APP("shop", "/other"))).toEqual([
      'b.yaml:1:1 name: "shop" is in a.yaml:2:5 too; an application belongs in one place',
    ]);
  });

  it("is refused for a route prefix that stands in two files, the default one too", () => {
    expect(problems(APP("a", "/"), "name: b\nimport_path: ./app.ts:app\n")).toEqual([
      'b.yaml:1:1 route_prefix: "/" is that of "a" in a.yaml:2:1 too; choose another prefix',
    ]);
    expect(problems(APP("a", "null"), APP("b", "null"))).toEqual([]);
  });

  it("tells everything that is wrong at once", () => {
    expect(problems("x: 1\n", "[", APP("c"))).toHaveLength(2);
  });
});

describe("which files are read", () => {
  const ctx = (cwd: string, input = ""): CliContext => ({ cwd, readInput: async () => input }) as unknown as CliContext;
  const names = async (dir: string, choice: Partial<FileChoice> = {}): Promise<string[]> =>
    (await readFiles(ctx(dir), { from: ["."], exclude: [], ...choice })).map(({ shown }) => shown);
  const write = (dir: string, ...paths: string[]): void => {
    for (const path of paths) {
      mkdirSync(join(dir, path, ".."), { recursive: true });
      writeFileSync(join(dir, path), path);
    }
  };

  it("are configs of the folder and those below, in the order of their names, and none of tools", async () => {
    const dir = tempDir();
    write(dir, "b.yaml", "a/z.yml", "a/c.json", "app.ts", "package.json", "tsconfig.json", "x/compose.yaml");
    write(dir, "node_modules/m/m.yaml", ".github/ci.yaml", ".hidden.yaml", "x/my.schema.json");
    expect(await names(dir)).toEqual(["a/c.json", "a/z.yml", "b.yaml"]);
    expect(await names(dir, { exclude: ["a/*.json", "b.*"] })).toEqual(["a/z.yml"]);
    expect(await names(dir, { from: ["package.json", "a"] })).toEqual(["package.json", "a/c.json", "a/z.yml"]);
  });

  it("are those that links lead to, each once, and links in circles end", async () => {
    const dir = tempDir();
    write(dir, "..data/a.yaml", "sub/b.yaml");
    symlinkSync("..data/a.yaml", join(dir, "a.yaml"));
    symlinkSync("..", join(dir, "sub/up"));
    symlinkSync("gone", join(dir, "dead.txt"));
    expect(await names(dir)).toEqual(["a.yaml", "sub/b.yaml"]);
  });

  it("are told of where they are there and cannot be read, so that nothing is pruned for it", async () => {
    const dir = tempDir();
    write(dir, "a.yaml");
    symlinkSync("gone", join(dir, "dead.yaml"));
    symlinkSync("round", join(dir, "round"));
    symlinkSync("gone", join(dir, "team"));
    await expect(names(dir)).rejects.toMatchObject({
      exitCode: 1,
      lines: [
        "dead.yaml: is a link that leads nowhere; mend it, or leave it out with --exclude",
        expect.stringMatching(/^round: cannot be read: ELOOP.*; mend it, or leave it out with --exclude$/),
        "team: is a link that leads nowhere; mend it, or leave it out with --exclude",
      ],
    });
    await expect(names(dir, { from: ["round"] })).rejects.toMatchObject({
      lines: [expect.stringMatching(/^round: cannot be read: ELOOP/)],
    });
    expect(lookAt(ctx(dir), { from: ["."], exclude: [] }).has(join(dir, "a.yaml"))).toBe(true);
    expect(await names(dir, { exclude: ["dead.*", "round", "team"] })).toEqual(["a.yaml"]);
  });

  it("are told of in a line each where they are not there", async () => {
    await expect(names(tempDir(), { from: ["x", "y.yaml"] })).rejects.toMatchObject({
      exitCode: 1,
      lines: [
        "x: no such file or folder; give another with -f",
        "y.yaml: no such file or folder; give another with -f",
      ],
    });
  });

  it("may be standard input, whose import paths start where the command runs", async () => {
    const dir = tempDir();
    expect(await readFiles(ctx(dir, APP("a")), { from: ["-"], exclude: [] })).toEqual([
      { shown: "standard input", text: APP("a"), baseDir: dir },
    ]);
  });

  it("are seen to change, come, go, and to be others behind the same link", () => {
    const dir = tempDir();
    write(dir, "one/a.yaml", "two/a.yaml");
    const choice = { from: ["current"], exclude: [] };
    const pointTo = (name: string): void => {
      symlinkSync(name, join(dir, "next"));
      renameSync(join(dir, "next"), join(dir, "current"));
    };
    const look = () => lookAt(ctx(dir), choice);
    const before = look();
    pointTo("one");
    const first = look();
    expect(compareLooks(before, first)).toBe("moved");
    expect(compareLooks(first, look())).toBe("same");
    write(dir, "one/b.yaml");
    expect(compareLooks(first, look())).toBe("changed");
    writeFileSync(join(dir, "one/a.yaml"), "longer than before");
    expect(compareLooks(look(), first)).toBe("changed");
    pointTo("two");
    expect(compareLooks(first, look())).toBe("moved");
  });
});

describe("the set", () => {
  const choice = { given: undefined, from: ["deploy"], cwd: "/repo", address: "http://127.0.0.1:8265", prune: true };

  it.each([
    { name: "is the one that was given", with: { given: "team/shop" }, set: "team/shop" },
    { name: "is the absolute path of what is named", with: {}, set: "/repo/deploy" },
    { name: "is the same in whichever order", with: { from: ["b", "/a", "b"] }, set: "/a /repo/b" },
    {
      name: "has a path for standard input too, where nothing is pruned",
      with: { from: ["-"], prune: false },
      set: "/repo -",
    },
    {
      name: "is a path elsewhere too, where nothing is pruned",
      with: { address: "http://far:1", prune: false },
      set: "/repo/deploy",
    },
  ])("$name", ({ with: more, set }) => {
    expect(setName({ ...choice, ...more })).toBe(set);
  });

  it("is never too long to be stored", () => {
    expect(setName({ ...choice, from: ["x".repeat(300)] })).toMatch(/^sha256 [0-9a-f]{64}$/);
  });

  it.each([
    { name: "standard input", with: { from: ["-"] } },
    { name: "an instance elsewhere", with: { address: "https://windlass.example.com" } },
    { name: "an empty name", with: { given: "" } },
    { name: "a name of two lines", with: { given: "a\nb" } },
  ])("must be named for $name", ({ with: more }) => {
    expect(() => setName({ ...choice, ...more })).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});

describe("what is decided", () => {
  const app = (name: string, more: Partial<Application> = {}): Application =>
    create(ApplicationSchema, { name: `applications/${name}`, state: Application_State.RUNNING, ...(more as object) });
  const desired = (name: string, route?: string): DesiredApplication =>
    wanted(file(APP(name, route ?? `/${name}`))).applications[0]!;

  it("prunes what the set wrote and nobody names, and nothing that others wrote or that goes already", () => {
    const present = presentOf([
      app("ours", { managedBy: "s" }),
      app("listed", { managedBy: "s" }),
      app("theirs", { managedBy: "t" }),
      app("nobodys"),
      app("going", { managedBy: "s", state: Application_State.DELETING }),
    ]);
    expect(prunable(present, new Set(["listed"]), "s")).toEqual(["ours"]);
  });

  it("writes what belongs to nobody or to the set, and what is another's only when told", () => {
    expect(refusal(undefined, "s", false)).toBeUndefined();
    expect(refusal(app("a"), "s", false)).toBeUndefined();
    expect(refusal(app("a", { managedBy: "s" }), "s", false)).toBeUndefined();
    expect(refusal(app("a", { managedBy: "t" }), "s", false)).toContain('belongs to the set "t"');
    expect(refusal(app("a", { managedBy: "t" }), "s", true)).toBeUndefined();
  });

  it("finds who leaves the route that is wanted", () => {
    const present = presentOf([app("old", { routePrefix: "/x" }), app("other", { routePrefix: "/y" })]);
    expect(inTheWay(desired("new", "/x"), present, ["old", "other"])).toEqual(["old"]);
    expect(inTheWay(desired("new", "null"), present, ["old", "other"])).toEqual([]);
  });

  describe("drift", () => {
    const own: Left = { uid: "u", generation: 3n, revision: 10n };
    const shown = (revision: bigint, ...applications: Application[]) => ({
      synced: true,
      revision,
      applications: new Map(applications.map((each) => [each.name, each] as const)),
    });
    const found = (...args: Parameters<typeof shown>) => drifted(new Map([["a", own]]), shown(...args));

    it.each([
      { name: "as it was left", seen: shown(10n, app("a", { uid: "u", generation: 3n })), is: false },
      { name: "news from before the write", seen: shown(9n, app("a", { uid: "u", generation: 2n })), is: false },
      { name: "not there yet", seen: shown(9n), is: false },
      { name: "gone", seen: shown(10n), is: true },
      { name: "written again", seen: shown(11n, app("a", { uid: "u", generation: 4n })), is: true },
      { name: "deleted and made by others", seen: shown(11n, app("a", { uid: "v", generation: 1n })), is: true },
      { name: "the one before it, of another uid", seen: shown(9n, app("a", { uid: "v", generation: 9n })), is: false },
      { name: "being deleted", seen: shown(11n, app("a", { uid: "u", state: Application_State.DELETING })), is: true },
    ])("$name: $is", ({ seen, is }) => {
      expect(drifted(new Map([["a", own]]), seen)).toEqual(is ? ["a"] : []);
    });

    it("is none before the feed has told all", () => {
      expect(drifted(new Map([["a", own]]), { ...shown(10n), synced: false })).toEqual([]);
      expect(found(10n)).toEqual(["a"]);
    });
  });

  it("plans again what its file asks anew, and what has other sources", () => {
    const [a, b] = [desired("a"), desired("b")];
    const changed = { ...b, config: { ...b.config, route_prefix: "/else" } };
    const none = { sources: new Set<string>(), all: false };
    const folders = ({ name }: DesiredApplication): string[] => [`/src/${name}`];
    expect(changedNames([a, b], [a, b], none, folders)).toEqual([]);
    expect(changedNames([a, b], [a, changed], none, folders)).toEqual(["b"]);
    expect(changedNames([a], [a, b], none, folders)).toEqual(["b"]);
    expect(changedNames([a, b], [a, b], { ...none, all: true }, folders)).toEqual(["a", "b"]);
    const sources = new Set(["/src/a/lib/x.ts", "/src/bb/x.ts"]);
    expect(changedNames([a, b], [a, b], { sources, all: false }, folders)).toEqual(["a"]);
  });
});

describe("what is said", () => {
  const report: Report = {
    set: "s",
    dryRun: true,
    outcomes: [
      { application: "a", action: "adopt", file: "a.yaml", errors: [] },
      { application: "b", action: "failed", file: "b.yaml", errors: ["one", "two"] },
      { application: "c", action: "delete", file: "", errors: [] },
    ],
  };

  it("counts what is to come, or was done", () => {
    expect(summary(report)).toBe("1 to adopt, 1 to delete, 1 failed");
    expect(summary({ ...report, dryRun: false })).toBe("1 adopted, 1 deleted, 1 failed");
    expect(summary({ ...report, outcomes: [] })).toBe("nothing to do");
  });

  it("is one document for programs", () => {
    expect(reportDocument(report)).toMatchObject({
      set: "s",
      dry_run: true,
      pending: 2,
      failed: 1,
      applications: [
        { name: "a", action: "adopt", file: "a.yaml", error: null },
        { name: "b", action: "failed", error: "one; two" },
        { name: "c", action: "delete", file: null },
      ],
    });
  });

  it("is a plan for people, without what failed", () => {
    expect(planText(plannedDocument(report), false)).toMatch(/^application a: update\napplication c: delete\n/);
  });
});

it("a plan without a token keeps those of others", async () => {
  const simulation = await simulate();
  simulation.engine.applications.set("app", { deployments: [{ name: "D" }], ingress: "D", hash: "h1" });
  const request = {
    config: { applications: [config({ num_replicas: 1 })] },
    baseDir: "/apps",
    actor: "t",
    onlyListed: true,
  };
  const plan = async (more: object) => {
    const made = simulation.controller.plan({ ...request, ...more }, new AbortController().signal);
    for (let turn = 0; turn < 20; turn++) await simulation.clock.advance(10);
    return made;
  };
  const kept = await plan({});
  expect(kept.token).not.toBe("");
  for (let count = 0; count < 40; count++) expect((await plan({ withoutToken: true })).token).toBe("");
  const applied = simulation.controller.applyPlan({ token: kept.token, validateOnly: true, actor: "t" });
  await simulation.clock.advance(0);
  expect((await applied).warnings).toEqual(kept.warnings);
});
