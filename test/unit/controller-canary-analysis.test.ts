import { describe, expect, it } from "vitest";
import { analyseCanary, type RevisionSample } from "../../src/controller/canary-analysis.ts";
import type { CanaryAnalysis } from "../../src/controller/records.ts";
import { TrafficSums } from "../../src/controller/traffic.ts";
import { seededRandom } from "../support/seeded-random.ts";

const ANALYSIS: CanaryAnalysis = {
  minRequests: 100,
  maxErrorRateIncrease: 0.01,
  maxLatencyRatio: 2,
  latencyQuantile: 0.95,
};

/** All requests take as long. */
function sample(requests: number, errors: number, latencyMs: number | null = 20): RevisionSample {
  return { requests, errors, latencyMs, latencyBuckets: latencyMs === null ? [] : bucketsOf(latencyMs, requests) };
}

function bucketsOf(latencyMs: number, count: number): number[] {
  const index = bucketOf(latencyMs);
  return Array.from({ length: index + 1 }, (_, at) => (at === index ? count : 0));
}

const bucketOf = (ms: number): number => Math.max(0, Math.ceil(Math.log(ms) / Math.log(1.1)));

describe("the analysis of a canary", () => {
  it.each([
    ["too few requests say nothing, even if all of them failed", sample(99, 99), sample(900, 0), "too-few"],
    ["no errors on either side are good", sample(100, 0), sample(900, 0), "good"],
    ["5 % against none is a breach with 100 requests", sample(100, 5), sample(900, 0), "breach"],
    ["an increase within the limit is good", sample(1000, 10), sample(9000, 0), "good"],
    ["an increase that may be chance is unclear", sample(100, 3), sample(100, 0), "unclear"],
    ["the same increase over more requests is a breach", sample(2000, 60), sample(2000, 0), "breach"],
    ["as many errors as before are good", sample(200, 20), sample(1800, 180), "good"],
    [
      "a stable revision without requests counts as one without errors",
      sample(1000, 100),
      sample(0, 0, null),
      "breach",
    ],
    ["twice the latency is still good", sample(100, 0, 40), sample(100, 0, 20), "good"],
    ["more than twice is a breach", sample(100, 0, 41), sample(100, 0, 20), "breach"],
    ["a few ms are nobody's concern", sample(100, 0, 9), sample(100, 0, 1), "good"],
    ["latency is not compared with too few stable requests", sample(100, 0, 90), sample(99, 0, 20), "good"],
    ["latency is not compared without requests on the other side", sample(100, 0, 90), sample(0, 0, null), "good"],
  ] as const)("%s", (_, canary, stable, kind) => {
    expect(analyseCanary(canary, stable, ANALYSIS).kind).toBe(kind);
  });

  it("names both rates and the limit", () => {
    expect(analyseCanary(sample(200, 10), sample(1800, 9), ANALYSIS)).toEqual({
      kind: "breach",
      reason: "5 % of its 200 requests failed, of the stable revision's 1800 0.5 %; the limit is 1 % more",
    });
  });

  it("does not compare latency where the config says so", () => {
    const analysis = { ...ANALYSIS, maxLatencyRatio: null };
    expect(analyseCanary(sample(100, 0, 9000), sample(100, 0, 20), analysis).kind).toBe("good");
  });

  /** Looks after each `each` requests of the canary, as a running step does, until it breaches or `total` are seen. */
  function run(seed: number, rates: { canary: number; stable: number }, weight: number, total: number): string {
    const random = seededRandom(seed);
    const canary = { requests: 0, errors: 0 };
    const stable = { requests: 0, errors: 0 };
    for (let looked = 0; canary.requests < total; ) {
      const chosen = random.next() < weight ? canary : stable;
      chosen.requests += 1;
      if (random.next() < (chosen === canary ? rates.canary : rates.stable)) chosen.errors += 1;
      if (canary.requests - looked < 20) continue;
      looked = canary.requests;
      const verdict = analyseCanary(
        sample(canary.requests, canary.errors, 1),
        sample(stable.requests, stable.errors, 1),
        ANALYSIS,
      );
      if (verdict.kind === "breach") return "breach";
    }
    return "through";
  }

  it.each([0, 0.001, 0.05, 0.5])("lets equal revisions that fail at a rate of %d through", (rate) => {
    const breaches = Array.from({ length: 300 }, (_, seed) =>
      run(seed + 1, { canary: rate, stable: rate }, 0.1, 1000),
    ).filter((outcome) => outcome === "breach").length;
    expect(breaches).toBeLessThan(3);
  });

  it.each([0.1, 0.5])("finds a twentieth of errors within 1,000 requests at a weight of %d", (weight) => {
    const missed = Array.from({ length: 300 }, (_, seed) =>
      run(seed + 1, { canary: 0.05, stable: 0 }, weight, 1000),
    ).filter((outcome) => outcome !== "breach").length;
    expect(missed).toBeLessThan(3);
  });

  /** As `run`, with latencies alone; `draw` makes one of a request. */
  function runLatency(seed: number, draw: (canary: boolean, random: () => number) => number, total: number): string {
    const sums = new TrafficSums();
    sums.follow("a");
    const random = seededRandom(seed);
    let canaries = 0;
    for (let looked = 0; canaries < total; ) {
      const chosen = random.next() < 0.1;
      const bucket = bucketOf(draw(chosen, () => random.next()));
      const latencyBuckets = Array.from({ length: bucket + 1 }, (_, at) => (at === bucket ? 1 : 0));
      sums.report([{ application: "a", revision: chosen ? 2 : 1, requests: 1, errors: 0, latencyBuckets }]);
      if (chosen) canaries += 1;
      if (canaries - looked < 20) continue;
      looked = canaries;
      if (analyseCanary(sums.sample("a", 2, 0.95), sums.sample("a", 1, 0.95), ANALYSIS).kind === "breach")
        return "breach";
    }
    return "through";
  }

  const LATENCIES = [
    ["of one kind", (random: () => number) => 20 + 20 * random()],
    ["of two kinds with the quantile between them", (random: () => number) => (random() < 0.049 ? 400 : 20)],
    ["with a long tail", (random: () => number) => 10 / Math.sqrt(random() + 1e-6)],
  ] as const;

  it.each(LATENCIES)("lets equal revisions with latencies %s through", (_, draw) => {
    const outcomes = Array.from({ length: 25 }, (_, seed) => runLatency(seed + 1, (_, random) => draw(random), 600));
    expect(outcomes.filter((outcome) => outcome === "breach")).toEqual([]);
  });

  it.each(LATENCIES)("finds a canary three times as slow, with latencies %s", (_, draw) => {
    const slower = (canary: boolean, random: () => number): number => draw(random) * (canary ? 3 : 1);
    const outcomes = Array.from({ length: 30 }, (_, seed) => runLatency(seed + 1, slower, 600));
    // Where the quantile lies between two kinds it may be either.
    expect(outcomes.filter((outcome) => outcome !== "breach").length).toBeLessThan(3);
  });
});
