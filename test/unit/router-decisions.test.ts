import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/system-clock.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { processMetricsText } from "../../src/observability/replica-metrics.ts";
import { countDecisions } from "../../src/observability/router-decisions.ts";

describe("what routers tell of", () => {
  it("is counted for each deployment that is called, and a replica that is left out is a line in the log", () => {
    const set = new MetricSet();
    const lines: string[] = [];
    const log = createLogger({ clock: systemClock, write: (text) => void lines.push(text) });
    let ejected = 1;
    const target = { application: "shop", deployment: "Back" };
    const events = countDecisions(set, log, () => ({ load: () => [{ ...target, ejected }] }));
    events.refused(target, "full");
    events.refused(target, "late");
    events.refused(target, "late");
    events.retried(target, true);
    events.retried(target, false);
    events.ejected(target, { id: "Back#1", failures: 5, forMs: 10_000, error: "ECONNRESET" });
    const text = (): string[] =>
      processMetricsText([], [{ id: "proxy/0", families: set.families() }])
        .split("\n")
        .filter((line) => line.startsWith("windlass_router"));
    const to = 'proxy="proxy/0",to_deployment="Back",to_application="shop"';
    expect(text()).toEqual([
      `windlass_router_refused_requests{${to},reason="full"} 1`,
      `windlass_router_refused_requests{${to},reason="late"} 2`,
      `windlass_router_retries{${to}} 1`,
      `windlass_router_denied_retries{${to}} 1`,
      `windlass_router_ejections{${to}} 1`,
      `windlass_router_ejected_replicas{${to}} 1`,
    ]);
    ejected = 0;
    events.readmitted(target, "Back#1");
    expect(text().some((line) => line.startsWith("windlass_router_ejected_replicas"))).toBe(false);
    const said = lines;
    expect(said.length).toBe(2);
    expect(said[0]).toContain("a replica that fails is left out");
    for (const word of ["Back#1", "for_s", "ECONNRESET"]) expect(said[0]).toContain(word);
    expect(said[1]).toContain("a replica that was left out is back");
  });
});
