import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { onTestFinished } from "vitest";
import { RoutingTableSchema } from "../../gen/windlass/runtime/v1/routing_pb.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { systemRandom } from "../../src/core/system-random.ts";
import { silentLogger } from "../../src/observability/logger.ts";
import { GrpcProxy, type GrpcProxyOptions } from "../../src/proxy/grpc-server.ts";
import { RevisionTraffic } from "../../src/proxy/revision-traffic.ts";
import { createReplicaChannel } from "../../src/routing/replica-channel.ts";
import { Router } from "../../src/routing/router.ts";

/** The gRPC side of a proxy in this process, with a router of its own; it ends with the test. */
export async function startGrpcProxy(given: Partial<GrpcProxyOptions> = {}) {
  const router = new Router({ channel: createReplicaChannel(), clock: systemClock, random: systemRandom });
  const proxy = new GrpcProxy({
    router,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    traffic: new RevisionTraffic(systemClock, () => Promise.resolve()),
    ...given,
  });
  proxy.listener.listen(0, "127.0.0.1");
  await once(proxy.listener, "listening");
  onTestFinished(async () => {
    await proxy.drain(systemClock, 100);
    await router.close();
  });
  const { port } = proxy.listener.address() as AddressInfo;
  /** As a proxy process does with a table. */
  const apply = (table: MessageInitShape<typeof RoutingTableSchema>): void => {
    const message = create(RoutingTableSchema, table);
    router.apply(message);
    proxy.apply(message);
  };
  return { proxy, router, port, address: `127.0.0.1:${port}`, apply };
}
