import { describe, expect, it } from "vitest";
import { type RevisionTraffic, TrafficSums } from "../../src/controller/traffic.ts";

function traffic(revision: number, requests: number, errors: number, latencyBuckets: number[] = []): RevisionTraffic {
  return { application: "a", revision, requests, errors, latencyBuckets };
}

describe("the sums of what proxies report", () => {
  it("add up by revision, over reports of several proxies", () => {
    const sums = new TrafficSums();
    sums.follow("a");
    sums.report([traffic(1, 10, 1, [0, 9, 1]), traffic(2, 5, 0)]);
    sums.report([traffic(1, 10, 2, [0, 0, 0, 10])]);
    expect(sums.sample("a", 1, 0.5)).toEqual({
      requests: 20,
      errors: 3,
      latencyMs: 1.1 ** 2,
      latencyBuckets: [0, 9, 1, 10],
    });
    expect(sums.sample("a", 2, 0.5)).toEqual({ requests: 5, errors: 0, latencyMs: null, latencyBuckets: [] });
    expect(sums.sample("a", 3, 0.5)).toEqual({ requests: 0, errors: 0, latencyMs: null, latencyBuckets: [] });
  });

  it("ignore applications that are not followed, and begin anew when followed again", () => {
    const sums = new TrafficSums();
    sums.report([traffic(1, 10, 1)]);
    expect(sums.follows("a")).toBe(false);
    sums.follow("a");
    expect(sums.sample("a", 1, 0.5).requests).toBe(0);
    sums.report([traffic(1, 10, 1)]);
    sums.follow("a");
    expect(sums.sample("a", 1, 0.5).requests).toBe(0);
    sums.report([traffic(1, 7, 1)]);
    sums.unfollow("a");
    expect(sums.sample("a", 1, 0.5).requests).toBe(0);
  });

  it.each([
    [0.5, 1.1 ** 3],
    [0.9, 1.1 ** 3],
    [0.91, 1.1 ** 10],
    [1, 1.1 ** 10],
  ])("tell the bucket that holds the quantile %d", (quantile, latencyMs) => {
    const sums = new TrafficSums();
    sums.follow("a");
    const buckets = Array.from({ length: 11 }, (_, index) => (index === 3 ? 90 : index === 10 ? 10 : 0));
    sums.report([traffic(1, 100, 0, buckets)]);
    expect(sums.sample("a", 1, quantile).latencyMs).toBeCloseTo(latencyMs, 9);
  });

  it("hold no more buckets than a latency can need", () => {
    const sums = new TrafficSums();
    sums.follow("a");
    const buckets = Array.from({ length: 100_000 }, () => 1);
    sums.report([traffic(1, 100, 0, buckets)]);
    expect(sums.sample("a", 1, 1).latencyMs).toBeCloseTo(1.1 ** 199, 0);
  });
});
