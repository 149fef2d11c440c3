import type { ApplicationDetails, ServeDetails } from "./rest.ts";

/** The status document of the reference, made from what REST answers. */
export function statusOf(details: ServeDetails): Record<string, unknown> {
  return {
    proxies: mapValues(details.proxies ?? {}, (proxy) => proxy.status),
    applications: mapValues(details.applications, applicationStatus),
    target_capacity: details.target_capacity,
  };
}

/** One application's part of {@link statusOf}. */
export function applicationStatus(application: ApplicationDetails): Record<string, unknown> {
  return {
    status: application.status,
    message: application.message,
    last_deployed_time_s: application.last_deployed_time_s,
    deployments: mapValues(application.deployments, (deployment) => ({
      status: deployment.status,
      status_trigger: deployment.status_trigger,
      replica_states: countBy(deployment.replicas.map((replica) => replica.state)),
      message: deployment.message,
    })),
  };
}

/** How often each text occurs, in order of first occurrence. */
export function countBy(texts: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, map: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
