/** Load as it travels: real proxies, real replicas with handles, and the controller's runtime socket. */
import { once } from "node:events";
import { type ClientRequest, request as httpRequest } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createDualServer } from "../../src/api/dual-server.ts";
import { createRuntimeHandler } from "../../src/api/runtime.ts";
import { loadOf, totalsOf } from "../../src/autoscaling/load.ts";
import type { Reports } from "../../src/autoscaling/reports.ts";
import type { RoutingTableData } from "../../src/controller/controller.ts";
import { RouteHub } from "../../src/controller/route-hub.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { freePort, startProxy } from "../support/proxy-process.ts";
import { call, type Running, startReady, until } from "../support/replica-process.ts";
import { tempDir } from "../support/temp-dir.ts";

const OFTEN = { sampleIntervalS: 0.1, pushIntervalS: 0.1, lookBackS: 1 };
const SELDOM = { sampleIntervalS: 6, pushIntervalS: 10, lookBackS: 30 };

/** The controller's side of the runtime socket, in this process; routers find it at `<dir>/<name>`. */
async function listen(dir: string, name: string): Promise<RouteHub> {
  const hub = new RouteHub(systemClock);
  const server = createDualServer({
    handler: createRuntimeHandler(hub, (_, res) => void res.end()),
    clock: systemClock,
  });
  await server.listen({ path: join(dir, name) });
  onTestFinished(() => server.close(0));
  return hub;
}

type Targets = RoutingTableData["deployments"][number];

function table(
  deployments: readonly (Pick<Targets, "deployment" | "replicas" | "loadSampling"> & Partial<Targets>)[],
  routes: string[],
) {
  return {
    routes: routes.map((deployment) => ({ prefix: `/${deployment}`, application: "app", deployment })),
    requestTimeoutS: null,
    deployments: deployments.map((each) => ({
      ...{ application: "app", maxOngoingRequests: 4, maxQueuedRequests: -1 },
      ...{ backpressureStatusCode: 503, backpressureRetryAfterS: null, unavailable: "" },
      ...each,
    })),
  };
}

function get(port: number, path: string): { request: ClientRequest; status: Promise<number | undefined> } {
  const request = httpRequest({ host: "127.0.0.1", port, path, agent: false }).end();
  request.on("error", () => {});
  const status = once(request, "response").then(([response]) => {
    response.resume();
    return (response as { statusCode?: number }).statusCode;
  });
  status.catch(() => {});
  return { request, status };
}

/** The newest counts over all routers. */
function counts({ handles }: Reports): { queued: number; running: number; routers: string[] } {
  let queued = 0;
  let running = 0;
  for (const { report } of handles.values()) {
    queued += report.queued.values.at(-1) ?? 0;
    for (const series of report.running.values()) running += series.values.at(-1) ?? 0;
  }
  return { queued, running, routers: [...handles.keys()].sort() };
}

describe("requests under way", () => {
  it("are what proxies and handles report together, waiting ones too, and come to exactly 0", async () => {
    const dir = tempDir();
    const hub = await listen(dir, "c");
    const handlesHub = await listen(dir, "controller");
    const source = `import { deployment, type Handle } from "windlass";
      class Back {
        go!: () => void;
        open = new Promise<void>((resolve) => { this.go = resolve; });
        async wait() { await this.open; }
        release() { this.go(); }
      }
      class Front {
        constructor(private back: Handle<Back>) {}
        async fetch() { await this.back.wait.remote(); return new Response("done"); }
      }
      export const app = deployment(Front).bind(deployment(Back).bind());`;
    const front = await startReady({ folder: dir, source, deployment: "Front", maxOngoing: 4 });
    const back = await startReady({ folder: dir, source, deployment: "Back", maxOngoing: 10 });
    const replica = ({ spec }: Running) => [{ id: spec.replicaId, address: spec.dataSocket }];
    const both = table(
      [
        { deployment: "Front", replicas: replica(front), loadSampling: OFTEN, maxOngoingRequests: 2 },
        { deployment: "Back", replicas: replica(back), loadSampling: OFTEN, maxOngoingRequests: 3 },
      ],
      ["Front"],
    );
    for (const each of [hub, handlesHub]) each.publish(1, both);
    const proxies = await Promise.all(
      ["proxy/0", "proxy/1"].map(async (id) => startProxy(dir, await freePort(), { id })),
    );
    await Promise.all(proxies.map(({ said }) => said));
    const sent = Array.from({ length: 10 }, (_, i) => get(proxies[i % 2]!.port, "/Front"));

    const atFront = () => counts(hub.load.reports("app", "Front")!);
    const atBack = () => counts(handlesHub.load.reports("app", "Back")!);
    // Each proxy gives 2 of its 5 to Front, which asks Back, which is given 3 of those.
    const routers = ["proxy/0", "proxy/1"];
    await until(
      () => atFront().running === 4 && atFront().queued === 6 && atBack().running === 3 && atBack().queued === 1,
      () => JSON.stringify([atFront(), atBack()]),
    );
    expect(atFront()).toEqual({ queued: 6, running: 4, routers });
    expect(atBack().routers).toEqual([`replica/${front.spec.replicaId}`]);
    // A router's other deployments are silent, or idle windows of theirs would count.
    expect(atFront().routers).toEqual(routers);
    expect(counts(hub.load.reports("app", "Back")!).routers).toEqual([]);
    const reports = hub.load.reports("app", "Front")!;
    const inFlight = (by: "max" | "mean") =>
      totalsOf(loadOf(reports, [front.spec.replicaId], by), reports, by, Date.now() / 1_000);
    await until(() => inFlight("mean").total === 10);
    expect(inFlight("max")).toEqual({ total: 10, queued: 6, running: 4 });

    await call(back, "release");
    expect(await Promise.all(sent.map(({ status }) => status))).toEqual(sent.map(() => 200));
    await until(() => inFlight("mean").total === 0 && atBack().running === 0);
    expect([atFront(), inFlight("max")]).toEqual([
      { queued: 0, running: 0, routers },
      { total: 0, queued: 0, running: 0 },
    ]);
    expect(atBack()).toMatchObject({ queued: 0, running: 0 });

    proxies[0]!.child.kill("SIGKILL");
    await until(() => atFront().routers.length === 1);
    expect(atFront().routers).toEqual(["proxy/1"]);
  });
});

describe("a request for a deployment without replicas", () => {
  it("is known to the controller within 50 ms, though reports are due every 10 s", async () => {
    const dir = tempDir();
    const names = Array.from({ length: 6 }, (_, i) => `D${i}`);
    const none = table(
      names.map((deployment) => ({ deployment, replicas: [], loadSampling: SELDOM })),
      names,
    );
    const hub = await listen(dir, "c");
    hub.publish(1, none);
    const proxy = startProxy(dir, await freePort());
    await proxy.said;
    await until(() => names.every((name) => hub.load.reports("app", name)!.handles.size === 1));
    const queued = (name: string) => counts(hub.load.reports("app", name)!).queued;
    const tookMs: number[] = [];
    for (const name of names) {
      const known = Promise.withResolvers<void>();
      hub.load.onChange((_, deployment) => {
        if (deployment === name && queued(name) > 0) known.resolve();
      });
      const startMs = performance.now();
      const { request } = get(proxy.port, `/${name}`);
      onTestFinished(() => void request.destroy());
      await known.promise;
      tookMs.push(performance.now() - startMs);
      expect(queued(name)).toBe(1);
    }
    // The machine may be busy; what is never there is a wait.
    expect(Math.min(...tookMs)).toBeLessThan(50);
    expect(Math.max(...tookMs)).toBeLessThan(6_000);
  });
});
