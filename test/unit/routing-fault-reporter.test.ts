import { describe, expect, it } from "vitest";
import type { RouterFaultSum } from "../../src/core/router-faults.ts";
import { FaultReporter } from "../../src/routing/fault-reporter.ts";
import type { RouterFault } from "../../src/routing/router.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const FAULT: RouterFault = {
  ...{ application: "shop", deployment: "Shop", router: "./router.ts:R", version: "1" },
  ...{ reason: "error", error: "Error: no tenant" },
};
const { router: _router, ...TOLD } = FAULT;

function setUp() {
  const clock = new VirtualClock();
  const told: [atMs: number, sums: readonly RouterFaultSum[]][] = [];
  const began = clock.monotonic();
  const controller = { away: false };
  const reporter = new FaultReporter(clock, async (sums) => {
    if (controller.away) throw new Error("nobody is there");
    told.push([clock.monotonic() - began, sums]);
  });
  return { clock, told, controller, reporter };
}

describe("what the controller is told of request routers that fail", () => {
  it("comes half a second after the first fault, then every five seconds, by deployment and counted", async () => {
    const { clock, told, reporter } = setUp();
    for (let i = 0; i < 3; i++) reporter.fault(FAULT);
    reporter.fault({ ...FAULT, deployment: "Cart", reason: "late" });
    await clock.advance(600);
    reporter.fault({ ...FAULT, error: "Error: another" });
    await clock.advance(60_000);
    expect(told).toEqual([
      [
        500,
        [
          { ...TOLD, count: 3 },
          { ...TOLD, deployment: "Cart", reason: "late", count: 1 },
        ],
      ],
      [5_500, [{ ...TOLD, error: "Error: another", count: 1 }]],
    ]);
  });

  it("has the newest error, but none of a hook where requests failed, and nothing of an earlier version", async () => {
    const { clock, told, reporter } = setUp();
    reporter.fault({ ...FAULT, reason: "hook", error: "onReplicaDied: Error: hook" });
    reporter.fault(FAULT);
    reporter.fault({ ...FAULT, error: "Error: newer" });
    reporter.fault({ ...FAULT, reason: "hook", error: "onReplicaDied: Error: hook" });
    reporter.fault({ ...FAULT, deployment: "Cart", error: "Error: of the old one" });
    reporter.fault({ ...FAULT, deployment: "Cart", version: "2" });
    await clock.advance(500);
    expect(told[0]![1]).toEqual([
      { ...TOLD, error: "Error: newer", count: 4 },
      { ...TOLD, deployment: "Cart", version: "2", count: 1 },
    ]);
  });

  it("is kept while the controller is away, and is not told once the router is closed", async () => {
    const { clock, told, controller, reporter } = setUp();
    controller.away = true;
    reporter.fault(FAULT);
    await clock.advance(4_000);
    reporter.fault({ ...FAULT, error: "Error: newer" });
    await clock.advance(20_000);
    controller.away = false;
    await clock.advance(5_000);
    expect(told.map(([, sums]) => sums)).toEqual([[{ ...TOLD, error: "Error: newer", count: 2 }]]);
    reporter.fault(FAULT);
    reporter.close();
    reporter.fault(FAULT);
    await clock.advance(60_000);
    expect(told).toHaveLength(1);
  });
});
