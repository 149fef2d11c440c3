/** Reads what users' policies return. It comes from their code, so nothing about it is certain. */
import type { PolicyAnswer } from "./decide.ts";
import type { ApplicationPolicyOutput } from "./policy.ts";

/** What an application's policy said; `reason` is one line for users. */
export type ApplicationAnswer =
  | { readonly kind: "answered"; readonly output: ApplicationPolicyOutput }
  | { readonly kind: "failed"; readonly reason: string };

type JsonObject = Readonly<Record<string, unknown>>;

/** Reads `{ desired, state }` of a deployment's policy; a state left out is `{}`, null is refused. */
export function readPolicyOutput(value: unknown): PolicyAnswer {
  if (!isObject(value)) return failed("the policy returned no object; return { desired, state }");
  const { desired, state = {} } = value;
  if (!isCount(desired)) return failed(notACount(desired));
  if (!isObject(state)) return failed("the policy returned a state that is no object; return an object");
  return { kind: "answered", desired, state };
}

/**
 * Reads `{ desired, states }` of an application's policy, both by deployment; `states` may be left out or null, as may
 * a deployment's own. `deployments` are those that autoscale: another name, or one bad entry, spoils the whole answer.
 */
export function readApplicationOutput(value: unknown, deployments: readonly string[]): ApplicationAnswer {
  if (!isObject(value) || !isObject(value.desired)) {
    return failed("the application's policy returned no replicas by deployment; return { desired: { name: count } }");
  }
  const { desired } = value;
  const states = value.states ?? {};
  if (!isObject(states)) {
    return failed("the application's policy returned states that are no object; return an object or null");
  }
  const stranger = [...Object.keys(desired), ...Object.keys(states)].find((name) => !deployments.includes(name));
  if (stranger !== undefined) {
    const may = `it may name ${deployments.join(", ")}`;
    return failed(`the application's policy names ${JSON.stringify(stranger)}, which does not autoscale; ${may}`);
  }
  // Without a prototype: a deployment may have any name.
  const counts: Record<string, number> = Object.create(null);
  for (const [name, count] of Object.entries(desired)) {
    if (!isCount(count)) return failed(`${name}: ${notACount(count)}`);
    counts[name] = count;
  }
  const kept: Record<string, JsonObject | null> = Object.create(null);
  for (const [name, state] of Object.entries(states)) {
    if (state !== null && !isObject(state)) {
      return failed(`${name}: the policy returned a state that is no object; return an object or null`);
    }
    kept[name] = state;
  }
  return { kind: "answered", output: { desired: counts, states: kept } };
}

function failed(reason: string): { readonly kind: "failed"; readonly reason: string } {
  return { kind: "failed", reason };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function notACount(value: unknown): string {
  const shown = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value)).slice(0, 80);
  return `the policy returned ${shown} replicas; return a finite number`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
