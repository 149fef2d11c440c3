import { effectiveDeployment } from "../config/effective.ts";
import { DEPLOYMENT_SCHEMA } from "../config/schema-deployment.ts";
import { shapeOf } from "../config/schema-info.ts";
import type { Inspected } from "./inspect.ts";

/** The options set in code that a config can set too, in the config's order. */
export function writtenOptions(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(shapeOf(DEPLOYMENT_SCHEMA) ?? {});
  return Object.fromEntries(names.filter((name) => Object.hasOwn(options, name)).map((name) => [name, options[name]]));
}

/** Deployments by name and options, each after those that it calls: the order of the reference. */
export function calledFirst({ ingress, deployments }: Inspected): Inspected["deployments"] {
  const ordered = new Set<Inspected["deployments"][number]>();
  const entered = new Set<string>();
  const visit = (name: string): void => {
    const deployment = deployments.find((each) => each.name === name);
    if (deployment === undefined || entered.has(name)) return;
    entered.add(name);
    for (const called of deployment.outbound) visit(called);
    ordered.add(deployment);
  };
  for (const name of [ingress, ...deployments.map((each) => each.name)]) visit(name);
  return [...ordered];
}

/** What is wrong with options set in code, one line each. */
export function problemsOf({ deployments }: Inspected): string[] {
  return deployments.flatMap(({ name, options }) => {
    const merged = effectiveDeployment({ ...options }, undefined, name);
    return merged.ok ? [] : merged.problems.map(({ path, message }) => `${path}: ${message}`);
  });
}
