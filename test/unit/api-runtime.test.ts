import * as http2 from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  ControllerRuntimeService,
  WatchRoutesRequestSchema,
} from "../../gen/windlass/runtime/v1/controller_runtime_service_pb.ts";
import { createDualServer } from "../../src/api/dual-server.ts";
import { send, text } from "../../src/api/http.ts";
import { createRuntimeHandler } from "../../src/api/runtime.ts";
import type { PublishedTable, RouteFeed, RouterLoad } from "../../src/controller/controller.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createLogger } from "../../src/observability/logger.ts";
import { metricsMessage } from "../../src/observability/metric-message.ts";
import { type MetricFamily, MetricSet } from "../../src/observability/metric-set.ts";
import { createIngressMetrics } from "../../src/proxy/ingress-metrics.ts";
import { tempDir } from "../support/temp-dir.ts";

const TABLE: PublishedTable = {
  revision: 7,
  table: {
    routes: [{ prefix: "/", application: "a", deployment: "Echo" }],
    deployments: [],
    requestTimeoutS: null,
  },
};

const LARGE: PublishedTable = {
  revision: 8,
  table: {
    ...TABLE.table,
    routes: Array.from({ length: 5_000 }, (_, i) => ({ prefix: `/${i}`, application: "a", deployment: "Echo" })),
  },
};

/** Sends one table, or large ones without end; then waits until its router leaves, or fails when told to. */
function createHub(endless = false) {
  let fail: (error: Error) => void = () => {};
  const left: string[] = [];
  const acknowledged: string[] = [];
  const reported: unknown[] = [];
  const loads: RouterLoad[] = [];
  const counted: [string, readonly MetricFamily[]][] = [];
  const hub: RouteFeed = {
    async *watch(routerId, signal) {
      try {
        yield TABLE;
        for (let revision = 8; endless && !signal.aborted; revision++) yield { ...LARGE, revision };
        await new Promise<void>((resolve, reject) => {
          fail = reject;
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      } finally {
        left.push(routerId);
      }
    },
    acknowledge: (routerId, revision) => void acknowledged.push(`${routerId} ${revision}`),
    reportTraffic: (traffic) => void reported.push(...traffic),
    reportLoad: (load) => void loads.push(load),
    reportMetrics: (routerId, families) => void counted.push([routerId, families]),
    reportRouterFaults: (faults) => void reported.push(...faults),
  };
  return { hub, left, acknowledged, reported, loads, counted, fail: (error: Error) => fail(error) };
}

async function listen(hub: RouteFeed, logged: string[]) {
  const path = join(tempDir(), "c.sock");
  const logger = createLogger({ clock: systemClock, level: "debug", write: (line) => void logged.push(line) });
  const handler = createRuntimeHandler(hub, (request, response) => send(request, response, text(200, "other")), logger);
  const server = createDualServer({ handler, clock: systemClock });
  await server.listen({ path });
  onTestFinished(() => server.close(0));
  const transport = createGrpcTransport({ baseUrl: "http://localhost", nodeOptions: { path } });
  return { client: createClient(ControllerRuntimeService, transport), path };
}

describe("the runtime socket", () => {
  it("says nothing on the console when a router drops in the middle of its stream", async () => {
    const consoleError = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => consoleError.mockRestore());
    const { hub, left, acknowledged } = createHub(true);
    const logged: string[] = [];
    const { client, path } = await listen(hub, logged);
    await client.acknowledgeRoutes({ routerId: "r", revision: 3n });
    expect(acknowledged).toEqual(["r 3"]);

    // A router that is killed: its connection breaks while the stream is open and more is written.
    const session = http2.connect("http://localhost", { createConnection: () => connect(path) });
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": "/windlass.runtime.v1.ControllerRuntimeService/WatchRoutes",
      "content-type": "application/grpc+proto",
      te: "trailers",
    });
    stream.on("error", () => {});
    const message = toBinary(WatchRoutesRequestSchema, create(WatchRoutesRequestSchema, { routerId: "r" }));
    stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    await new Promise((resolve) => stream.once("data", resolve));
    session.destroy();
    await vi.waitFor(() => expect(left).toEqual(["r"]));
    expect(consoleError).not.toHaveBeenCalled();
    expect(logged.filter((line) => !line.includes(" debug "))).toEqual([]);
  });

  it("hands on how requests of split applications ended, and tells routers how they are split", async () => {
    const { hub, reported } = createHub();
    const split = { stableRevision: 3, canaryRevision: 4, weight: 25, stickyHeader: "x-user" };
    const deployment = {
      ...{ application: "a", deployment: "Echo", maxOngoingRequests: 5, maxQueuedRequests: -1 },
      ...{ backpressureStatusCode: 503, backpressureRetryAfterS: null, unavailable: "", split },
      replicas: [{ id: "r1", address: "/r1", revision: 3 }],
    };
    const table = { ...TABLE.table, deployments: [deployment] };
    const { client } = await listen(
      {
        ...hub,
        watch: async function* () {
          yield { revision: 9, table };
        },
      },
      [],
    );
    await client.reportTraffic({
      routerId: "proxy/0",
      traffic: [{ application: "a", revision: 4n, requests: 7n, errors: 2n, latencyBuckets: [1n, 6n] }],
    });
    expect(reported).toEqual([{ application: "a", revision: 4, requests: 7, errors: 2, latencyBuckets: [1, 6] }]);
    for await (const { table } of client.watchRoutes({ routerId: "r" })) {
      expect(table?.deployments[0]?.split).toMatchObject({ stableRevision: 3n, canaryRevision: 4n, weight: 25 });
      expect(table?.deployments[0]?.replicas).toMatchObject([{ id: "r1", revision: 3n }]);
    }
    expect.assertions(3);
  });

  it("hands on what routers have to do, and refuses a report whose columns make no sense", async () => {
    const { hub, loads } = createHub();
    const logged: string[] = [];
    const { client } = await listen(hub, logged);
    const report = (rows: number[]) =>
      client.reportLoad({
        ...{ routerId: "proxy/0", timestampS: 1_700_000_006.5 },
        deployments: [
          {
            ...{ application: "a", deployment: "Echo" },
            series: {
              timesS: [1_700_000_000, 1_700_000_006],
              columns: [
                { name: "", values: [0, 3] },
                { name: "r1", values: [2], rows },
              ],
            },
          },
        ],
      });
    await report([]);
    const series = new Map([
      ["", { timesS: [1_700_000_000, 1_700_000_006], values: [0, 3] }],
      ["r1", { timesS: [1_700_000_006], values: [2] }],
    ]);
    const deployments = [{ application: "a", deployment: "Echo", series }];
    expect(loads).toEqual([{ routerId: "proxy/0", timestampS: 1_700_000_006.5, deployments }]);

    const refused = await report([7]).catch((error: unknown) => ConnectError.from(error));
    expect(refused).toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: 'the report cannot be read: "r1" has row 7 of 2',
    });
    const noTime = await client
      .reportLoad({ timestampS: Number.NaN })
      .catch((error: unknown) => ConnectError.from(error));
    expect(noTime).toMatchObject({ code: Code.InvalidArgument });
    expect(loads).toHaveLength(1);
    expect(logged.join("")).toMatch(/warn a report of load cannot be read router=proxy\/0 .*row 7 of 2/);
  });

  it("tells routers how load is measured, and those of other deployments nothing", async () => {
    const { hub } = createHub();
    const common = {
      ...{ application: "a", replicas: [], maxOngoingRequests: 5, maxQueuedRequests: -1 },
      ...{ backpressureStatusCode: 503, backpressureRetryAfterS: null, unavailable: "" },
    };
    const loadSampling = { sampleIntervalS: 6, pushIntervalS: 10, lookBackS: 30 };
    const deployments = [
      { ...common, deployment: "Scaled", loadSampling },
      { ...common, deployment: "Fixed" },
    ];
    const { client } = await listen(
      {
        ...hub,
        watch: async function* () {
          yield { revision: 9, table: { ...TABLE.table, deployments } };
        },
      },
      [],
    );
    for await (const { table } of client.watchRoutes({ routerId: "r" })) {
      expect(table?.deployments.map((each) => each.loadSampling)).toEqual([
        expect.objectContaining(loadSampling),
        undefined,
      ]);
    }
    expect.assertions(1);
  });

  it("logs a bug with its stack and tells the router none of it", async () => {
    const { hub, fail } = createHub();
    const logged: string[] = [];
    const { client } = await listen(hub, logged);
    const failure = (async () => {
      for await (const _ of client.watchRoutes({ routerId: "r" })) fail(new TypeError("secret detail"));
    })().catch((error: unknown) => ConnectError.from(error));
    expect(await failure).toMatchObject({ code: Code.Internal, rawMessage: "internal error" });
    expect(logged.join("")).toContain("secret detail");
  });
});

describe("request routers that fail", () => {
  it("are told of as routers report them", async () => {
    const { hub, reported } = createHub();
    const { client } = await listen(hub, []);
    const sum = {
      ...{ application: "a", deployment: "Echo", version: "/bundles/r {}" },
      ...{ reason: "error", error: "Error: no", count: 3 },
    };
    await client.reportRouterFaults({ routerId: "r", faults: [sum] });
    expect(reported).toEqual([sum]);
  });
});

describe("what proxies count", () => {
  it("is taken in as it was counted; a metric of a kind that is not known is left out", async () => {
    const { hub, counted } = createHub();
    const { client } = await listen(hub, []);
    const set = new MetricSet();
    createIngressMetrics(set, "http").ended({
      ...{ route: "/a", method: "WS", application: "a", deployment: "D", status: "1011", failed: true, latencyMs: 3 },
    });
    const metrics = metricsMessage(set.families());
    const odd = { ...metrics.families![0]!, kind: 99 as never };
    await client.reportMetrics({ routerId: "proxy/0", metrics: { families: [...metrics.families!, odd] } });
    expect(counted).toMatchObject([["proxy/0", set.families()]]);
    expect(counted[0]![1]).toHaveLength(set.families().length);
  });
});
