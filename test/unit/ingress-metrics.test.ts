import { createHash } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { type MetricFamily, MetricSet } from "../../src/observability/metric-set.ts";
import { closeLabel, createIngressMetrics, methodLabel } from "../../src/proxy/ingress-metrics.ts";
import { MetricsReporter } from "../../src/proxy/metrics-reporter.ts";
import { startFakeReplica, targetsOf } from "../support/fake-replica.ts";
import { startHttpProxy } from "../support/http-proxy.ts";
import { tempDir } from "../support/temp-dir.ts";
import { VirtualClock } from "../support/virtual-clock.ts";
import { dial } from "../support/websocket-client.ts";

const table = (families: readonly MetricFamily[], name: string): Record<string, number> =>
  Object.fromEntries(
    families.find((family) => family.name === name)?.series.map(({ labels, value }) => [labels.join(" "), value]) ?? [],
  );

describe("what a proxy counts", () => {
  it("is each request by route, method, application and status, errors again, and those under way", async () => {
    const set = new MetricSet();
    const { port, apply } = await startHttpProxy({ metrics: createIngressMetrics(set, "http") });
    const replica = await startFakeReplica(tempDir(), "r");
    const held: (() => void)[] = [];
    replica.handler = (req, res) => {
      if (req.headers["x-windlass-kind"] === "websocket") {
        const key = `${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
        res.writeHead(101, { "sec-websocket-accept": createHash("sha1").update(key).digest("base64") });
        res.flushHeaders();
        req.resume().on("end", () => res.end());
      } else if (req.url === "/a/fails") res.writeHead(500).end();
      else if (req.url === "/a/held") held.push(() => res.end());
      else res.end("ok");
    };
    apply({ routes: [{ prefix: "/a", application: "app", deployment: "d" }], deployments: [targetsOf([replica])] });
    const ask = (path: string, method = "GET") => {
      const req = httpRequest({ port, path, method, agent: false });
      req.on("response", (res) => void res.resume());
      req.on("error", () => {});
      return req.end();
    };
    const ongoing = () => table(set.families(), "serve_num_ongoing_http_requests")[""];

    const left = ask("/a/held");
    await vi.waitFor(() => expect(held).toHaveLength(1));
    expect(ongoing()).toBe(1);
    left.destroy();
    for (const path of ["/a", "/a/fails", "/none", "/-/healthz"]) await once(ask(path), "close");
    await once(ask("/a", "PROPFIND"), "close");
    const { socket } = await dial(`http://127.0.0.1:${port}/a`);
    expect(ongoing()).toBe(1);
    socket.terminate();

    await vi.waitFor(() =>
      expect(table(set.families(), "serve_num_http_requests")).toEqual({
        "/a GET app 499": 1,
        "/a GET app 200": 1,
        "/a GET app 500": 1,
        " GET  404": 1,
        "/-/healthz GET  200": 1,
        "/a OTHER app 200": 1,
        "/a WS app 1006": 1,
      }),
    );
    expect(table(set.families(), "serve_num_http_error_requests")).toEqual({
      "/a 499 GET app": 1,
      "/a 500 GET app": 1,
      " 404 GET ": 1,
      "/a 1006 WS app": 1,
    });
    expect(table(set.families(), "serve_num_deployment_http_error_requests")).toEqual({
      "d 499 GET /a app": 1,
      "d 500 GET /a app": 1,
      "d 1006 WS /a app": 1,
    });
    const latency = set.families().find(({ name }) => name === "serve_http_request_latency_ms")!;
    expect(latency.series.reduce((sum, { counts }) => sum + counts!.reduce((a, b) => a + b), 0)).toBe(7);
    expect(ongoing()).toBe(0);
  });

  it("has few labels, whatever clients send", () => {
    expect(["GET", "WS", "BREW"].map(methodLabel)).toEqual(["GET", "WS", "OTHER"]);
    expect([1000, 1006, 1011, 2999, 3001, 4711].map(closeLabel)).toEqual([
      ...["1000", "1006", "1011", "1002", "3000-3999", "4000-4999"],
    ]);
  });
});

describe("telling the controller", () => {
  it("happens when it comes up, then every 2 s while something changed, and again after a failure", async () => {
    const clock = new VirtualClock(0);
    const set = new MetricSet();
    const metrics = createIngressMetrics(set, "http");
    const told: number[] = [];
    let away = false;
    const reporter = new MetricsReporter(set, clock, async (families) => {
      told.push(families.length);
      if (away) throw new Error("away");
    });
    reporter.connected();
    expect(told).toEqual([1]);
    await clock.advance(10_000);
    expect(told).toEqual([1]);
    const over = metrics.began();
    await clock.advance(2_000);
    expect(told).toEqual([1, 1]);
    over();
    metrics.ended({
      route: "/",
      method: "GET",
      application: "a",
      deployment: "d",
      status: "200",
      failed: false,
      latencyMs: 1,
    });
    away = true;
    await clock.advance(2_000);
    expect(told).toEqual([1, 1, 3]);
    await Promise.resolve();
    away = false;
    await clock.advance(2_000);
    expect(told).toEqual([1, 1, 3, 3]);
    reporter.disconnected();
    metrics.began();
    await clock.advance(10_000);
    expect(told).toHaveLength(4);
  });
});
