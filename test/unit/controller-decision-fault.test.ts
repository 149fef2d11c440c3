import { describe, expect, it } from "vitest";
import type { DecisionNews } from "../../src/controller/controller.ts";
import { keys } from "../../src/controller/records.ts";
import { deployAutoscaled, QUICK, targetOf } from "../support/autoscaled.ts";

const EAGER = { ...QUICK, upscale_delay_s: 0 };

describe("a decision whose step fails after it was made", () => {
  it.each([
    { whose: "a deployment's own policy", more: {} },
    {
      whose: "one deployment of several",
      more: { deployments: [{ name: "D" }, { name: "E" }].map((one) => ({ ...one, autoscaling_config: EAGER })) },
    },
  ])("is told to nobody, changes nothing, and is made again a second later: $whose", async ({ more }) => {
    const { simulation, router } = await deployAutoscaled(EAGER, more);
    const { clock, controller, routes, store } = simulation;
    await clock.advance(2_000);
    const heard: string[] = [];
    const end = controller.onDecision("a", "D", ({ target, result }) => heard.push(`${target} → ${result}`));
    // Reports are read for a decision, and once more to save what it is remembered by: then it fails.
    const { load } = routes;
    const read = load.reports.bind(load);
    let reads = 0;
    let failed = 0;
    load.reports = (application, deployment) => {
      if (deployment === "D" && ++reads % 2 === 0) {
        failed += 1;
        throw new Error("no room to note it");
      }
      return read(application, deployment);
    };
    const before = targetOf(simulation);
    const listed = await controller.decisions("a", "D");
    router.concurrent = 9;
    await router.run(2);
    expect(failed).toBeGreaterThan(0);
    expect(heard).toEqual([]);
    expect(targetOf(simulation)).toBe(before);
    expect(await controller.decisions("a", "D")).toEqual(listed);
    load.reports = read;
    await router.run(3);
    expect(heard).toContain("1 → 5");
    expect(targetOf(simulation)).toBe(5);
    const told = JSON.parse(store.get(keys.decision("a", "D"))!.value) as DecisionNews;
    expect(told.decisions.at(-1)).toMatchObject({ result: 5 });
    end();
    await controller.close();
  });
});
