import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { effectiveDeployment } from "../../src/config/effective.ts";
import type { DeploymentOverride } from "../../src/config/types.ts";
import type { DeploymentRecord, ReplicaRecord, ReplicaState } from "../../src/controller/records.ts";
import { isRoutable } from "../../src/controller/replica-state.ts";
import { planRollout } from "../../src/controller/rollout.ts";

const NEW = { restart: "v2", settings: "s2", bundlePath: "", exportName: "app" };
const OLD = { restart: "v1", settings: "s1", bundlePath: "", exportName: "app" };

function deployment(target: number, override: Partial<DeploymentOverride> = {}): DeploymentRecord {
  const merged = effectiveDeployment({}, { name: "D", ...override }, "D");
  if (!merged.ok) throw new Error("bad override");
  return {
    config: merged.config,
    version: NEW,
    target: { replicas: target },
    rollout: "none",
    failures: 0,
    everRan: true,
    deleting: false,
  } as DeploymentRecord;
}

/** `oR` old running, `nR` new running, `nS` new starting, `nr` new but with old settings, `oX` old stopping. */
function replicas(codes: string): ReplicaRecord[] {
  const kinds: Record<string, ReplicaState> = {
    R: { kind: "running", since: 0 },
    r: { kind: "running", since: 0 },
    S: { kind: "starting", since: 0 },
    U: { kind: "updating", since: 0, to: NEW },
    X: { kind: "stopping", since: 0, stage: "draining", deadline: 1 },
  };
  return codes
    .split(" ")
    .filter((code) => code !== "")
    .map((code, index) => {
      const version = code[0] === "o" ? OLD : code[1] === "r" ? { ...NEW, settings: "s1" } : NEW;
      return { id: `r${index}`, version, state: kinds[code[1]!]!, startedAt: index } as ReplicaRecord;
    });
}

describe("planRollout", () => {
  const cases: {
    name: string;
    target: number;
    have: string;
    override?: Partial<DeploymentOverride>;
    record?: Partial<DeploymentRecord>;
    want: { start?: number; stop?: string[]; kill?: string[]; reconfigure?: string[] };
  }[] = [
    { name: "starts what is missing", target: 3, have: "nR", want: { start: 2 } },
    { name: "does not count stopping replicas", target: 2, have: "nR nX", want: { start: 1 } },
    {
      name: "stops the newest first when there are too many",
      target: 1,
      have: "nR nR nR",
      want: { stop: ["r2", "r1"] },
    },
    { name: "kills a starting one rather than stop a serving one", target: 1, have: "nR nS", want: { kill: ["r1"] } },
    { name: "scales to zero", target: 0, have: "nR nR", want: { stop: ["r1", "r0"] } },
    { name: "replaces one of five at a time", target: 5, have: "oR oR oR oR oR", want: { start: 1, stop: ["r4"] } },
    { name: "waits for the successor before the next one", target: 5, have: "oR oR oR oR nS", want: {} },
    { name: "goes on when the successor serves", target: 5, have: "oR oR oR oR nR", want: { start: 1, stop: ["r3"] } },
    { name: "starts the successor of a single replica first", target: 1, have: "oR", want: { start: 1 } },
    { name: "keeps the single old replica while its successor starts", target: 1, have: "oR nS", want: {} },
    {
      name: "stops the single old replica once its successor serves",
      target: 1,
      have: "oR nR",
      want: { stop: ["r0"] },
    },
    { name: "kills old replicas that never served", target: 2, have: "oS oR", want: { kill: ["r0"], start: 1 } },
    {
      name: "never stops the last serving replica, however large the step",
      target: 2,
      have: "oR oR",
      override: { rolling_update_percentage: 1 },
      want: { start: 1, stop: ["r1"] },
    },
    {
      name: "surges before it stops",
      target: 4,
      have: "oR oR oR oR",
      override: { max_surge_percent: 50 },
      want: { start: 2 },
    },
    {
      name: "stops old ones only while more than the target serve",
      target: 4,
      have: "oR oR oR oR nR nS",
      override: { max_surge_percent: 50 },
      want: { start: 1, stop: ["r3"] },
    },
    {
      name: "scales down beside an update",
      target: 2,
      have: "oR oR oR oR",
      want: { start: 1, stop: ["r3", "r2", "r1"] },
    },
    { name: "reconfigures one of five at a time", target: 5, have: "nr nr nr nr nr", want: { reconfigure: ["r0"] } },
    { name: "reconfigures nobody else while a replica is missing", target: 2, have: "nS nr", want: {} },
    {
      name: "reconfigures nobody in a frozen update",
      target: 2,
      have: "nr",
      record: { rollout: "failed" },
      want: {},
    },
    { name: "waits for a reconfiguration under way", target: 2, have: "nU nr", want: {} },
    { name: "leaves a frozen update alone", target: 2, have: "oR nS", record: { rollout: "failed" }, want: {} },
    {
      name: "still scales a frozen update down",
      target: 1,
      have: "oR oR",
      record: { rollout: "failed" },
      want: { stop: ["r1"] },
    },
    {
      name: "starts nothing after the last attempt failed",
      target: 1,
      have: "",
      record: { failures: 3, everRan: false },
      want: {},
    },
    {
      name: "goes on trying once a replica ran",
      target: 1,
      have: "",
      record: { failures: 9, everRan: true },
      want: { start: 1 },
    },
    {
      name: "stops everything when deleted",
      target: 2,
      have: "nR oR nS",
      record: { deleting: true },
      want: { stop: ["r0", "r1"], kill: ["r2"] },
    },
  ];
  it.each(cases)("$name", ({ target, have, override, record, want }) => {
    const plan = planRollout({ ...deployment(target, override), ...record }, replicas(have));
    expect(plan).toEqual({ start: 0, stop: [], kill: [], reconfigure: [], ...want });
  });

  it("never leaves nobody serving, never exceeds target and surge, and always ends at the target", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0, 10, 50, 100),
        fc.constantFrom(0.1, 0.2, 0.5, 1),
        (before, target, surge, pct) => {
          const record = deployment(target, { max_surge_percent: surge, rolling_update_percentage: pct });
          let present = replicas("oR ".repeat(before).trim());
          const most = Math.max(before, target + Math.max(1, Math.ceil((target * surge) / 100)));
          for (let round = 0; round < 100; round++) {
            const plan = planRollout(record, present);
            const gone = new Set([...plan.stop, ...plan.kill]);
            present = present.filter((replica) => !gone.has(replica.id));
            expect(present.filter((replica) => isRoutable(replica.state)).length).toBeGreaterThanOrEqual(1);
            for (let i = 0; i < plan.start; i++) {
              present.push({ ...replicas("nS")[0]!, id: `n${round}-${i}`, startedAt: 100 + round });
            }
            expect(present.length).toBeLessThanOrEqual(most);
            present = present.map((replica) => ({ ...replica, state: { kind: "running", since: 0 } }));
          }
          expect(present.map((replica) => replica.version.restart)).toEqual(Array(target).fill("v2"));
        },
      ),
    );
  });
});
