/** grpc.health.v1.Health: each service, and "" for all, serves while the controller is ready. */
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "../../../gen/grpc/health/v1/health_pb.ts";
import type { ApiDeps } from "./context.ts";

const WATCH_INTERVAL_MS = 500;

/** Makes the service's handlers. `services` are the names that are known. */
export function healthService(deps: ApiDeps, services: readonly string[]): ServiceImpl<typeof Health> {
  const known = new Set(["", ...services]);
  const statusOf = (service: string): Status => {
    if (!known.has(service)) return Status.SERVICE_UNKNOWN;
    return deps.isReady() ? Status.SERVING : Status.NOT_SERVING;
  };
  return {
    check({ service }) {
      if (!known.has(service)) throw new ConnectError(`unknown service ${JSON.stringify(service)}`, Code.NotFound);
      return { status: statusOf(service) };
    },
    list: () => ({ statuses: Object.fromEntries([...known].map((name) => [name, { status: statusOf(name) }])) }),
    async *watch({ service }, { signal }) {
      const until = AbortSignal.any([signal, deps.feed.closed]);
      let last: Status | undefined;
      while (!until.aborted) {
        const status = statusOf(service);
        if (status !== last) yield { status };
        last = status;
        await deps.clock.sleep(WATCH_INTERVAL_MS, until);
      }
    },
  };
}
