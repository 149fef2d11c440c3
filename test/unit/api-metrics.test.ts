import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { Snapshot } from "../../src/controller/controller.ts";
import { createControllerMetrics } from "../../src/controller/controller-metrics.ts";
import type { ApplicationStatus, DeploymentStatus, ProxyRecord } from "../../src/controller/records.ts";
import { keys } from "../../src/controller/records.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import type { EngineEvent } from "../../src/engine/engine.ts";
import type { ProxyEvent } from "../../src/engine/proxies.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { watchEventLoop } from "../../src/observability/loop-monitor.ts";
import { type MetricFamily, MetricSet } from "../../src/observability/metric-set.ts";
import { countDecisions } from "../../src/observability/router-decisions.ts";
import type { ScalingFigures } from "../../src/observability/scaling-metrics.ts";
import { createIngressMetrics } from "../../src/proxy/ingress-metrics.ts";
import { createRequestMetrics } from "../../src/replica/request-metrics.ts";
import { RoutingStats } from "../../src/replica/routing-stats.ts";
import { createRouterMetrics } from "../../src/routing/router-metrics.ts";
import { makeHandle } from "../../src/sdk/handle.ts";
import { batch, multiplexed } from "../../src/sdk/index.ts";
import { type HandleCall, runtime } from "../../src/sdk/runtime.ts";
import { ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { openStream } from "../support/event-stream.ts";
import { parseExposition } from "../support/exposition.ts";
import { applicationRecord, deploymentRecord, instanceRecord, put } from "../support/fake-controller.ts";
import { scriptedRouter } from "../support/scripted-router.ts";

interface Scrape {
  /** `name{labels} value` by `name{labels}`. */
  readonly series: ReadonlyMap<string, number>;
  /** Type of each metric. */
  readonly types: ReadonlyMap<string, string>;
}

async function scrape(api: TestApi, token = api.tokens.viewer): Promise<Scrape> {
  const { status, headers, text } = await ask(api.port, { path: "/metrics", token });
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
  const series = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\w+) (\w+)$/.exec(line);
    if (type !== null) types.set(type[1]!, type[2]!);
    if (line === "" || line.startsWith("#")) continue;
    // The format of a sample, as Prometheus reads it.
    const sample = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (\S+)$/.exec(line);
    expect([line, sample]).not.toEqual([line, null]);
    series.set(sample![1]!, Number(sample![2]));
  }
  return { series, types };
}

/** All that the SDK counts in a replica. */
async function replicaFamilies() {
  const model = multiplexed({ maxNumModelsPerReplica: 1 }, async (id: string) => id);
  const call = batch({ maxBatchSize: 2 }, async (ids: string[]) => Promise.all(ids.map((id) => model(id))));
  expect(await Promise.all([call("m"), call("n")])).toEqual(["m", "n"]);
  const set = new MetricSet();
  const requests = createRequestMetrics(set, { clock: systemClock, ongoing: () => 1, maxOngoing: () => 5 });
  requests.started();
  requests.ended("/a", undefined, 1, 0);
  requests.ended("/a", "TypeError", 1, 0);
  const stats = new RoutingStats({
    ...{ clock: systemClock, logger: silentLogger, baseDir: "", metrics: set, onNews: () => {} },
    record: () => {
      throw new TypeError("as asked");
    },
  });
  stats.configure();
  stats.stop();
  const handle = makeHandle<(value: unknown) => number>(
    ...(["a", "Echo"] as const),
    {},
    () => ({ unary: async ({ args }: HandleCall) => args[0] }) as never,
  );
  expect(await handle.remote(handle.remote(1))).toBe(1);
  return [...set.families(), ...runtime().metrics.families()];
}

/** All that the controller counts. */
async function controllerFamilies(now: Snapshot): Promise<MetricFamily[]> {
  const node = { nodeId: "n", nodeIp: "127.0.0.1" };
  const counts = createControllerMetrics(systemClock, { actorId: "controller", ...node });
  let tell: (event: EngineEvent) => void = () => {};
  const nothing = (): void => {};
  const engine = counts.engine({
    ...{ start: nothing, checkHealth: nothing, reconfigure: nothing, stop: nothing },
    onEvent: (listener: typeof tell) => {
      tell = listener;
    },
  } as never);
  engine.onEvent(nothing);
  for (const id of ["r1", "r2"]) {
    engine.start({ application: "a", deployment: "Echo", id } as never);
    tell({ kind: "spawned", id, process: {} as never });
    tell({ kind: "ready", id, address: "" });
    engine.checkHealth(id, 1);
    tell({ kind: "health", id, error: "ill" });
    engine.reconfigure(id, {} as never, {} as never);
    tell({ kind: "reconfigured", id, settings: "" });
  }
  engine.stop("r2", 1);
  tell({ kind: "exited", id: "r2", detail: "" });
  let end: (event: ProxyEvent) => void = () => {};
  const proxies = counts.proxies({
    ...{ start: nothing, stop: nothing },
    onEvent: (listener) => {
      end = listener;
    },
  });
  proxies.onEvent(nothing);
  proxies.stop();
  end({ kind: "ended", id: "0" });
  counts.turn(1, 2);
  return counts.families(now);
}

/** All that a proxy counts. */
function proxyFamilies(): MetricFamily[] {
  const set = new MetricSet();
  const request = { route: "/a", method: "GET", application: "a", deployment: "Echo", latencyMs: 4 };
  const http = createIngressMetrics(set, "http");
  http.ended({ ...request, status: "200", failed: false });
  http.ended({ ...request, status: "503", failed: true });
  const t = scriptedRouter(
    undefined,
    undefined,
    undefined,
    createRouterMetrics(set, { actorId: "proxy/0", source: "PROXY" }),
  );
  t.apply(["a"]);
  t.send();
  const called = { application: "a", deployment: "Echo" };
  const decisions = countDecisions(set, silentLogger, () => ({ load: () => [{ ...called, ejected: 1 }] }));
  decisions.refused(called, "full");
  for (const granted of [true, false]) decisions.retried(called, granted);
  decisions.ejected(called, { id: "r1", failures: 5, forMs: 1, error: "x" });
  watchEventLoop(set, systemClock, { component: "proxy", actorId: "proxy/0" });
  return set.families();
}

const values = ({ series }: Scrape, name: string): Record<string, number> =>
  Object.fromEntries(
    [...series].filter(([key]) => key.startsWith(`${name}{`)).map(([key, value]) => [key.slice(name.length), value]),
  );

/** Of a deployment of which everything is known. */
const FIGURES: ScalingFigures = {
  application: "a",
  deployment: "Echo",
  followed: {
    desired: 12,
    target: 10,
    totalRequests: 23.5,
    targetOngoingRequests: 2,
    policy: { scope: "application", tookMs: 4.25 },
    handleDelayMs: 1.5,
    replicaDelayMs: 0,
    stats: { latencyMs: 2.5, failures: new Map([["TypeError", 3]]) },
  },
  shadowReplicas: 7,
};

describe("GET /metrics", () => {
  it("tells where applications, deployments and proxies stand", async () => {
    await using api = await startTestApi();
    const first = await scrape(api);
    expect(values(first, "serve_application_status")).toEqual({ '{application="a"}': 6, '{application="b"}': 6 });
    expect(values(first, "serve_deployment_status")).toEqual({
      '{deployment="Echo",application="a"}': 6,
      '{deployment="Echo",application="b"}': 6,
    });
    const [proxy] = Object.entries(values(first, "serve_proxy_status"));
    expect(proxy).toEqual([expect.stringMatching(/^\{node_id="[0-9a-f]{56}",node_ip_address="127\.0\.0\.1"\}$/), 2]);
    expect(first.series.get("windlass_store_revision")).toBe(api.store.revision);
    expect(first.series.get("windlass_watchers")).toBe(0);
    expect(first.series.get("windlass_spare_replicas")).toBe(0);
    expect(first.series.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    expect(first.types.get("nodejs_eventloop_lag_seconds")).toBe("gauge");
  });

  it("shows the numbers of the reference for each status", async () => {
    await using api = await startTestApi();
    const applications: [ApplicationStatus, number][] = [
      ["DEPLOY_FAILED", 1],
      ["UNHEALTHY", 2],
      ["NOT_STARTED", 3],
      ["DELETING", 4],
      ["DEPLOYING", 5],
      ["RUNNING", 6],
    ];
    for (const [status, number] of applications) {
      await api.write(put.application(applicationRecord("a", { status })));
      expect(values(await scrape(api), "serve_application_status")['{application="a"}']).toBe(number);
    }
    const deployments: [DeploymentStatus, number][] = [
      ["DEPLOY_FAILED", 1],
      ["UNHEALTHY", 2],
      ["UPDATING", 3],
      ["UPSCALING", 4],
      ["DOWNSCALING", 5],
      ["HEALTHY", 6],
    ];
    for (const [status, number] of deployments) {
      await api.write(put.deployment(deploymentRecord("a", "Echo", { status })));
      const name = '{deployment="Echo",application="a"}';
      expect(values(await scrape(api), "serve_deployment_status")[name]).toBe(number);
    }
    const proxies: [ProxyRecord["state"], number][] = [
      ["starting", 1],
      ["healthy", 2],
      ["unhealthy", 3],
      ["draining", 4],
    ];
    for (const [state, number] of proxies) {
      await api.write(put.proxy({ id: "proxy/0", pid: 1, state }));
      expect(Object.values(values(await scrape(api), "serve_proxy_status"))).toEqual([number]);
    }
  });

  it("keeps series only of what exists, however much came and went", async () => {
    await using api = await startTestApi();
    const before = [...(await scrape(api)).series.keys()].filter((key) => key.startsWith("serve_"));
    for (let round = 0; round < 3; round++) {
      const names = Array.from({ length: 50 }, (_, i) => `r${round}-${i}`);
      await api.write(
        ...names.map((name) => put.application(applicationRecord(name))),
        ...names.map((name) => put.deployment(deploymentRecord(name, "D"))),
      );
      expect(Object.keys(values(await scrape(api), "serve_application_status")).length).toBe(52);
      await api.write(
        ...names.map((name) => ({ kind: "delete", key: keys.application(name) }) as const),
        ...names.map((name) => ({ kind: "delete", key: keys.deployment(name, "D") }) as const),
      );
    }
    expect([...(await scrape(api)).series.keys()].filter((key) => key.startsWith("serve_"))).toEqual(before);
    await api.write(put.instance(instanceRecord({ state: "absent" })));
    expect(values(await scrape(api), "serve_proxy_status")).toEqual({});
  });

  it("tells what the autoscaler decided last, and what is not known of a deployment has no series", async () => {
    await using api = await startTestApi();
    const { policy: _policy, stats: _stats, ...followed } = FIGURES.followed!;
    api.controller.scalingFigures = () => [
      FIGURES,
      {
        application: "a",
        deployment: 'b"\\\n',
        followed: { ...followed, targetOngoingRequests: null, handleDelayMs: null, replicaDelayMs: null },
      },
      { application: "b", deployment: "Echo", shadowReplicas: 0 },
    ];
    const { series } = await scrape(api);
    const found = [...series].filter(([name]) => name.includes("_autoscaling_"));
    const echo = 'deployment="Echo",application="a"';
    const other = 'deployment="b\\"\\\\\\n",application="a"';
    expect(Object.fromEntries(found)).toEqual({
      [`serve_autoscaling_desired_replicas{${echo}}`]: 12,
      [`serve_autoscaling_desired_replicas{${other}}`]: 12,
      [`serve_autoscaling_target_replicas{${echo}}`]: 10,
      [`serve_autoscaling_target_replicas{${other}}`]: 10,
      [`serve_autoscaling_total_requests{${echo}}`]: 23.5,
      [`serve_autoscaling_total_requests{${other}}`]: 23.5,
      [`serve_autoscaling_target_ongoing_requests{${echo}}`]: 2,
      [`serve_autoscaling_policy_execution_time_ms{${echo},policy_scope="application"}`]: 4.25,
      [`serve_autoscaling_handle_metrics_delay_ms{${echo}}`]: 1.5,
      [`serve_autoscaling_replica_metrics_delay_ms{${echo}}`]: 0,
      [`serve_user_autoscaling_stats_latency_ms{${echo}}`]: 2.5,
      [`serve_record_autoscaling_stats_failed{${echo},exception_name="TypeError"}`]: 3,
      [`windlass_autoscaling_shadow_replicas{${echo}}`]: 7,
      'windlass_autoscaling_shadow_replicas{deployment="Echo",application="b"}': 0,
    });
  });

  it("escapes names that hold anything", async () => {
    await using api = await startTestApi({ seed: [put.application(applicationRecord('a"b\\c é'))] });
    expect(values(await scrape(api), "serve_application_status")).toEqual({ '{application="a\\"b\\\\c é"}': 6 });
  });

  it("counts watches", async () => {
    await using api = await startTestApi();
    const watch = await openStream(api.port, "/api/v1/watch", { authorization: `Bearer ${api.tokens.viewer}` });
    expect((await scrape(api)).series.get("windlass_watchers")).toBe(1);
    watch.cut();
    await vi.waitFor(async () => expect((await scrape(api)).series.get("windlass_watchers")).toBe(0));
  });

  it.each([
    ["admin", 200],
    ["deployer", 200],
    ["viewer", 200],
    ["scaler", 403],
    ["derived", 403],
    ["nobody", 401],
  ] as const)("answers %s with %i", async (who, status) => {
    await using api = await startTestApi();
    const token = who === "nobody" ? undefined : api.tokens[who];
    const answer = await ask(api.port, { path: "/metrics", token });
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.text).not.toContain("serve_");
  });
});

describe("what replicas counted", () => {
  it("is shown for each replica, histograms with their buckets, and once by name", async () => {
    await using api = await startTestApi();
    const counter = { name: "c", help: "C.", kind: "counter", labelNames: ["route"] } as const;
    const histogram = { name: "h", help: "H.", kind: "histogram", labelNames: [], bounds: [1, 5] } as const;
    const replica = (id: string, families: MetricFamily[]) => ({ application: "a", deployment: "D", id, families });
    api.controller.replicaMetrics = () => [
      replica("r1", [
        { ...counter, series: [{ labels: ['/"x"'], value: 3 }] },
        { ...histogram, series: [{ labels: [], value: 9.5, counts: [1, 0, 2] }] },
      ]),
      replica("r2", [
        { ...counter, series: [{ labels: ["/"], value: 1 }] },
        { ...histogram, kind: "gauge", series: [{ labels: [], value: 1 }] },
      ]),
    ];
    const scraped = await scrape(api);
    const r1 = 'deployment="D",replica="r1",application="a"';
    expect(values(scraped, "c")).toEqual({
      [`{${r1},route="/\\"x\\""}`]: 3,
      [`{${r1.replace("r1", "r2")},route="/"}`]: 1,
    });
    expect([...scraped.series].filter(([key]) => key.startsWith("h"))).toEqual([
      [`h_bucket{${r1},le="1"}`, 1],
      [`h_bucket{${r1},le="5"}`, 1],
      [`h_bucket{${r1},le="+Inf"}`, 3],
      [`h_sum{${r1}}`, 9.5],
      [`h_count{${r1}}`, 3],
    ]);
    expect([scraped.types.get("c"), scraped.types.get("h")]).toEqual(["counter", "histogram"]);
  });
});

describe("docs/metrics.md", () => {
  it("lists each metric of ours with its type, labels and numbers, and no other", async () => {
    let counted: MetricFamily[] = [];
    await using api = await startTestApi({ counted: () => counted });
    counted = await controllerFamilies(api.controller.snapshot());
    api.controller.scalingFigures = () => [FIGURES];
    const families = await replicaFamilies();
    api.controller.replicaMetrics = () => [{ application: "a", deployment: "Echo", id: "r1", families }];
    api.controller.proxyMetrics = () => [{ id: "proxy/0", families: proxyFamilies() }];
    const { series, types } = await scrape(api);
    const { text } = await ask(api.port, { path: "/metrics", token: api.tokens.viewer });
    const page = readFileSync(join(import.meta.dirname, "../../docs/metrics.md"), "utf8");
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$/gm)].map(
      ([, name, type, labels, value]) => ({ name: name!, type: type!, labels: labels!, value: value! }),
    );
    const ours = [...types].filter(([name]) => !/^(process|nodejs)_/.test(name));
    expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toEqual(Object.fromEntries(ours));
    parseExposition(text);
    for (const { name, labels, value } of rows) {
      const sample = [...series.keys()].find((key) => key.replace(/(_count)?(\{.*)?$/, "") === name)!;
      const used = [...sample.matchAll(/(\w+)="/g)].map(([, label]) => `\`${label}\``);
      expect([name, labels]).toEqual([name, used.join(", ")]);
      const help = new RegExp(`^# HELP ${name} (.*)\\.$`, "m").exec(text)![1]!;
      const numbers = (legend: string): string => legend.replace(/^[^0-9]*/, "");
      if (/\d/.test(help)) expect([name, numbers(value)]).toEqual([name, numbers(help)]);
      else expect([name, value.toLowerCase()]).toEqual([name, help.toLowerCase()]);
    }
  });
});
