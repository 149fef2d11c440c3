/** What is wrong with a policy beyond its form, found before anything is applied. */
import { show } from "./describe.ts";
import {
  isQueuePolicy,
  PROMETHEUS_POLICY,
  policyKind,
  QUEUE_POLICY,
  readPrometheusKwargs,
  readScheduleKwargs,
  SCHEDULE_POLICY,
  type ScheduledCount,
  type ScheduleKwargs,
} from "./policy-kwargs.ts";
import { readQueueKwargs } from "./queue-kwargs.ts";
import type { Path } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

/** One thing that is wrong; `path` starts from the policy. */
export interface PolicyFinding {
  readonly path: Path;
  readonly message: string;
}

/**
 * Looks at a policy whose form is right. `maxReplicas`: of its deployment, null for the policy of a whole application,
 * which built-in policies cannot be. `field`: where one deployment has such a policy.
 */
export function policyFindings(
  policy: unknown,
  maxReplicas: number | null,
  field: "autoscaling_config" | "autoscaling_shadow" = "autoscaling_config",
): readonly PolicyFinding[] {
  if (!isRecord(policy)) return [];
  const { policy_function: name, policy_kwargs: kwargs = {} } = policy;
  if (typeof name !== "string" || policyKind(name) === "requests") return [];
  const at = (message: string): PolicyFinding[] => [{ path: ["policy_function"], message }];
  const queue = isQueuePolicy(name);
  if (!name.includes(":") && !queue) {
    return at(`must be MODULE:EXPORT with a colon, got ${show(name)}; write e.g. ./policy.ts:policy`);
  }
  if (!name.startsWith("windlass:") && !queue) return isRecord(kwargs) ? notJson(kwargs) : [];
  if (name !== SCHEDULE_POLICY && name !== PROMETHEUS_POLICY && !queue) {
    const known = `${SCHEDULE_POLICY}, ${PROMETHEUS_POLICY}, ${QUEUE_POLICY}`;
    return at(`has ${show(name)}, which is not built in; use ${known} or your own module`);
  }
  if (maxReplicas === null) {
    return at(`has ${show(name)}, which is for one deployment; set it in its ${field}.policy`);
  }
  const reader = queue ? readQueueKwargs : name === SCHEDULE_POLICY ? readScheduleKwargs : readPrometheusKwargs;
  const read = reader(kwargs);
  if (!read.ok) return read.issues.map(({ path, message }) => ({ path: ["policy_kwargs", ...path], message }));
  return "windows" in read.kwargs ? beyondMax(read.kwargs, maxReplicas) : [];
}

/** A count that the bounds would cut off without a word. */
function beyondMax(schedule: ScheduleKwargs, maxReplicas: number): PolicyFinding[] {
  const counts: [Path, ScheduledCount | null][] = [
    ...schedule.windows.map((window, index): [Path, ScheduledCount] => [["windows", index], window]),
    [["else"], schedule.else],
  ];
  return counts.flatMap(([path, count]) => {
    if (count === null) return [];
    const [key, value] =
      "replicas" in count ? (["replicas", count.replicas] as const) : (["min_replicas", count.min_replicas] as const);
    if (value <= maxReplicas) return [];
    const message = `has ${value}, more than max_replicas ${maxReplicas}; raise max_replicas or lower it`;
    return [{ path: ["policy_kwargs", ...path, key], message }];
  });
}

/** Numbers that would reach the policy as null. */
function notJson(kwargs: Readonly<Record<string, unknown>>): PolicyFinding[] {
  const walk = (value: unknown, path: Path): PolicyFinding[] => {
    if (typeof value === "number" && !Number.isFinite(value)) {
      return [{ path, message: `must be a finite number, got ${value}` }];
    }
    if (Array.isArray(value)) return value.flatMap((each, index) => walk(each, [...path, index]));
    if (isRecord(value)) return Object.entries(value).flatMap(([key, each]) => walk(each, [...path, key]));
    return [];
  };
  return walk(kwargs, ["policy_kwargs"]);
}
