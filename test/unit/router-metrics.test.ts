import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { createRouterMetrics } from "../../src/routing/router-metrics.ts";
import { get, head, scriptedRouter } from "../support/scripted-router.ts";

function setUp() {
  const set = new MetricSet();
  const t = scriptedRouter(
    undefined,
    undefined,
    undefined,
    createRouterMetrics(set, { actorId: "proxy/0", source: "PROXY" }),
  );
  const values = (name: string): Record<string, number> =>
    Object.fromEntries(
      set
        .families()
        .filter((family) => family.name === name)
        .flatMap(({ series }) => series.map(({ labels, value }) => [labels.join(" "), value])),
    );
  return { ...t, set, values };
}

const HANDLE = "app#d#proxy/0";
const GAUGE = `d app ${HANDLE} proxy/0`;

describe("what a router counts", () => {
  it("is what it is asked for by route, and what of this it does not refuse", () => {
    const t = setUp();
    t.apply(["a"], { maxQueuedRequests: 1 });
    for (const route of ["/x", "/x", "/y"]) t.send({ ...get, route });
    t.send();
    expect(t.values("serve_handle_request_counter")).toEqual({
      [`${HANDLE} d /x app`]: 2,
      [`${HANDLE} d /y app`]: 1,
      [`${HANDLE} d  app`]: 1,
    });
    expect(t.values("serve_num_router_requests")).toEqual({ [`d /x app ${HANDLE} proxy/0`]: 2 });
  });

  it("is what waits, what runs and where, from the first request on and back to 0", () => {
    const t = setUp();
    t.apply(["a", "b"]);
    expect(t.set.families()).toEqual([]);
    for (let i = 0; i < 3; i++) t.send();
    expect(t.values("serve_deployment_queued_queries")).toEqual({ [GAUGE]: 1 });
    expect(t.values("serve_num_ongoing_requests_at_replicas")).toEqual({ [GAUGE]: 2 });
    expect(t.values("serve_request_router_queue_len")).toEqual({
      "d a proxy/0 app PROXY": 1,
      "d b proxy/0 app PROXY": 1,
    });
    for (let i = 0; i < 3; i++) t.answer(t.sent[i]!);
    expect(t.values("serve_deployment_queued_queries")).toEqual({ [GAUGE]: 0 });
    expect(t.values("serve_num_ongoing_requests_at_replicas")).toEqual({ [GAUGE]: 0 });
    expect(t.values("serve_request_router_queue_len")).toEqual({
      "d a proxy/0 app PROXY": 0,
      "d b proxy/0 app PROXY": 0,
    });
  });

  it("is how long requests waited for a replica, 0 where none did", async () => {
    const t = setUp();
    t.apply(["a"]);
    t.send();
    t.send();
    t.pass(300);
    t.answer(t.sent[0]!);
    const family = t.set.families().find(({ name }) => name === "serve_request_router_fulfillment_time_ms")!;
    expect(family.series).toEqual([
      { labels: ["d", "proxy/0", "app", "PROXY"], value: 300, counts: expect.any(Array) as never },
    ]);
    expect(
      family.series[0]!.counts!.flatMap((count, index) => (count > 0 ? [family.bounds![index], count] : [])),
    ).toEqual([...[1, 1], ...[300, 1]]);
  });

  it.each(["sent", "cancelled", "refused"] as const)("is slots held for streams, until they are %s", (how) => {
    const t = setUp();
    t.apply(["a"]);
    const outcome = t.send({ ...get, method: "POST", body: Readable.from([]) });
    expect(t.values("serve_reserved_slots_active")).toEqual({ [GAUGE]: 1 });
    const reserve = t.sent[0]!;
    if (how === "sent") {
      reserve.onAccepted(head({ status: 204, reservation: "x" }));
      reserve.onEnd();
    } else if (how === "cancelled") outcome.cancel();
    else reserve.onFailed({ kind: "broken", responseStarted: false, error: "gone" });
    expect(t.values("serve_reserved_slots_active")).toEqual({ [GAUGE]: how === "refused" ? 1 : 0 });
    outcome.cancel();
    expect(t.values("serve_reserved_slots_active")).toEqual({ [GAUGE]: 0 });
  });

  it("ends with the router", async () => {
    const t = setUp();
    t.apply(["a"]);
    t.send();
    await t.router.close();
    expect(t.values("serve_deployment_queued_queries")).toEqual({});
  });
});
