import { describe, expect, it } from "vitest";
import { stepApplication } from "../../src/controller/application-state.ts";
import type { ApplicationRecord, DeploymentRecord, RevisionRecord } from "../../src/controller/records.ts";
import { keys } from "../../src/controller/records.ts";
import { judgeRevision } from "../../src/controller/revisions.ts";
import { Draft, emptyWorld } from "../../src/controller/world.ts";
import { copyWorld } from "../../src/controller/world-copy.ts";
import { randomInt } from "../../src/core/random.ts";
import { seededRandom } from "../support/seeded-random.ts";

const STATUSES = ["UPDATING", "HEALTHY", "HEALTHY", "UNHEALTHY", "DEPLOY_FAILED", "UPSCALING", "DOWNSCALING"] as const;
const TRIGGERS = ["UNSPECIFIED", "CONFIG_UPDATE_STARTED", "AUTOSCALING"] as const;

const application = {
  name: "a b",
  build: { kind: "done" },
  deleting: false,
  status: "RUNNING",
  message: "",
  generation: 1,
  observedGeneration: 1,
} as ApplicationRecord;
const ROUTER_FAILURE = { router: "./r.ts:R", version: "1", reason: "error", count: 2, since: 0, at: 0 };
const revision = (outcome: RevisionRecord["outcome"]) => ({ built: {}, outcome }) as unknown as RevisionRecord;

describe("the deployments that tell of an application", () => {
  it.each([1, 2, 3, 4, 5, 6])("lead to what all of them lead to, on drafts and in the world (seed %i)", (seed) => {
    const random = seededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[randomInt(random, items.length)]!;
    // Failures are rare in some histories, so that there are none at times.
    const calm = seed % 2 === 0;
    const record = (name: string): DeploymentRecord =>
      ({
        application: application.name,
        name,
        status: calm && random.next() < 0.95 ? "HEALTHY" : pick(STATUSES),
        trigger: pick(TRIGGERS),
        message: `of ${name}`,
        rollout: !calm && random.next() < 0.1 ? "failed" : "none",
        everRan: random.next() < 0.9,
        deleting: random.next() < 0.2,
        ...(random.next() < 0.05 ? { policyFailure: "no answer" } : {}),
        ...(random.next() < 0.05 ? { routerFailure: { ...ROUTER_FAILURE, error: name } } : {}),
      }) as DeploymentRecord;
    let world = emptyWorld();
    for (let turn = 0; turn < 300; turn++) {
      if (random.next() < 0.05) world = copyWorld(world);
      const draft = new Draft(world);
      for (let i = randomInt(random, 5); i > 0; i--) {
        const name = `d ${randomInt(random, 12)}`;
        const known = draft.deployment(application.name, name);
        if (known && random.next() < 0.4) draft.deleteDeployment(application.name, name);
        else draft.setDeployment(record(name));
        draft.savepoint(() => {
          draft.setDeployment(record("d 3"));
          if (random.next() < 0.5) throw new Error("undone");
        });
      }
      for (const seen of [draft, undefined]) {
        if (seen === undefined) draft.commit();
        const now = seen ?? new Draft(world);
        const [telling, all] = [now.tellingOf(application.name), now.deploymentsOf(application.name)];
        for (const deleting of [false, true]) {
          const before = { ...application, deleting };
          expect(stepApplication(before, telling, 1)).toEqual(stepApplication(before, all, 1));
        }
        for (const outcome of ["pending", "running", "failed"] as const) {
          expect(judgeRevision(revision(outcome), telling)).toEqual(judgeRevision(revision(outcome), all));
        }
      }
    }
    expect(world.deployments.size).toBeGreaterThan(0);
  });

  it("are few, however many there are of which nothing is to be told", () => {
    const world = emptyWorld();
    const draft = new Draft(world);
    const record = (index: number, more: Partial<DeploymentRecord>) =>
      ({
        application: "a",
        name: `d${index}`,
        status: "HEALTHY",
        rollout: "none",
        everRan: true,
        ...more,
      }) as DeploymentRecord;
    for (let i = 0; i < 500; i++) draft.setDeployment(record(i, {}));
    for (let i = 500; i < 1_000; i++) draft.setDeployment(record(i, { status: "UPDATING" }));
    draft.setDeployment(record(7, { status: "DEPLOY_FAILED" }));
    draft.setDeployment(record(8, { status: "UNHEALTHY" }));
    draft.commit();
    const names = new Draft(world).tellingOf("a").map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["d7", "d8"]));
    expect(names.length).toBeLessThanOrEqual(6);
  });

  it("are found for an application whose name is part of another's", () => {
    const world = emptyWorld();
    const draft = new Draft(world);
    for (const name of ["a", "a/b", "named/a"]) {
      draft.setDeployment({ application: name, name: "d", status: "UNHEALTHY", rollout: "none" } as DeploymentRecord);
    }
    draft.commit();
    for (const name of ["a", "a/b", "named/a"]) {
      const told = new Draft(world).tellingOf(name).map((each) => keys.deployment(each.application, each.name));
      expect(told).toEqual([keys.deployment(name, "d")]);
    }
  });
});
