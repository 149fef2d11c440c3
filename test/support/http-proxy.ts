import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { RevisionTraffic } from "../../src/proxy/revision-traffic.ts";
import { HttpProxy, type HttpProxyOptions } from "../../src/proxy/server.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { Router } from "../../src/routing/router.ts";

/** The HTTP proxy in this process, with real sockets; it ends with the test. */
export async function startHttpProxy(given: Partial<HttpProxyOptions> = {}) {
  const router = new Router({ channel: createReplicaChannel(), clock: systemClock, random: systemRandom });
  const lines: string[] = [];
  const proxy = new HttpProxy({
    router,
    clock: systemClock,
    random: systemRandom,
    traffic: new RevisionTraffic(systemClock, () => Promise.resolve()),
    log: silentLogger,
    access: { accessLog: true, access: (line) => void lines.push(line) },
    rootPath: "",
    requestTimeoutS: 0,
    keepAliveTimeoutS: 90,
    webhookSocket: undefined,
    ...given,
  });
  proxy.listener.listen(0, "127.0.0.1");
  await once(proxy.listener, "listening");
  const { port } = proxy.listener.address() as AddressInfo;
  onTestFinished(async () => {
    proxy.server.closeAllConnections();
    proxy.startDraining();
    proxy.listener.close();
    await router.close();
  });
  return {
    proxy,
    router,
    port,
    /** Lines of the access log. */
    lines,
    apply: (table: MessageInitShape<typeof RoutingTableSchema>) => proxy.apply(create(RoutingTableSchema, table)),
  };
}
