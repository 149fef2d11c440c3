/** What a decision does to a deployment's record. Pure. */
import type { Decision } from "../autoscaling/decide.ts";
import { applyResult, type ScalingState } from "../autoscaling/state.ts";
import { type Autoscaled, runningAtVersion } from "./autoscale-inputs.ts";
import { moved } from "./deployment-state.ts";
import { leaseOf } from "./lease-state.ts";
import type { DeploymentRecord, ReplicaRecord } from "./records.ts";

/** The deployment with the decision's target, the same object where that is its target already; and what to remember. */
export function applyDecision(
  deployment: Autoscaled,
  replicas: readonly ReplicaRecord[],
  decision: Decision,
  state: ScalingState,
  nowMs: number,
): { readonly deployment: DeploymentRecord; readonly state: ScalingState } {
  const { result, rules } = decision;
  const target = deployment.target.replicas;
  // Replicas are counted only where it matters.
  if (result === target) return { deployment, state };
  const applied = applyResult(
    { result, target, runningAtVersion: runningAtVersion(deployment, replicas), rules },
    state,
    decision.atS,
  );
  if (applied.change.kind === "none") return { deployment, state };
  const { kind, visible } = applied.change;
  const next: DeploymentRecord = {
    ...deployment,
    generation: deployment.generation + 1,
    target: {
      replicas: result,
      owner: "autoscaler",
      reason: reasonOf(decision),
      since: nowMs,
      requestId: "",
      ...leaseOf(deployment.target),
    },
    updatedAt: nowMs,
  };
  if (!visible) return { deployment: next, state: applied.state };
  const up = kind === "up";
  const message = `${up ? "Upscaling" : "Downscaling"} from ${target} to ${result} replicas.`;
  const event = { kind: up ? "AUTOSCALE_UP" : "AUTOSCALE_DOWN", message } as const;
  return { deployment: moved(next, event, nowMs), state: applied.state };
}

/** Why a target was decided, in a few words. */
export function reasonOf(decision: Decision): string {
  const { total, running, result, proposed, rules } = decision;
  const load = `${shown(total)} ${total === 1 ? "request" : "requests"}`;
  switch (decision.kind) {
    case "cold-start":
      return `${load} and no replica runs`;
    case "kept":
      return decision.reason;
    case "steered": {
      const wish = `${load} on ${running} running: the policy wants ${shown(decision.desired)}`;
      if (result === proposed) return wish;
      return `${wish}, bounds are ${rules.lower} to ${rules.upper}`;
    }
  }
}

function shown(value: number): string {
  return String(Math.round(value * 100) / 100);
}
