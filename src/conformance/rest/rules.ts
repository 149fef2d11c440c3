/**
 * Where we differ from the reference on purpose. A rule looks at a recorded step and at what we did; it never knows
 * which scenario it is in. Where it applies, its own expectation must hold. Here is what rules have in common. Pure.
 */
import { isRecord } from "../../config/schema-types.ts";
import type { InstanceDocument, Projection } from "./document.ts";
import type { Step } from "./scenario.ts";

/** What a rule may know besides its step. */
export interface RuleContext {
  /** The steps from this one on. */
  readonly ahead: readonly Step[];
  /** The body of the last whole-config PUT that was accepted. */
  readonly desired: unknown;
  /** The body of the one before it. */
  readonly desiredBefore: unknown;
  /** The document before the last request that may change something. */
  readonly before: InstanceDocument | undefined;
  /** The rule by which the last such request was refused although the reference took it. */
  readonly refusedBy: string | undefined;
  /** Whether the instance is being ended at this moment. */
  readonly ending: boolean;
}

/** Whether the applications are those of before; one that was on its way may have come to run. */
export function sameStanding(now: Projection, before: Projection): boolean {
  const names = Object.keys(now.applications).sort();
  return (
    names.join("\n") === Object.keys(before.applications).sort().join("\n") &&
    names.every((name) => {
      const { status } = now.applications[name]!;
      return status === before.applications[name]!.status || status === "RUNNING";
    })
  );
}

/** What a config document says of a deployment; undefined where it says nothing. */
export function overrideIn(
  desired: unknown,
  application: string,
  deployment: string,
): Record<string, unknown> | undefined {
  const found = applicationsOf(desired).find(({ name }) => name === application);
  const overrides = Array.isArray(found?.deployments) ? (found.deployments as unknown[]) : [];
  return overrides.filter(isRecord).find(({ name }) => name === deployment);
}

/** The applications of a config document. */
export function applicationsOf(desired: unknown): Record<string, unknown>[] {
  return isRecord(desired) && Array.isArray(desired.applications) ? desired.applications.filter(isRecord) : [];
}
