import { expect, it } from "vitest";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { looseErrors, type RouterFault, routerFaults } from "../../src/observability/router-faults.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const FAULT: RouterFault = {
  ...{ application: "shop", deployment: "Shop", router: "./router.ts:R", version: "1" },
  ...{ reason: "error", error: "Error: no tenant" },
};

function setUp() {
  const clock = new VirtualClock();
  const lines: unknown[] = [];
  const tell = routerFaults(new MetricSet(), clock, "proxy/0", (_, { reason, error, faults }) =>
    lines.push([reason, error, faults]),
  );
  return { clock, lines, tell };
}

it("the same fault is told of once a minute, with how many there were", async () => {
  const { clock, lines, tell } = setUp();
  for (let i = 0; i < 5; i++) tell(FAULT);
  await clock.advance(60_000);
  tell({ ...FAULT, error: "Error: another tenant" });
  expect(lines).toEqual([
    ["error", FAULT.error, 1],
    ["error", "Error: another tenant", 5],
  ]);
});

it("another version of the router, and another reason, are told of at once", () => {
  const { lines, tell } = setUp();
  tell({ ...FAULT, reason: "hook" });
  tell(FAULT);
  tell({ ...FAULT, version: "2", error: "TypeError: x is undefined" });
  tell({ ...FAULT, version: "2" });
  tell({ ...FAULT, deployment: "Other" });
  expect(lines).toEqual([
    ["hook", FAULT.error, 1],
    ["error", FAULT.error, 1],
    ["error", "TypeError: x is undefined", 1],
    ["error", FAULT.error, 1],
  ]);
});

it("an error from nowhere is told of once a minute, with how often it came, whatever it is", async () => {
  const clock = new VirtualClock();
  const lines: unknown[] = [];
  const take = looseErrors(clock, (_, { error, times }) => lines.push([String(error), times]));
  const hostile = Object.create(null, {
    toString: {
      value: () => {
        throw new Error("no");
      },
    },
  });
  for (let i = 0; i < 3; i++) for (const thrown of [new Error("loose"), undefined, hostile]) take(thrown);
  await clock.advance(60_000);
  take(new Error("loose"));
  expect(lines).toEqual([
    ["Error: loose", 1],
    ["undefined", 1],
    ["an error that cannot be shown", 1],
    ["Error: loose", 3],
  ]);
});
