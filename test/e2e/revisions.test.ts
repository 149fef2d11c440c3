import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { writeApp } from "../support/apps.ts";
import { startLoad } from "../support/load.ts";
import {
  api,
  application,
  clientEnv,
  eventually,
  runningPids,
  runWindlass,
  startWindlass,
  type Windlass,
  waitForStatus,
} from "../support/windlass.ts";

/** Answers with its version; `start` is what its constructor does. */
const source = (version: string, start = ""): string => `
import { deployment } from "windlass";
class Echo {
  constructor() { ${start} }
  fetch() { return new Response("${version}"); }
}
export const app = deployment(Echo).bind();
`;

const config = (rollout: string): string => `
applications:
  - name: echo
    import_path: ./app.ts:app
    deployments:
      - name: Echo
        num_replicas: 1
        graceful_shutdown_timeout_s: 5
        rollout: ${rollout}
`;

interface Revision {
  readonly number: number;
  readonly state: string;
  readonly cause: string;
  readonly rollback_of: number;
  readonly reason: string;
  readonly message: string;
}

/** Newest first. */
async function revisions(windlass: Windlass): Promise<Revision[]> {
  const { json } = await api(windlass, "/api/v1/applications/echo/revisions");
  return (json as { revisions: Revision[] }).revisions;
}

const summary = (all: readonly Revision[]): string[] =>
  all.map(({ number, cause, state, rollback_of: of }) => `${number} ${cause}${of === 0 ? "" : ` of ${of}`} ${state}`);

const cli = (windlass: Windlass, ...args: string[]) => runWindlass(args, clientEnv(windlass));

async function answer(windlass: Windlass): Promise<string> {
  return (await fetch(windlass.http)).text();
}

async function killController(windlass: Windlass): Promise<void> {
  const ready = async (): Promise<number | undefined> => {
    const { json } = await api(windlass, "/-/readyz").catch(() => ({ json: undefined }));
    const { ready: up, pid } = (json ?? {}) as { ready?: boolean; pid?: number };
    return up ? pid : undefined;
  };
  const before = await eventually(ready);
  process.kill(before, "SIGKILL");
  await eventually(async () => {
    const pid = await ready();
    return pid !== undefined && pid !== before;
  });
}

it("a source that fails to start freezes the update; rollback brings the old code back, whatever the file holds", async () => {
  const path = writeApp(source("v1"), config("{}"));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "echo", "RUNNING");
  expect(await answer(windlass)).toBe("v1");

  writeFileSync(join(dirname(path), "app.ts"), source("v2", 'throw new Error("no such model");'));
  const deployed = await cli(windlass, "deploy", path, "--wait");
  expect([deployed.code, deployed.stderr]).toEqual([1, expect.stringContaining("no such model")]);
  expect(await answer(windlass)).toBe("v1");
  expect(summary(await revisions(windlass))).toEqual(["2 SOURCES FAILED", "1 CONFIG SUPERSEDED"]);

  const back = await cli(windlass, "rollback", "echo", "--reason", "v2 is broken", "--wait");
  expect([back.code, back.stdout]).toEqual([0, "echo: goes back to revision 1, as revision 3\necho: running\n"]);
  // Another replica is started from the bundle of revision 1.
  const [old] = await runningPids(windlass, "echo", "Echo");
  process.kill(old!, "SIGKILL");
  await eventually(async () => (await runningPids(windlass, "echo", "Echo")).some((pid) => pid !== old));
  expect(await answer(windlass)).toBe("v1");

  await windlass.stop();
  const again = await startWindlass([], { stateDir: windlass.stateDir });
  await waitForStatus(again, "echo", "RUNNING");
  expect(await answer(again)).toBe("v1");
  expect(summary(await revisions(again))).toEqual([
    "3 ROLLBACK of 1 RUNNING",
    "2 SOURCES FAILED",
    "1 CONFIG SUPERSEDED",
  ]);
  const { stdout } = await cli(again, "history", "echo");
  expect(stdout).toMatch(
    /^REVISION .*\n3 .* rollback of 1 +RUNNING +[0-9a-f]{12} +v2 is broken\n2 .*no such model.*\n1 /,
  );
  const refused = await cli(again, "rollback", "echo", "--to", "3");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^windlass: revision 3 .* is in force; /)]);
}, 60_000);

it("auto_rollback goes back by itself: no request fails, though the controller is killed meanwhile", async () => {
  const path = writeApp(source("v1"), config("{ auto_rollback: true }"));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const load = startLoad(windlass.http);
  writeFileSync(join(dirname(path), "app.ts"), source("v2", 'throw new Error("no such model");'));
  expect((await cli(windlass, "deploy", path)).code).toBe(0);
  await eventually(async () => (await revisions(windlass)).length > 1);
  await killController(windlass);
  await eventually(async () => (await revisions(windlass))[0]?.state === "RUNNING");
  await waitForStatus(windlass, "echo", "RUNNING");
  const { ok, failures } = await load.stop();
  expect(failures).toEqual([]);
  expect(ok).toBeGreaterThan(100);
  const all = await revisions(windlass);
  expect(summary(all)).toEqual(["3 AUTO_ROLLBACK of 1 RUNNING", "2 SOURCES FAILED", "1 CONFIG SUPERSEDED"]);
  expect(all[0]!.reason).toMatch(/^Deployment "Echo": .*no such model/);
  expect(await answer(windlass)).toBe("v1");
  // The same broken sources again: the command that put them fails, though the application runs.
  const deployed = await cli(windlass, "deploy", path, "--wait");
  expect([deployed.code, deployed.stderr]).toEqual([1, expect.stringContaining("went back to revision 3")]);
}, 60_000);

it("a missed progress deadline is final across kill -9 of the controller, until deploy --retry", async () => {
  const path = writeApp(source("v1"), config("{ progress_deadline_s: 2 }"));
  const windlass = await startWindlass([path]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const hang = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);";
  writeFileSync(join(dirname(path), "app.ts"), source("v2", hang));
  expect((await cli(windlass, "deploy", path)).code).toBe(0);
  const failed = await waitForStatus(windlass, "echo", "DEPLOY_FAILED");
  const { message } = failed.deployments["Echo"]!;
  expect(message).toMatch(/^The update made no progress for 2 s, its progress deadline/);
  await killController(windlass);
  expect((await application(windlass, "echo"))?.deployments["Echo"]).toMatchObject({
    status: "DEPLOY_FAILED",
    message,
  });
  expect(summary(await revisions(windlass))[0]).toBe("2 SOURCES FAILED");
  expect(await answer(windlass)).toBe("v1");

  const marker = join(dirname(path), "up");
  writeFileSync(
    join(dirname(path), "app.ts"),
    source("v3", `if (!require("node:fs").existsSync(${JSON.stringify(marker)})) throw new Error("not yet");`),
  );
  expect((await cli(windlass, "deploy", path, "--wait")).code).toBe(1);
  writeFileSync(marker, "");
  // The same config and sources: only --retry starts again what was given up.
  expect((await cli(windlass, "deploy", path, "--wait")).code).toBe(1);
  const retried = await cli(windlass, "deploy", path, "--retry", "--wait");
  expect([retried.code, retried.stderr]).toEqual([0, expect.any(String)]);
  expect(await answer(windlass)).toBe("v3");
  expect(summary(await revisions(windlass))[0]).toBe("3 SOURCES RUNNING");
}, 60_000);
