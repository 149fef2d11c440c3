/** Random histories of writes, rollbacks, failures and crashes against what revisions promise. */
import { expect, it } from "vitest";
import type { ApplicationConfig } from "../../src/config/types.ts";
import type { DeploymentVersion, RevisionRecord } from "../../src/controller/records.ts";
import { REVISION_HISTORY_LIMIT } from "../../src/controller/revisions.ts";
import { retry, rollback, startRevised, useCode } from "../support/revised.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { application, type SimulatedController } from "../support/simulated-controller.ts";

const ROLLOUTS = [undefined, { auto_rollback: true }, { auto_rollback: true, progress_deadline_s: 20 }];
const STEPS = 25;

/** What a revision was when it was made, and the version its deployment had under it. */
interface Known {
  readonly config: ApplicationConfig;
  version?: DeploymentVersion;
}

it.each(Array.from({ length: 30 }, (_, seed) => ({ seed: seed + 1 })))(
  "numbers are linear, one is in force, and a rollback is what it goes back to (seed $seed)",
  async ({ seed }) => {
    const random = seededRandom(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random.next() * items.length)]!;
    const simulation = await startRevised(seed);
    const known = new Map<number, Known>();
    let newest = 0;

    const put = async (): Promise<void> => {
      const rollout = pick(ROLLOUTS);
      const replicas = pick([1, 2, 3]);
      const config = application({
        num_replicas: replicas,
        max_ongoing_requests: pick([5, 6]),
        ...(rollout && { rollout }),
      });
      await simulation.put([config]);
    };
    const goBack = async (): Promise<void> => {
      const kept = simulation.controller.revisions("a");
      const toRevision = pick([0, ...kept.map(({ number }) => number)]);
      const outcome = await rollback(simulation, { toRevision }).catch((error: { reason?: string }) => error.reason);
      if (typeof outcome !== "object") {
        expect(["NOT_POSSIBLE_NOW", "NOT_FOUND"]).toContain(outcome);
        return;
      }
      const of = kept.find(({ number }) => number === outcome.rolledBackTo)!;
      const now = simulation.controller.application("a")!;
      expect(now.config).toEqual(of.config);
      expect(now.built).toEqual(of.built);
      const before = known.get(of.number)?.version;
      if (before) expect(simulation.controller.deployment("a", "D")?.version).toEqual(before);
    };
    const steps: readonly (() => Promise<unknown>)[] = [
      put,
      put,
      goBack,
      async () => useCode(simulation, pick(["v1", "v2", "v3"])),
      async () => useCode(simulation, pick(["bad1", "bad2"]), pick(["boom", ""])),
      // What ran once does not any more.
      async () => simulation.engine.badBundles.set(`/bundles/${pick(["v1", "v2", "v3"])}`, "gone bad"),
      async () => {
        const app = simulation.engine.applications.get("app")!;
        if (app.buildError) delete app.buildError;
        else app.buildError = "SyntaxError";
      },
      () => retry(simulation).catch(() => {}),
      () => simulation.restart(),
      () => simulation.crash(),
      async () => {
        for (const id of [...simulation.engine.running.keys()]) simulation.engine.die(id);
      },
    ];

    await put();
    for (let step = 0; step < STEPS; step++) {
      await pick(steps)();
      newest = check(simulation, known, newest);
      await simulation.clock.advance(pick([0, 10, 200, 5_000, 60_000]));
      newest = check(simulation, known, newest);
    }

    simulation.engine.badBundles.clear();
    useCode(simulation, "v9");
    delete simulation.engine.applications.get("app")!.buildError;
    await put();
    await simulation.clock.advance(120_000);
    const last = simulation.controller.revisions("a").at(-1)!;
    expect([last.outcome, simulation.controller.application("a")?.status]).toEqual(["running", "RUNNING"]);
    expect([...simulation.engine.running.values()].every(({ version }) => version.bundlePath === "/bundles/v9")).toBe(
      true,
    );
  },
);

/** Checks what always holds; returns the newest number. */
function check({ controller }: SimulatedController, known: Map<number, Known>, newest: number): number {
  const kept = controller.revisions("a");
  const present = controller.application("a")!;
  const numbers = kept.map(({ number }) => number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(present.revision).toBe(numbers.at(-1));
  expect(present.revision).toBeGreaterThanOrEqual(newest);
  expect(kept.length).toBeLessThanOrEqual(REVISION_HISTORY_LIMIT);
  for (const revision of kept) {
    const isPresent = revision.number === present.revision;
    if (!isPresent) expect(["superseded", "failed"]).toContain(revision.outcome);
    else expect(revision.outcome).not.toBe("superseded");
    checkImmutable(revision, known);
  }
  for (const [index, revision] of kept.entries()) {
    // Made by itself only where the one before failed, which was not made so.
    if (revision.cause.kind !== "auto-rollback" || kept[index - 1]?.number !== revision.number - 1) continue;
    expect(kept[index - 1]).toMatchObject({ outcome: "failed" });
    expect(kept[index - 1]!.cause.kind).not.toBe("auto-rollback");
  }
  const version = controller.deployment("a", "D")?.version;
  const last = kept.at(-1)!;
  if (version && last.built !== null && present.build.kind === "done") known.get(last.number)!.version ??= version;
  return present.revision!;
}

function checkImmutable(revision: RevisionRecord, known: Map<number, Known>): void {
  const before = known.get(revision.number);
  if (before) expect(revision.config).toEqual(before.config);
  else known.set(revision.number, { config: revision.config });
}
