/** `windlass apply` against a real instance: folders, pruning, sets, drift, exit codes, checkouts that are swapped. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  ROOT,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

const SOURCE = (answer: string): string => `
import { deployment } from "windlass";
class Hello {
  reconfigure() {}
  fetch() { return new Response(${JSON.stringify(answer)}); }
}
export const app = deployment(Hello).bind();
`;

const APP = (name: string, more = ""): string => `name: ${name}
route_prefix: /${name}
import_path: ./app.ts:app
${more}`;

const CONFIG = (user: number): string => `deployments:
  - name: Hello
    user_config: { version: ${user} }
`;

/** A folder with the applications a and b, each in a file. */
function folder(): string {
  const dir = join(tempDir(), "deploy");
  mkdirSync(dir);
  writeFileSync(join(dir, "app.ts"), SOURCE("one"));
  writeFileSync(join(dir, "package.json"), '{"name": "sources"}');
  writeFileSync(join(dir, "a.yaml"), APP("a"));
  writeFileSync(join(dir, "b.yaml"), `applications:\n  - ${APP("b").trimEnd().replaceAll("\n", "\n    ")}\n`);
  return dir;
}

/** `windlass` in this process, as a client of the instance. */
async function cli(windlass: Windlass, args: string[], env: Record<string, string> = {}) {
  const { code, out, err } = await runCli(args, { cwd: ROOT, env: { ...clientEnv(windlass), ...env } });
  return { code, stdout: out, stderr: err };
}

const applied = (windlass: Windlass, ...args: string[]) => cli(windlass, ["apply", ...args]);

/** Names, generations and revisions of what there is. */
async function state(windlass: Windlass): Promise<Record<string, string>> {
  const { json } = await api(windlass, "/windlass.v1.InstanceService/GetInstance", { body: {} });
  const { applications = [] } = json as { applications?: { name: string; generation: string; revision: string }[] };
  return Object.fromEntries(
    applications.map(({ name, generation, revision }) => [
      name.replace("applications/", ""),
      `${generation}/${revision}`,
    ]),
  );
}

/** `windlass apply --watch` in a process of its own. */
function watching(windlass: Windlass, ...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [join(ROOT, "bin/windlass.cjs"), "apply", "--watch", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WINDLASS_STATE_DIR: tempDir(), ...clientEnv(windlass) },
  });
  let out = "";
  let err = "";
  child.stdout!.on("data", (chunk) => (out += chunk));
  child.stderr!.on("data", (chunk) => (err += chunk));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const said = (text: string, count = 1): Promise<true> =>
    eventually(
      () => `${out}${err}`.split(text).length > count,
      () => `not said ${count} times: ${text}; but:\n${out}${err}`,
    );
  return {
    said,
    output: () => out + err,
    async stop(): Promise<number | null> {
      child.kill("SIGINT");
      return ended;
    },
  };
}

const answer = async (windlass: Windlass, path: string): Promise<string> =>
  fetch(`${windlass.http}${path}`).then(
    (response) => response.text(),
    () => "",
  );

describe("windlass apply", () => {
  it("applies a folder, writes nothing the second time, and prunes what it made and nothing else", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    const foreign = join(tempDir(), "other.yaml");
    writeFileSync(join(foreign, "..", "app.ts"), SOURCE("other"));
    writeFileSync(foreign, `applications:\n  - name: other\n    route_prefix: /other\n    import_path: ./app.ts:app\n`);
    expect((await cli(windlass, ["deploy", foreign])).code).toBe(0);

    const pending = await applied(windlass, "-f", dir, "--prune", "--dry-run", "--exit-code");
    expect([pending.code, pending.stderr]).toEqual([5, ""]);
    expect(pending.stdout).toMatch(/application a: create[\s\S]*2 to create\n$/);
    expect(Object.keys(await state(windlass))).toEqual(["other"]);

    const first = await applied(windlass, "-f", dir, "--prune", "--wait", "--timeout", "30");
    expect([first.code, first.stdout.trim().split("\n").at(-1)]).toEqual([0, "2 created"]);
    expect(await answer(windlass, "/a")).toBe("one");
    expect((await api(windlass, "/api/v1/applications/a")).json).toMatchObject({ managed_by: dir });
    expect((await api(windlass, "/api/v1/applications/other")).json).toMatchObject({ managed_by: null });
    const before = await state(windlass);

    const again = await applied(windlass, "-f", dir, "--prune", "-o", "json");
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      set: dir,
      failed: 0,
      applications: [
        { name: "a", action: "unchanged", file: join(dir, "a.yaml"), error: null },
        { name: "b", action: "unchanged" },
      ],
    });
    expect(await state(windlass)).toEqual(before);
    const clean = await applied(windlass, "-f", dir, "--prune", "--dry-run", "--exit-code");
    expect([clean.code, clean.stdout]).toEqual([0, expect.stringContaining("2 unchanged")]);

    rmSync(join(dir, "b.yaml"));
    writeFileSync(join(dir, "a.yaml"), APP("a", CONFIG(2)));
    const pruned = await applied(windlass, "-f", dir, "--prune");
    expect(pruned.stdout).toMatch(/^a: updated .*\nb: deleted\n1 updated, 1 deleted\n$/);
    await eventually(async () => (await state(windlass))["b"] === undefined);
    expect(Object.keys(await state(windlass))).toEqual(["a", "other"]);
  });

  it("writes nothing where any file is bad, or names nothing, and says where and why", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    expect((await applied(windlass, "-f", dir, "--prune")).code).toBe(0);
    const before = await state(windlass);

    writeFileSync(join(dir, "a.yaml"), APP("a", CONFIG(3)));
    writeFileSync(join(dir, "c.yaml"), `applications:\n  - name: a\n    import_path: ./app.ts:app\n`);
    writeFileSync(join(dir, "d.yaml"), "aplications: []\n");
    const bad = await applied(windlass, "-f", dir, "--prune");
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain(
      `${join(dir, "c.yaml")}:2:5 applications[0].name: "a" is in ${join(dir, "a.yaml")}:1:1 too`,
    );
    expect(bad.stderr).toContain(`${join(dir, "d.yaml")}:1:1: is no config: it has aplications`);
    expect(await state(windlass)).toEqual(before);

    for (const name of ["a", "b", "c", "d"]) rmSync(join(dir, `${name}.yaml`));
    const empty = await applied(windlass, "-f", dir, "--prune");
    expect([empty.code, empty.stderr]).toEqual([1, expect.stringContaining("--allow-empty")]);
    expect(await state(windlass)).toEqual(before);
    const meant = await applied(windlass, "-f", dir, "--prune", "--allow-empty", "--wait");
    expect([meant.code, await state(windlass)]).toEqual([0, {}]);
  });

  it("applies what can be applied, and exits 1 with a line for what cannot", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    writeFileSync(join(dir, "b.yaml"), "name: b\nroute_prefix: /b\nimport_path: ./nowhere.ts:app\n");
    const { code, stdout, stderr } = await applied(windlass, "-f", dir);
    expect([code, stdout]).toEqual([1, expect.stringContaining("1 created, 1 failed")]);
    expect(stderr).toMatch(/^windlass: .*b\.yaml:1:1: .*nowhere\.ts.*\n$/);
    expect(Object.keys(await state(windlass))).toEqual(["a"]);
  });

  it("keeps sets apart, and takes an application from another only when told", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    expect((await applied(windlass, "-f", join(dir, "a.yaml"), "--set", "team/one")).code).toBe(0);
    const two = await applied(windlass, "-f", dir, "--set", "team/two", "--prune");
    expect([two.code, two.stderr]).toEqual([1, expect.stringContaining('belongs to the set "team/one"')]);
    expect(two.stdout).toContain("b: created");
    const alone = await applied(windlass, "-f", join(dir, "b.yaml"), "--set", "team/two", "--prune");
    expect([alone.code, Object.keys(await state(windlass))]).toEqual([0, ["a", "b"]]);
    const taken = await applied(windlass, "-f", dir, "--set", "team/two", "--prune", "--take-over");
    expect([taken.code, taken.stdout]).toEqual([0, expect.stringContaining("a: adopted")]);
  });

  it("renames an application that keeps its route, and deletes the old one only if the new one builds", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    expect((await applied(windlass, "-f", dir, "--prune")).code).toBe(0);
    const renamed = (path: string): void =>
      writeFileSync(join(dir, "a.yaml"), `name: a2\nroute_prefix: /a\nimport_path: ${path}\n`);
    renamed("./nowhere.ts:app");
    const broken = await applied(windlass, "-f", dir, "--prune");
    expect([broken.code, Object.keys(await state(windlass))]).toEqual([1, ["a", "b"]]);
    renamed("./app.ts:app");
    const mended = await applied(windlass, "-f", dir, "--prune", "--wait");
    expect([mended.code, Object.keys(await state(windlass))]).toEqual([0, ["a2", "b"]]);
    expect(await answer(windlass, "/a")).toBe("one");
  });

  it("applies the example, whose two applications then answer", async () => {
    const windlass = await startWindlass();
    const done = await applied(windlass, "-f", join(ROOT, "examples/gitops"), "--prune", "--wait");
    expect([done.code, done.stdout]).toEqual([0, expect.stringContaining("2 created")]);
    expect(await answer(windlass, "/hello?name=Ada")).toBe("Hello, Ada!\n");
    expect(await answer(windlass, "/bye?name=Ada")).toBe("Goodbye, Ada!\n");
  });

  it("exits 2, 3 and 4 as every command does", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    expect((await applied(windlass)).code).toBe(2);
    expect((await applied(windlass, "-f", dir, "--exit-code")).code).toBe(2);
    expect((await applied(windlass, "-f", "-", "--prune")).code).toBe(2);
    const nobody = await cli(windlass, ["apply", "-f", dir], { WINDLASS_ADDRESS: "http://127.0.0.1:1" });
    expect(nobody.code).toBe(3);
    const stranger = await cli(windlass, ["apply", "-f", dir], { WINDLASS_TOKEN: "wl_nobody" });
    expect(stranger.code).toBe(4);
  });
});

describe("windlass apply --watch", () => {
  it("follows files and sources, loses nothing by a bad file, prunes, and ends with 0", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    const run = watching(windlass, "-f", dir, "--prune");
    await run.said("watching");
    await run.said("a: RUNNING");

    writeFileSync(join(dir, "a.yaml"), APP("a", CONFIG(2)));
    await run.said("a: updated");
    writeFileSync(join(dir, "c.yaml"), APP("c"));
    await run.said("c: created");
    await run.said("c: RUNNING");
    writeFileSync(join(dir, "app.ts"), SOURCE("two"));
    await run.said("b: updated");
    await eventually(async () => (await answer(windlass, "/b")) === "two");

    writeFileSync(join(dir, "c.yaml"), "name: c\nimport_path: [\n");
    await run.said(`${join(dir, "c.yaml")}:`);
    expect(Object.keys(await state(windlass))).toEqual(["a", "b", "c"]);
    rmSync(join(dir, "c.yaml"));
    await run.said("c: deleted");
    expect(await run.stop()).toBe(0);
  });

  it("writes over what others write and delete, also after the controller died, and leaves scales alone", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    const run = watching(windlass, "-f", dir);
    await run.said("a: RUNNING");
    await run.said("b: RUNNING");
    const put = await api(windlass, "/api/v1/applications/a", {
      method: "PUT",
      body: { route_prefix: "/elsewhere", import_path: join(dir, "app.ts:app") },
    });
    expect(put.status).toBe(200);
    await run.said("a: was changed by admin; applied again");
    await run.said("a: updated");
    await api(windlass, "/api/v1/applications/b", { method: "DELETE" });
    await run.said("b: was deleted; applied again");
    await run.said("b: created", 2);
    await waitForStatus(windlass, "b", "RUNNING");
    await eventually(async () => (await answer(windlass, "/a")) === "one");

    // A scale is no drift.
    const scaled = await cli(windlass, ["scale", "b", "Hello", "2", "--wait"]);
    expect(scaled.code).toBe(0);

    process.kill(windlass.pids.controller, "SIGKILL");
    writeFileSync(join(dir, "a.yaml"), APP("a", CONFIG(4)));
    await run.said("a: updated", 2);
    expect((await application(windlass, "b"))?.deployments["Hello"]?.target_num_replicas).toBe(2);
    expect(await run.stop()).toBe(0);
  });

  it("notices that a link leads to another checkout", async () => {
    const windlass = await startWindlass();
    const home = tempDir();
    const checkout = (name: string, says: string, files: Record<string, string>): void => {
      mkdirSync(join(home, name));
      writeFileSync(join(home, name, "app.ts"), SOURCE(says));
      for (const [file, text] of Object.entries(files)) writeFileSync(join(home, name, file), text);
    };
    const pointTo = (name: string): void => {
      symlinkSync(name, join(home, "next"));
      renameSync(join(home, "next"), join(home, "current"));
    };
    checkout("first", "one", { "a.yaml": APP("a"), "b.yaml": APP("b") });
    checkout("second", "two", { "a.yaml": APP("a") });
    pointTo("first");
    const run = watching(windlass, "-f", join(home, "current"), "--prune");
    await run.said("a: RUNNING");
    await run.said("b: RUNNING");
    pointTo("second");
    await run.said("b: deleted");
    await eventually(async () => (await answer(windlass, "/a")) === "two");
    expect(await run.stop()).toBe(0);
  });

  it("leaves what the instance took back, until the sources are mended", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    writeFileSync(
      join(dir, "a.yaml"),
      APP("a", "deployments:\n  - { name: Hello, rollout: { auto_rollback: true } }\n"),
    );
    const run = watching(windlass, "-f", join(dir, "a.yaml"));
    await run.said("a: RUNNING");
    writeFileSync(
      join(dir, "app.ts"),
      SOURCE("two").replace("reconfigure() {}", "constructor() { throw new Error(); }"),
    );
    await run.said("a: updated");
    await run.said("a: application a failed and went back to revision 1");
    await run.said("left so until its files change");
    await eventually(async () => (await answer(windlass, "/a")) === "one");
    writeFileSync(join(dir, "app.ts"), SOURCE("three"));
    await run.said("a: updated", 2);
    await eventually(async () => (await answer(windlass, "/a")) === "three");
    expect(run.output()).not.toContain("applied again");
    expect(await run.stop()).toBe(0);
  });

  it("leaves what others change with --no-repair, and tells of it", async () => {
    const windlass = await startWindlass();
    const dir = folder();
    const run = watching(windlass, "-f", dir, "--no-repair");
    await run.said("a: RUNNING");
    await run.said("b: RUNNING");
    await api(windlass, "/api/v1/applications/a", { method: "DELETE" });
    await run.said("a: was deleted; left so until its files change");
    writeFileSync(join(dir, "b.yaml"), APP("b", CONFIG(2)));
    await run.said("b: updated");
    await eventually(async () => (await state(windlass))["a"] === undefined);
    writeFileSync(join(dir, "a.yaml"), APP("a", CONFIG(2)));
    await run.said("a: created", 2);
    expect(await run.stop()).toBe(0);
  });
});
