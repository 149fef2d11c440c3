/** The URLs of message brokers in scaling policies: they may hold passwords. */
import { isQueuePolicy } from "./policy-kwargs.ts";
import { QUEUE_SECRETS } from "./queue-kwargs.ts";
import { isRecord } from "./schema-types.ts";

const SCALING = ["autoscaling_config", "autoscaling_shadow"] as const;

/**
 * A deployment with each URL of its queue policies mapped; `path` leads from the deployment to it. What has none is
 * returned as it is.
 */
export function mapQueueUrls<T extends object>(
  deployment: T,
  map: (url: string, path: readonly string[]) => string,
): T {
  let mapped: Record<string, unknown> | undefined;
  for (const key of SCALING) {
    const scaling = (deployment as Readonly<Record<string, unknown>>)[key];
    const policy = isRecord(scaling) ? scaling["policy"] : undefined;
    if (!isRecord(policy) || !isQueuePolicy(policy["policy_function"]) || !isRecord(policy["policy_kwargs"])) continue;
    const kwargs = { ...policy["policy_kwargs"] };
    for (const name of QUEUE_SECRETS) {
      const url = kwargs[name];
      if (typeof url === "string") kwargs[name] = map(url, [key, "policy", "policy_kwargs", name]);
    }
    mapped = {
      ...(mapped ?? deployment),
      [key]: { ...(scaling as object), policy: { ...policy, policy_kwargs: kwargs } },
    };
  }
  return (mapped as T | undefined) ?? deployment;
}
