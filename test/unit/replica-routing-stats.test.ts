/** recordRoutingStats() in a replica: when it is called, what is told, and what becomes of failures. */
import { describe, expect, it } from "vitest";
import { MetricSet } from "../../src/observability/metric-set.ts";
import { RoutingStats } from "../../src/replica/routing-stats.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function setUp(record: () => unknown) {
  const clock = new VirtualClock();
  const news: string[] = [];
  const warned: string[] = [];
  const logger = { warn: (_: string, fields: { reason: string }) => void warned.push(fields.reason) } as never;
  const onNews = (): void => void news.push(stats.latest);
  const stats: RoutingStats = new RoutingStats({
    clock,
    metrics: new MetricSet(),
    logger,
    record,
    baseDir: "",
    onNews,
  });
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    await settled();
  };
  return { stats, news, warned, pass };
}

describe("routing stats", () => {
  it("are asked for at once and each period, and told when they are others", async () => {
    const values = [{ a: 1 }, { a: 1 }, { a: 2 }];
    const t = setUp(() => values.shift());
    t.stats.configure({ periodS: 2, timeoutS: 1 });
    await settled();
    expect(t.news).toEqual(['{"a":1}']);
    await t.pass(2_000);
    await t.pass(2_000);
    expect(t.news).toEqual(['{"a":1}', '{"a":2}']);
    t.stats.stop();
    await t.pass(10_000);
    expect(t.warned).toEqual([]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("no");
      },
      "no",
    ],
    ["returns no object", () => 7, "it must return an object, not number"],
    ["hangs", () => new Promise(() => {}), "it took longer than request_routing_stats_timeout_s, 1 s"],
    ["returns too much", () => ({ a: "x".repeat(20_000) }), "it returned 20008 characters of JSON, more than 16384"],
  ] as [string, () => unknown, string][])(
    "keep what they were where the method %s, with one warning",
    async (_, fail, reason) => {
      let record: () => unknown = () => ({ good: true });
      const t = setUp(() => record());
      t.stats.configure({ periodS: 2, timeoutS: 1 });
      await settled();
      record = fail;
      for (let i = 0; i < 4; i++) {
        await t.pass(2_000);
        await t.pass(1_000);
      }
      expect(t.stats.latest).toBe('{"good":true}');
      expect(t.warned).toHaveLength(1);
      expect(t.warned[0]).toContain(reason);
      t.stats.stop();
    },
  );
});
