import { describe, expect, it } from "vitest";
import type { ApplicationConfig, DeploymentOverride } from "../../src/config/types.ts";
import { COMMAND_IMPORT_PATH } from "../../src/config/types.ts";
import { etagOf } from "../../src/controller/controller.ts";
import { pathsInUse } from "../../src/controller/paths-in-use.ts";
import type { RevisionRecord } from "../../src/controller/records.ts";
import { REVISION_HISTORY_LIMIT } from "../../src/controller/revisions.ts";
import { history, putAndSettle, retry, rollback, startRevised, useCode } from "../support/revised.ts";
import { application, type SimulatedController } from "../support/simulated-controller.ts";

const ONE = application({ num_replicas: 2 });
const LIMITS = application({ num_replicas: 2, max_ongoing_requests: 7 });

const config = (override: Partial<DeploymentOverride> = {}, more: Partial<ApplicationConfig> = {}) =>
  application({ num_replicas: 2, ...override }, more);

const bundles = ({ engine }: SimulatedController) =>
  [...new Set([...engine.running.values()].map(({ version }) => version.bundlePath))].sort();

describe("what makes a revision", () => {
  it("the first config is revision 1, which runs once all its replicas do", async () => {
    const simulation = await startRevised();
    await simulation.put([ONE]);
    expect(history(simulation)).toEqual(["1 config pending"]);
    expect(simulation.controller.application("a")?.revision).toBe(1);
    await simulation.clock.advance(5_000);
    expect(history(simulation)).toEqual(["1 config running"]);
    const [revision] = simulation.controller.revisions("a");
    expect(revision).toMatchObject({ number: 1, actor: "test", reason: "", message: "", baseDir: "/apps" });
    expect(revision!.config).toEqual(ONE);
    expect(revision!.built?.bundleHash).toBe("v1");
  });

  it("the same config and sources again make none, with keys in another order neither", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, Object.fromEntries(Object.entries(ONE).reverse()) as unknown as ApplicationConfig);
    expect(history(simulation)).toEqual(["1 config running"]);
  });

  it("another config makes one, and the one before is superseded", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, LIMITS);
    expect(history(simulation)).toEqual(["1 config superseded", "2 config running"]);
  });

  it("edited sources under the same config make one when the build ends, by whoever put it", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2");
    await putAndSettle(simulation, ONE);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources running"]);
    expect(simulation.controller.revisions("a")[1]).toMatchObject({ actor: "test", config: ONE });
    expect(bundles(simulation)).toEqual(["/bundles/v2"]);
  });

  it("another config and edited sources at once make one", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2");
    await putAndSettle(simulation, LIMITS);
    expect(history(simulation)).toEqual(["1 config superseded", "2 config running"]);
    expect(simulation.controller.revisions("a")[1]!.built?.bundleHash).toBe("v2");
  });

  it("another base folder makes one", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    const done = simulation.controller.applyConfig({ config: { applications: [ONE] }, baseDir: "/other", actor: "me" });
    await simulation.clock.advance(5_000);
    await done;
    expect(history(simulation)).toEqual(["1 config superseded", "2 config running"]);
    expect(simulation.controller.revisions("a")[1]).toMatchObject({ baseDir: "/other", actor: "me" });
  });

  it("one that was replaced before it was up counts as failed and is not gone back to", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2", "");
    await putAndSettle(simulation, LIMITS);
    useCode(simulation, "v3");
    await putAndSettle(simulation, config({ max_ongoing_requests: 8 }));
    expect(history(simulation)).toEqual(["1 config superseded", "2 config failed", "3 config running"]);
    expect(simulation.controller.revisions("a")[1]!.message).toBe("Revision 3 took its place before it was up.");
    expect(await rollback(simulation)).toMatchObject({ rolledBackTo: 1 });
  });

  it("a failed build of another config fails its revision, one of edited sources makes a failed one", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    simulation.engine.applications.get("app")!.buildError = "SyntaxError in app.ts";
    await putAndSettle(simulation, ONE);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources failed"]);
    expect(simulation.controller.revisions("a")[1]!.message).toMatch(/SyntaxError in app.ts/);
    expect(simulation.controller.revisions("a")[1]!.built).toBeNull();
    await putAndSettle(simulation, ONE);
    expect(history(simulation)).toHaveLength(2);
    delete simulation.engine.applications.get("app")!.buildError;
    await putAndSettle(simulation, ONE);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources running"]);
  });

  it("a config whose deployments the code does not have fails its revision", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, { ...ONE, deployments: [{ name: "Nope" }] });
    expect(history(simulation)).toEqual(["1 config superseded", "2 config failed"]);
    expect(simulation.controller.revisions("a")[1]!.message).toMatch(/names deployment "Nope"/);
    await rollback(simulation);
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", config: ONE, revision: 3 });
  });

  it("one whose starts fail is failed, with the deployment and its error", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2", "no such model");
    await putAndSettle(simulation, ONE);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources failed"]);
    expect(simulation.controller.revisions("a")[1]!.message).toMatch(/^Deployment "D": .*frozen.*no such model/);
    expect(simulation.controller.deployment("a", "D")).toMatchObject({ rollout: "failed", status: "DEPLOY_FAILED" });
  });

  it("keeps the last ten, the present one and the last good one among them", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "bad", "broken");
    for (let i = 1; i <= 14; i++) await putAndSettle(simulation, config({ max_ongoing_requests: 10 + i }));
    const kept = simulation.controller.revisions("a").map(({ number }) => number);
    expect(kept).toHaveLength(REVISION_HISTORY_LIMIT);
    expect(kept).toEqual([1, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(await rollback(simulation)).toMatchObject({ rolledBackTo: 1 });
    await simulation.clock.advance(5_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 16, config: ONE });
  });

  it("keeps the code of every kept revision on disk, and of no other", async () => {
    const simulation = await startRevised();
    for (let i = 1; i <= REVISION_HISTORY_LIMIT + 2; i++) {
      useCode(simulation, `v${i}`);
      await putAndSettle(simulation, ONE);
    }
    const kept = Array.from({ length: REVISION_HISTORY_LIMIT }, (_, index) => `/bundles/v${index + 3}`);
    expect([...pathsInUse(simulation.controller)].sort()).toEqual(kept.sort());
  });

  it("all go with their application, and a new one of that name begins at 1", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, LIMITS);
    await simulation.put([]);
    await simulation.clock.advance(30_000);
    expect(simulation.controller.revisions("a")).toEqual([]);
    expect(simulation.store.range("revision/")).toEqual([]);
    await putAndSettle(simulation, ONE);
    expect(history(simulation)).toEqual(["1 config running"]);
  });

  it("survives a restart, and a store of an earlier version gets revision 1 of what runs", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, LIMITS);
    const before = simulation.controller.revisions("a");
    await simulation.restart();
    expect(simulation.controller.revisions("a")).toEqual(before);

    const ops = simulation.store.range("revision/").map(({ key }) => ({ kind: "delete", key }) as const);
    const { revision: _none, ...earlier } = simulation.controller.application("a")!;
    await simulation.controller.close();
    await simulation.store.txn([], [...ops, { kind: "put", key: "application/a", value: JSON.stringify(earlier) }]);
    await simulation.restart();
    await simulation.clock.advance(1_000);
    expect(history(simulation)).toEqual(["1 config running"]);
    expect(simulation.controller.revisions("a")[0]).toMatchObject({ actor: "controller", config: LIMITS });
    useCode(simulation, "v2");
    await putAndSettle(simulation, ONE);
    await rollback(simulation);
    await simulation.clock.advance(5_000);
    expect(bundles(simulation)).toEqual(["/bundles/v1"]);
  });
});

describe("rollback", () => {
  it("brings config, base folder and code back without a build, whatever the sources are now", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    const v1 = simulation.controller.deployment("a", "D")!;
    useCode(simulation, "v2");
    await putAndSettle(simulation, LIMITS);
    useCode(simulation, "v3", "broken");
    const builds = simulation.engine.commands.filter((command) => command.startsWith("build ")).length;
    const answer = await rollback(simulation, { reason: "too slow" });
    expect(answer).toMatchObject({ rolledBackTo: 1, application: { config: ONE, revision: 3, generation: 3 } });
    await simulation.clock.advance(10_000);
    expect(history(simulation)).toEqual(["1 config superseded", "2 config superseded", "3 rollback of 1 running"]);
    expect(simulation.controller.revisions("a")[2]).toMatchObject({ actor: "test", reason: "too slow", config: ONE });
    expect(simulation.controller.deployment("a", "D")).toMatchObject({ version: v1.version, config: v1.config });
    expect(simulation.engine.commands.filter((command) => command.startsWith("build "))).toHaveLength(builds);
    expect(bundles(simulation)).toEqual(["/bundles/v1"]);
    expect(simulation.replicas("a", "D")).toBe("RUNNING 2");
    expect(simulation.store.range("journal/").map(({ value }) => JSON.parse(value))).toContainEqual({
      at: expect.any(Number),
      actor: "test",
      kind: "rollback",
      application: "a",
      from: 2,
      to: 1,
      reason: "too slow",
    });
  });

  it("goes back from a frozen rollout: what serves goes on serving, only what is missing is started", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2", "broken");
    await putAndSettle(simulation, ONE);
    const serving = [...simulation.engine.running.keys()];
    expect(serving).toHaveLength(1);
    await rollback(simulation);
    await simulation.clock.advance(10_000);
    expect(simulation.status("a", "D")).toBe("HEALTHY/CONFIG_UPDATE_COMPLETED");
    expect([...simulation.engine.running.keys()]).toEqual([...serving, expect.any(String)]);
    expect(simulation.controller.deployment("a", "D")).toMatchObject({ rollout: "none", everRan: true, failures: 0 });
  });

  it("goes back while the present revision is still built, and its build counts no more", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    simulation.engine.buildMs = 60_000;
    useCode(simulation, "v2");
    await putAndSettle(simulation, config({}, { args: { a: 1 } }));
    expect(simulation.controller.application("a")?.build.kind).toBe("building");
    await rollback(simulation);
    expect(simulation.engine.commands.at(-1)).toMatch(/^cancel-build /);
    await simulation.clock.advance(120_000);
    expect(history(simulation).slice(-2)).toEqual(["2 config failed", "3 rollback of 1 running"]);
    expect(bundles(simulation)).toEqual(["/bundles/v1"]);
  });

  it("goes back while the present revision is still rolling out, and after a failed build", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2", "");
    await putAndSettle(simulation, ONE);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOYING");
    await rollback(simulation);
    await simulation.clock.advance(10_000);
    expect(history(simulation).slice(-2)).toEqual(["2 sources failed", "3 rollback of 1 running"]);
    simulation.engine.applications.get("app")!.buildError = "broken";
    await putAndSettle(simulation, LIMITS);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
    expect(await rollback(simulation)).toMatchObject({ rolledBackTo: 3 });
    await simulation.clock.advance(10_000);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", config: ONE });
  });

  it("twice goes forth again, and skips what equals the present one", async () => {
    const simulation = await startRevised();
    for (const config of [ONE, LIMITS]) await putAndSettle(simulation, config);
    for (const [to, expected] of [
      [1, ONE],
      [2, LIMITS],
    ] as const) {
      expect(await rollback(simulation)).toMatchObject({ rolledBackTo: to });
      await simulation.clock.advance(10_000);
      expect(simulation.controller.application("a")?.config).toEqual(expected);
    }
    await expect(rollback(simulation, { toRevision: 2 })).rejects.toMatchObject({
      reason: "NOT_POSSIBLE_NOW",
      message:
        'revision 2 of application "a" is in force already, as revision 4; choose another of `windlass history a`',
    });
  });

  it("works for programs, whose code is their config", async () => {
    const simulation = await startRevised();
    const program = (command: string) =>
      ({ name: "a", import_path: COMMAND_IMPORT_PATH, deployments: [{ name: "P", command: [command] }] }) as const;
    await putAndSettle(simulation, program("one") as unknown as ApplicationConfig);
    await putAndSettle(simulation, program("two") as unknown as ApplicationConfig);
    await rollback(simulation);
    await simulation.clock.advance(10_000);
    expect([...simulation.engine.running.values()].map(({ command }) => command?.argv)).toEqual([["one"]]);
    expect(history(simulation).at(-1)).toBe("3 rollback of 1 running");
  });

  it("a later put of the config builds anew: edited sources are then a revision", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2");
    await putAndSettle(simulation, ONE);
    await rollback(simulation);
    await simulation.clock.advance(10_000);
    await putAndSettle(simulation, ONE);
    expect(history(simulation).slice(-2)).toEqual(["3 rollback of 1 superseded", "4 sources running"]);
    expect(bundles(simulation)).toEqual(["/bundles/v2"]);
  });

  const refusals: {
    name: string;
    arrange?: (simulation: SimulatedController) => Promise<unknown>;
    request?: Parameters<typeof rollback>[1];
    reason: string;
    message: RegExp;
  }[] = [
    { name: "an unknown application", request: { application: "nope" }, reason: "NOT_FOUND", message: /"nope"/ },
    { name: "a revision that is not kept", request: { toRevision: 7 }, reason: "NOT_FOUND", message: /kept are 1, 2$/ },
    { name: "the revision in force", request: { toRevision: 2 }, reason: "NOT_POSSIBLE_NOW", message: /is in force;/ },
    { name: "a stale etag", request: { etag: "old" }, reason: "STALE_ETAG", message: /"old" is stale/ },
    {
      name: "a revision whose bundle is gone",
      arrange: async ({ engine }) => engine.lostBundles.add("/bundles/v1"),
      reason: "NOT_POSSIBLE_NOW",
      message: /has lost its code: the bundle is gone; put its config again$/,
    },
    {
      name: "a revision whose build failed",
      arrange: async (simulation) => {
        simulation.engine.applications.get("app")!.buildError = "broken";
        await putAndSettle(simulation, config({ max_ongoing_requests: 9 }));
        delete simulation.engine.applications.get("app")!.buildError;
        await putAndSettle(simulation, LIMITS);
      },
      request: { toRevision: 3 },
      reason: "NOT_POSSIBLE_NOW",
      message: /has no code: its build failed or never ended; put its config again$/,
    },
    {
      name: "a revision whose route somebody else has now",
      arrange: async (simulation) => {
        const other = config({}, { name: "b", route_prefix: "/old" });
        const moved = config({}, { route_prefix: "/old" });
        await putAndSettle(simulation, moved);
        await putAndSettle(simulation, LIMITS);
        await simulation.put([LIMITS, other]);
        await simulation.clock.advance(5_000);
      },
      request: { toRevision: 3 },
      reason: "NOT_POSSIBLE_NOW",
      message: /cannot come back: route_prefix: "\/old" is taken by application "b"/,
    },
  ];
  it.each(refusals)("refuses $name and changes nothing", async ({ arrange, request, reason, message }) => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2");
    await putAndSettle(simulation, LIMITS);
    await arrange?.(simulation);
    const before = [simulation.controller.application("a"), history(simulation)];
    const refusal = await rollback(simulation, request).then(
      () => undefined,
      (error: unknown) => error as { reason: string; message: string },
    );
    expect(refusal).toMatchObject({ reason, message: expect.stringMatching(message) });
    expect(refusal!.message).not.toMatch(/\n/);
    expect([simulation.controller.application("a"), history(simulation)]).toEqual(before);
  });

  it("refuses where there is no other revision that was up", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await expect(rollback(simulation)).rejects.toMatchObject({ reason: "NOT_POSSIBLE_NOW" });
    await simulation.put([]);
    await expect(rollback(simulation)).rejects.toMatchObject({ reason: "NOT_FOUND" });
  });

  it("checks only with validateOnly, and does nothing twice for one request_id", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    await putAndSettle(simulation, LIMITS);
    const etag = etagOf(simulation.controller.application("a")!);
    expect(await rollback(simulation, { validateOnly: true })).toMatchObject({ rolledBackTo: 1 });
    expect(history(simulation)).toHaveLength(2);
    const first = await rollback(simulation, { requestId: "r1", etag });
    const again = await rollback(simulation, { requestId: "r1", etag });
    expect(again).toMatchObject({ rolledBackTo: 1, application: { generation: first.application.generation } });
    expect(history(simulation)).toHaveLength(3);
  });
});

describe("auto-rollback", () => {
  const AUTO = config({ rollout: { auto_rollback: true } });

  it("goes back by itself when starts fail, says why, and never stops the last replica that serves", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, AUTO);
    const serving = [...simulation.engine.running.keys()];
    useCode(simulation, "v2", "no such model");
    await putAndSettle(simulation, AUTO);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources failed", "3 auto-rollback of 1 running"]);
    const [, failed, back] = simulation.controller.revisions("a") as [RevisionRecord, RevisionRecord, RevisionRecord];
    expect(back).toMatchObject({ actor: "controller", reason: failed.message });
    expect(back.reason).toMatch(/^Deployment "D": .*no such model/);
    expect(simulation.controller.application("a")).toMatchObject({ status: "RUNNING", revision: 3 });
    expect(simulation.engine.running.size).toBe(2);
    expect(simulation.engine.commands.filter((command) => command.startsWith("stop "))).toHaveLength(1);
    expect(serving.filter((id) => simulation.engine.running.has(id))).toHaveLength(1);
    const journal = simulation.store.range("journal/").map(({ value }) => JSON.parse(value));
    expect(journal).toContainEqual(expect.objectContaining({ kind: "rollback", actor: "controller", from: 2, to: 1 }));
  });

  it("is opt-in: without it the update stays frozen", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    useCode(simulation, "v2", "broken");
    await putAndSettle(simulation, ONE, 600_000);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources failed"]);
  });

  it("never takes back what it made itself, and does nothing without a good revision before", async () => {
    const simulation = await startRevised();
    useCode(simulation, "v0", "broken from the start");
    await putAndSettle(simulation, AUTO);
    expect(history(simulation)).toEqual(["1 config failed"]);
    for (const hash of ["v1", "v2"]) {
      useCode(simulation, hash);
      await putAndSettle(simulation, AUTO);
    }
    useCode(simulation, "v3", "broken");
    simulation.engine.badBundles.set("/bundles/v2", "broken meanwhile");
    await simulation.put([AUTO]);
    await simulation.clock.advance(100);
    for (const id of [...simulation.engine.running.keys()]) simulation.engine.die(id);
    await simulation.clock.advance(600_000);
    expect(history(simulation).slice(1)).toEqual([
      "2 sources superseded",
      "3 sources superseded",
      "4 sources failed",
      "5 auto-rollback of 3 failed",
    ]);
  });

  it("says so where the code to go back to is gone", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, AUTO);
    useCode(simulation, "v2", "broken");
    simulation.engine.lostBundles.add("/bundles/v1");
    await putAndSettle(simulation, AUTO);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources failed"]);
    expect(simulation.controller.revisions("a")[1]!.message).toMatch(
      /It was not taken back: revision 1 has lost its code/,
    );
  });

  it("goes back when the progress deadline passes, also across a crash of the controller", async () => {
    const simulation = await startRevised();
    const slow = config({ rollout: { auto_rollback: true, progress_deadline_s: 30 } });
    await putAndSettle(simulation, slow);
    useCode(simulation, "v2", "");
    await putAndSettle(simulation, slow, 20_000);
    await simulation.crash();
    await simulation.clock.advance(60_000);
    expect(history(simulation).slice(1)).toEqual(["2 sources failed", "3 auto-rollback of 1 running"]);
    expect(simulation.controller.revisions("a")[2]!.reason).toMatch(/progress deadline/);
    expect(bundles(simulation)).toEqual(["/bundles/v1"]);
  });
});

describe("the progress deadline", () => {
  const SLOW = config({ rollout: { progress_deadline_s: 30 } });

  it("freezes an update that makes no progress; that survives restarts, and retry tries again", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, SLOW);
    useCode(simulation, "v2", "");
    await putAndSettle(simulation, SLOW, 29_000);
    expect(simulation.status("a", "D")).toBe("UPDATING/CONFIG_UPDATE_STARTED");
    await simulation.clock.advance(2_000);
    expect(simulation.status("a", "D")).toBe("DEPLOY_FAILED/REPLICA_STARTUP_FAILED");
    expect(simulation.controller.deployment("a", "D")?.message).toMatch(
      /^The update made no progress for 30 s, its progress deadline \(rollout.progress_deadline_s\), and is frozen; older replicas serve on/,
    );
    for (const comeBack of [simulation.restart, simulation.crash]) {
      await comeBack();
      await simulation.clock.advance(120_000);
      expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
      expect(simulation.controller.deployment("a", "D")).toMatchObject({ rollout: "failed" });
      expect(history(simulation).at(-1)).toBe("2 sources failed");
    }
    simulation.engine.badBundles.clear();
    await retry(simulation);
    await simulation.clock.advance(60_000);
    expect(history(simulation).at(-1)).toBe("2 sources running");
    expect(bundles(simulation)).toEqual(["/bundles/v2"]);
  });

  it("counts from the last replica that became ready", async () => {
    const simulation = await startRevised();
    const slow = config({ num_replicas: 3, rollout: { progress_deadline_s: 30 } });
    await putAndSettle(simulation, slow);
    simulation.engine.behaviour.set("a/D", { startMs: 25_000 });
    useCode(simulation, "v2");
    await putAndSettle(simulation, slow, 120_000);
    expect(history(simulation)).toEqual(["1 config superseded", "2 sources running"]);
  });

  it("ends the first deploy too, and one without a deadline waits for ever", async () => {
    const simulation = await startRevised();
    useCode(simulation, "v1", "");
    await putAndSettle(simulation, SLOW, 40_000);
    expect(simulation.controller.deployment("a", "D")?.message).toMatch(/^The deployment made no progress for 30 s/);
    expect(history(simulation)).toEqual(["1 config failed"]);
    const other = await startRevised();
    useCode(other, "v1", "");
    await putAndSettle(other, ONE, 3_600_000);
    expect(other.controller.application("a")?.status).toBe("DEPLOYING");
  });
});

describe("retry", () => {
  it("builds again what could not be built", async () => {
    const simulation = await startRevised();
    simulation.engine.applications.get("app")!.buildError = "registry down";
    await putAndSettle(simulation, ONE);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
    delete simulation.engine.applications.get("app")!.buildError;
    const { application: answer } = await retry(simulation);
    expect(answer.status).toBe("DEPLOYING");
    await simulation.clock.advance(10_000);
    expect(history(simulation)).toEqual(["1 config running"]);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
  });

  it("starts again what was given up; nothing else does", async () => {
    const simulation = await startRevised();
    useCode(simulation, "v1", "no network");
    await putAndSettle(simulation, ONE);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
    simulation.engine.badBundles.clear();
    await putAndSettle(simulation, ONE);
    expect(simulation.controller.application("a")?.status).toBe("DEPLOY_FAILED");
    await retry(simulation);
    await simulation.clock.advance(10_000);
    expect(simulation.controller.application("a")?.status).toBe("RUNNING");
    expect(history(simulation)).toEqual(["1 config running"]);
  });

  it("has no effect on an application that has not failed, and refuses an unknown one", async () => {
    const simulation = await startRevised();
    await putAndSettle(simulation, ONE);
    const [before, commands] = [simulation.controller.application("a"), simulation.engine.commands.length];
    await retry(simulation);
    expect(simulation.controller.application("a")).toEqual(before);
    expect(simulation.engine.commands).toHaveLength(commands);
    await expect(retry(simulation, "nope")).rejects.toMatchObject({ reason: "NOT_FOUND" });
  });
});
