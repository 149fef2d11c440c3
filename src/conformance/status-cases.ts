/** Cases of statuses and counts: the deployment's machine, the application's status, capacity, first targets. */
import { initialTarget, replicaBounds } from "../config/effective.ts";
import { parseAutoscalingConfig } from "../config/parse.ts";
import { applyTargetCapacity, type CapacityDirection, targetCapacityDirection } from "../config/target-capacity.ts";
import { deriveApplicationStatus } from "../controller/application-status.ts";
import { type InternalTrigger, transitionDeployment } from "../controller/deployment-status.ts";
import type { DeploymentStatus, DeploymentStatusTrigger } from "../controller/records.ts";
import { type CaseRunner, compare, type VectorCase } from "./case.ts";

interface StatusPair {
  readonly status: DeploymentStatus;
  readonly status_trigger: DeploymentStatusTrigger;
  readonly message: string;
}

/** One transition of a deployment's status, with and without a message. */
export const runTransitionCase: CaseRunner = (vector) => {
  const from = vector.from as StatusPair;
  const kind = vector.internal_trigger as InternalTrigger;
  const start = { status: from.status, trigger: from.status_trigger, message: from.message };
  const to = transitionDeployment(start, { kind, message: vector.message as string });
  const silent = transitionDeployment(start, { kind });
  return compare(
    { to: vector.to, message_without: vector.message_without },
    { to: { status: to.status, status_trigger: to.trigger, message: to.message }, message_without: silent.message },
  );
};

/** An application's status, a count at a capacity, or the direction of a capacity change; the case's kind tells. */
export const runApplicationCase: CaseRunner = (vector) => {
  switch (vector.kind) {
    case "application_status":
      return runApplicationStatus(vector);
    case "target_capacity":
      return compare(
        vector.expected,
        applyTargetCapacity(vector.num_replicas as number, vector.target_capacity as number | null),
      );
    case "target_capacity_direction": {
      const previous = vector.previous_direction as CapacityDirection;
      const next = capacityState(vector.new as RecordedCapacity);
      const current = vector.current === null ? null : capacityState(vector.current as RecordedCapacity);
      return compare(vector.expected, targetCapacityDirection(current, next, previous));
    }
    default:
      return { kind: "failed", expected: "a known kind", actual: vector.kind };
  }
};

interface RecordedCapacity {
  readonly applications: readonly string[];
  readonly target_capacity: number | null;
}

const capacityState = ({ applications, target_capacity }: RecordedCapacity) => ({
  applications,
  targetCapacity: target_capacity,
});

function runApplicationStatus(vector: VectorCase) {
  const pairs = Object.entries(vector.deployments as Record<string, StatusPair>);
  const expected = vector.expected as { status?: string; message?: string; message_names_deployments?: string[] };
  const deployments = pairs.map(([name, pair]) => ({ name, status: pair.status, trigger: pair.status_trigger }));
  const { status, message } = deriveApplicationStatus({ deleting: vector.deleting as boolean, deployments });
  if (expected.message_names_deployments === undefined) return compare(expected, { status, message });
  // The wording is free: what counts is which deployments it names, and in which order.
  const known = pairs.map(([name]) => name);
  const named = (message.match(/[\p{L}\p{N}_-]+/gu) ?? []).filter((word) => known.includes(word));
  return compare(expected, { status, message_names_deployments: named });
}

/** A count at a capacity, or the first target of a deployment that is (re)registered. */
export const runBoundsCase: CaseRunner = (vector) => {
  const input = vector.input as Record<string, unknown>;
  const capacity = (input.target_capacity ?? null) as number | null;
  if (vector.fn === "capacity_adjust") {
    return compare(vector.expected, applyTargetCapacity(input.num_replicas as number, capacity));
  }
  const parsed = parseAutoscalingConfig(input.config);
  if (!parsed.ok) return { kind: "failed", expected: vector.expected, actual: parsed.problems };
  const direction = (input.target_capacity_direction ?? null) as CapacityDirection;
  const changed = ["none", "changed"].includes(input.prior_registration as string);
  const config = { autoscaling_config: parsed.config };
  const target = initialTarget(config, capacity, direction, { target: input.current_target as number, changed });
  const { lower, upper } = replicaBounds(parsed.config, capacity, direction);
  return compare(vector.expected, { target, lower_bound: lower, upper_bound: upper });
};
