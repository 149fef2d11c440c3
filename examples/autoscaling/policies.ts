import type { ApplicationAutoscalingPolicy, PolicyInput, PolicyOutput } from "windlass";

interface HeadroomArgs {
  /** Requests that one replica should have. */
  readonly perReplica: number;
  /** Replicas beyond what is needed now, for each one that the last minute has added. */
  readonly headroom: number;
}

/**
 * Runs ahead of a growing load: as many replicas as the requests need, and more while their number grows. The peak is
 * kept in the state, which outlives this process and the controller's.
 */
export class Headroom {
  readonly #args: HeadroomArgs;

  constructor(args: HeadroomArgs) {
    this.#args = args;
  }

  decide(input: PolicyInput): PolicyOutput {
    const { perReplica, headroom } = this.#args;
    const needed = Math.ceil(input.totalNumRequests / perReplica);
    const { peak = 0, sinceS = 0 } = input.policyState as { peak?: number; sinceS?: number };
    const recent = input.currentTimeS - sinceS < 60;
    const grows = needed > (recent ? peak : 0);
    return {
      desired: grows ? needed + headroom : Math.max(needed, recent ? peak : 0),
      state: grows || !recent ? { peak: needed, sinceS: input.currentTimeS } : { peak, sinceS },
    };
  }
}

interface BudgetArgs {
  /** Replicas that all deployments may have together. */
  readonly budget: number;
}

/** Shares a number of replicas among the deployments of an application by their load; each has one at least. */
export const share: ApplicationAutoscalingPolicy<BudgetArgs> = (inputs, { budget }) => {
  const deployments = Object.values(inputs);
  const total = deployments.reduce((sum, { totalNumRequests }) => sum + totalNumRequests, 0);
  const spare = budget - deployments.length;
  const desired = deployments.map(({ deployment, totalNumRequests }) => {
    const needed = Math.ceil(totalNumRequests / 2);
    const allowed = total === 0 ? 1 : 1 + Math.floor((spare * totalNumRequests) / total);
    return [deployment, Math.min(Math.max(needed, 1), allowed)] as const;
  });
  return { desired: Object.fromEntries(desired) };
};
