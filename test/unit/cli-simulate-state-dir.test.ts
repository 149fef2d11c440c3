import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openEmbeddedStore } from "../../src/store/embedded.ts";
import { readStore } from "../../src/store/read-only.ts";
import type { Store } from "../../src/store/store.ts";
import { deployAutoscaled } from "../support/autoscaled.ts";
import { type CliResult, runCli } from "../support/run-cli.ts";
import { tempDir } from "../support/temp-dir.ts";

const CONFIG = `
applications:
  - name: a
    import_path: ./a.ts:app
    deployments:
      - name: D
        autoscaling_config:
          {min_replicas: 1, max_replicas: 3, target_ongoing_requests: 1, metrics_interval_s: 1, look_back_period_s: 2, upscale_delay_s: 1, downscale_delay_s: 2}
`;

/** A folder with a config and the state of an instance on which 8 requests were for 20 s; the store is open still. */
async function recorded(): Promise<{ dir: string; store: Store; fromMs: number; toMs: number }> {
  const { simulation, router } = await deployAutoscaled();
  const fromMs = simulation.clock.now();
  router.concurrent = 8;
  await router.run(20);
  const toMs = simulation.clock.now();
  const dir = tempDir();
  mkdirSync(join(dir, "state"));
  writeFileSync(join(dir, "c.yaml"), CONFIG);
  const store = await openEmbeddedStore({ path: join(dir, "state", "state.db") });
  const all = simulation.store.range("");
  await store.txn(
    [],
    all.map(({ key, value }) => ({ kind: "put", key, value })),
  );
  await simulation.controller.close();
  return { dir, store, fromMs, toMs };
}

const simulate = (dir: string, fromMs: number, ...more: string[]): Promise<CliResult> =>
  runCli(["simulate", "--config", "c.yaml", "--from", new Date(fromMs).toISOString(), ...more], { cwd: dir });

it("tries a config on what an instance that is stopped recorded, and leaves its store as it was", async () => {
  const { dir, store, fromMs, toMs } = await recorded();
  const to = ["--to", new Date(toMs).toISOString()];
  const busy = await simulate(dir, fromMs, "--state-dir", "state", ...to);
  expect([busy.code, busy.out]).toEqual([1, ""]);
  expect(busy.err).toMatch(/^windlass: --state-dir state: the store \S+ is in use by another process: stop .*\n$/);
  await store.close();
  const before = readFileSync(join(dir, "state", "state.db"));
  const { code, out, err } = await simulate(dir, fromMs, "--state-dir", "state", ...to);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain(" of what the instance in state recorded from ");
  // It had 4 replicas for 8 requests at 2 each; the config has 3 at most.
  expect(out).toMatch(/^ +as it was +c\.yaml +DIFFERENCE$/m);
  expect(out).toMatch(/^peak replicas +4 +3 +-25\.0 %$/m);
  expect(readFileSync(join(dir, "state", "state.db")).equals(before)).toBe(true);
  const again = await openEmbeddedStore({ path: join(dir, "state", "state.db") });
  expect((await again.txn([], [{ kind: "put", key: "x", value: "1" }])).ok).toBe(true);
  await again.close();
});

it("reads what a killed instance left beside its file", async () => {
  const { dir, store } = await recorded();
  await store.close();
  const path = join(dir, "state", "state.db");
  const { spawnSync } = await import("node:child_process");
  const writer = `
    import { openEmbeddedStore } from ${JSON.stringify(join(import.meta.dirname, "../../src/store/embedded.ts"))};
    const store = await openEmbeddedStore({ path: ${JSON.stringify(path)} });
    await store.txn([], [{ kind: "put", key: "late", value: "1" }]);
    process.kill(process.pid, "SIGKILL");`;
  spawnSync(process.execPath, ["--input-type=module", "-e", writer]);
  const read = readStore(path);
  expect(read.range("late").map(({ value }) => value)).toEqual(["1"]);
  expect(read.range("trace/").length).toBeGreaterThan(0);
  expect(read.range("none/")).toEqual([]);
  read.close();
  const store2 = await openEmbeddedStore({ path });
  expect(store2.get("late")?.value).toBe("1");
  await store2.close();
});

it.each([
  { name: "no folder", argv: ["--state-dir", "none"], code: 1, says: "there is no store " },
  { name: "another file", argv: ["--state-dir", "other"], code: 1, says: "is damaged (file is not a database)" },
  {
    name: "a time of which nothing is kept",
    argv: ["--state-dir", "state", "--to", "1"],
    code: 2,
    says: "is not after",
  },
])("refuses $name in one line", async ({ argv, code, says }) => {
  const { dir, store, fromMs } = await recorded();
  await store.close();
  mkdirSync(join(dir, "other"));
  writeFileSync(join(dir, "other", "state.db"), "x".repeat(5_000));
  chmodSync(join(dir, "other", "state.db"), 0o600);
  const result = await simulate(dir, fromMs, ...argv);
  expect([result.code, result.out]).toEqual([code, ""]);
  expect(result.err).toMatch(/^windlass: [^\n]+\n$/);
  expect(result.err).toContain(says);
});

it("is for recordings alone, and says where nothing was recorded", async () => {
  const { dir, store, toMs } = await recorded();
  await store.close();
  const later = await simulate(
    dir,
    toMs + 3_600_000,
    "--state-dir",
    "state",
    "--to",
    new Date(toMs + 7_200_000).toISOString(),
  );
  expect([later.code, later.err.slice(0, 60)]).toEqual([
    1,
    "windlass: the instance in state has recorded nothing of a/D ",
  ]);
  const traced = await runCli(["simulate", "--config", "c.yaml", "--trace", "t.csv", "--state-dir", "state"], {
    cwd: dir,
  });
  expect([traced.code, traced.err]).toEqual([2, "windlass: --state-dir is for recordings: give --from TIME as well\n"]);
});

it("tries a policy of the application on it, which is told of deployments without a recording, too", async () => {
  const { dir, store, fromMs, toMs } = await recorded();
  await store.close();
  const together = 'import_path: ./a.ts:app\n    autoscaling_policy: {policy_function: "./policy.ts:all"}';
  const idle = "      - {name: E, autoscaling_config: {max_replicas: 9}}\n";
  writeFileSync(join(dir, "c.yaml"), CONFIG.replace("import_path: ./a.ts:app", together) + idle);
  const policy =
    "export const all = ({ D, E }) => ({ desired: { D: 1 + E.currentNumReplicas, E: D.totalNumRequests } });";
  writeFileSync(join(dir, "policy.ts"), policy);
  writeFileSync(join(dir, "package.json"), '{"type":"module"}');
  const to = ["--to", new Date(toMs).toISOString()];
  const { code, out, err } = await simulate(dir, fromMs, "--state-dir", "state", ...to, "--deployment", "a/D");
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("decides for D, E together");
  const all = await simulate(dir, fromMs, "--state-dir", "state", ...to);
  expect([all.code, all.err]).toEqual([0, "a/E is left out: nothing is recorded of it in that time\n"]);
  // E has one replica until 30 s after its wish for more.
  expect(all.out).toMatch(/^peak replicas +4 +2 +-50\.0 %$/m);
});
