import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { type PrometheusReading, prometheusAnswer, readPrometheusResult } from "../../src/autoscaling/prometheus.ts";
import { type PrometheusKwargs, readPrometheusKwargs } from "../../src/config/policy-kwargs.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { queryPrometheus } from "../../src/policy-host/query.ts";
import { policyInputOf } from "../support/policies.ts";

const NOW_S = 1_800_000_000;

function kwargsOf(given: object = {}): PrometheusKwargs {
  const target = "target_value" in given ? {} : { per_replica: 10 };
  const read = readPrometheusKwargs({ url: "http://localhost:9090", query: "up", ...target, ...given });
  if (!read.ok) throw new Error(read.issues[0]!.message);
  return read.kwargs;
}

const fresh = (value: number, ageS = 1): PrometheusReading => ({
  sample: { value, atS: NOW_S - ageS },
  problem: null,
  asked: true,
});
const NONE: PrometheusReading = { sample: null, problem: "the query matches nothing", asked: true };
const UNASKED: PrometheusReading = { sample: null, problem: null, asked: false };
const TARGET = { target_value: 10 };

// 2 replicas run, the target is 2, and 8 requests need 4.
describe("a Prometheus value", () => {
  it.each([
    ["is divided by what one replica carries", {}, fresh(55), {}, 5.5],
    ["scales what runs by its ratio to the target", TARGET, fresh(15), {}, 3],
    [
      "wakes one replica by its target where none runs",
      TARGET,
      fresh(15),
      { currentNumReplicas: 0, targetNumReplicas: 0 },
      1,
    ],
    ["of 0 wakes none", TARGET, fresh(0), { currentNumReplicas: 0, targetNumReplicas: 0 }, 0],
    ["replaces what requests need", {}, fresh(10), {}, 1],
    ["is joined by max where that is said", { compose: "max" }, fresh(10), {}, 4],
    ["wins by max where it is larger", { compose: "max" }, fresh(90), {}, 9],
    ["is good until it is as old as freshness_s", { freshness_s: 60 }, fresh(30, 60), {}, 3],
    ["is not old after the clock was set back", { freshness_s: 60 }, fresh(30, -500), {}, 3],
  ])("%s", (_, given, reading, input, desired) => {
    const answer = prometheusAnswer(kwargsOf(given), reading, policyInputOf(input));
    expect(answer).toEqual({ kind: "wish", desired, warning: null });
  });
});

describe("without a value", () => {
  const LONG = "the Prometheus query has had no value for as long as this has run: the query matches nothing";

  it.each([
    ["the target is held", {}, NONE, { kind: "hold", reason: LONG }],
    [
      "an old one counts as none",
      { freshness_s: 60 },
      { ...fresh(30, 61), problem: "the server answered 503, and no JSON" },
      {
        kind: "hold",
        reason: "the Prometheus query has had no value for more than 60 s: the server answered 503, and no JSON",
      },
    ],
    [
      "requests still raise a held target with compose max",
      { compose: "max" },
      NONE,
      { kind: "wish", desired: 4, warning: `${LONG}; requests still raise the target` },
    ],
    [
      "min_replicas applies with min",
      { missing: "min" },
      NONE,
      { kind: "wish", desired: 1, warning: `${LONG}; min_replicas applies` },
    ],
    [
      "requests decide above it with min and compose max",
      { missing: "min", compose: "max" },
      NONE,
      { kind: "wish", desired: 4, warning: `${LONG}; min_replicas applies` },
    ],
    [
      "requests decide with ignore",
      { missing: "ignore" },
      NONE,
      { kind: "wish", desired: 4, warning: `${LONG}; requests decide` },
    ],
    [
      "nothing is concluded before the first query has ended",
      { missing: "min" },
      UNASKED,
      { kind: "hold", reason: "the Prometheus query has not been answered yet" },
    ],
  ] as const)("%s", (_, given, reading, expected) => {
    expect(prometheusAnswer(kwargsOf(given), reading, policyInputOf())).toEqual(expected);
  });
});

const vector = (...values: string[]) => ({
  status: "success",
  data: { resultType: "vector", result: values.map((value) => ({ metric: {}, value: [NOW_S, value] })) },
});

describe("an answer of Prometheus", () => {
  it.each([
    ["one sample", vector("4.5"), { value: 4.5 }],
    ["a scalar", { status: "success", data: { resultType: "scalar", result: [NOW_S, "7"] } }, { value: 7 }],
    ["nothing", vector(), { problem: "the query matches nothing" }],
    ["several series", vector("1", "2"), { problem: "the query gives 2 series; join them, e.g. with sum(...)" }],
    ["not a number", vector("NaN"), { problem: "the query gives NaN" }],
    ["an infinite number", vector("+Inf"), { problem: "the query gives +Inf" }],
    [
      "a range",
      { status: "success", data: { resultType: "matrix", result: [] } },
      { problem: "the query gives a matrix; write one that gives one number, e.g. with sum(...)" },
    ],
    ["an error", { status: "error", error: "parse error" }, { problem: 'the server says "parse error"' }],
    ["something else", { hello: 1 }, { problem: "the answer is not one of a Prometheus server" }],
    ["a list", [1], { problem: "the answer is not one of a Prometheus server" }],
  ])("that holds %s is read", (_, body, expected) => {
    expect(readPrometheusResult(body)).toEqual(expected);
  });
});

describe("a query", () => {
  async function serverUrl(answer: Parameters<typeof createServer>[1]): Promise<string> {
    const server = createServer(answer!);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.closeAllConnections());
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it("asks for fresh samples only, below the URL's path, with the token of the environment", async () => {
    const seen: (string | undefined)[] = [];
    const url = await serverUrl((request, response) => {
      seen.push(request.url, request.headers.authorization);
      response.end(JSON.stringify(vector("3")));
    });
    const kwargs = kwargsOf({ url: `${url}/prom/`, query: "sum(up)", freshness_s: 30, bearer_token_env: "TOKEN" });
    expect(await queryPrometheus(kwargs, systemClock, { TOKEN: "secret" })).toEqual({ value: 3 });
    expect(seen).toEqual(["/prom/api/v1/query?query=sum%28up%29&timeout=5s&lookback_delta=30s", "Bearer secret"]);
  });

  it("says what is wrong in one line", async () => {
    const silent = await serverUrl(() => {});
    const html = await serverUrl((_, response) => void response.writeHead(502).end("<html>"));
    const huge = await serverUrl((_, response) => void response.end(Buffer.alloc(2 << 20)));
    const ask = (given: object) => queryPrometheus(kwargsOf(given), systemClock, {});
    expect(await ask({ url: silent, timeout_s: 0.1 })).toEqual({ problem: "the server did not answer within 0.1 s" });
    expect(await ask({ url: html })).toEqual({ problem: "the server answered 502, and no JSON" });
    expect(await ask({ url: huge })).toEqual({
      problem: expect.stringContaining("cannot be asked: its answer is larger than 1 MiB; aggregate in the query"),
    });
    expect(await ask({ url: "http://127.0.0.1:1" })).toEqual({
      problem: expect.stringMatching(/^127\.0\.0\.1:1 cannot be asked: /),
    });
    expect(await ask({ bearer_token_env: "TOKEN" })).toEqual({
      problem: "the environment variable TOKEN is empty; set it in runtime_env.env_vars",
    });
  });
});
