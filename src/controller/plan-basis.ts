/** What a plan was made on, and what of it has changed since. Pure. */
import type { ApplicationRecord, DeploymentRecord } from "./records.ts";
import type { Draft } from "./world.ts";

/** What each thing was when it was looked at, by its name for people. */
export type Basis = ReadonlyMap<string, string>;

/** Looks at the instance, at these applications, and where others are deleted at all that a config wrote. */
export function basisOf(
  draft: Draft,
  wanted: { readonly names: readonly string[]; readonly onlyListed: boolean },
): Basis {
  const basis = new Map<string, string>();
  const { uid, state, targetCapacity, targetCapacityDirection } = draft.instance;
  basis.set("the instance", `${state === "absent" ? "" : uid}/${state}`);
  basis.set("target_capacity", `${targetCapacity}/${targetCapacityDirection}`);
  const names = new Set(wanted.names);
  if (!wanted.onlyListed) {
    for (const { name, source, deleting } of draft.applications()) {
      if (source === "declarative" && !deleting) names.add(name);
    }
  }
  for (const name of names) {
    const application = draft.application(name);
    if (application) basis.set(`application ${JSON.stringify(name)}`, ofApplication(application));
    for (const deployment of draft.deploymentsOf(name)) {
      basis.set(`deployment ${JSON.stringify(`${name}/${deployment.name}`)}`, ofDeployment(deployment));
    }
  }
  return basis;
}

/** What differs, one phrase each; empty where nothing does. */
export function changesSince(basis: Basis, now: Basis): string[] {
  const changed = [...basis].flatMap(([name, value]) => {
    const present = now.get(name);
    if (present === undefined) return [`${name} is gone`];
    return present === value ? [] : [`${name} has changed`];
  });
  return [...changed, ...[...now.keys()].filter((name) => !basis.has(name)).map((name) => `${name} is new`)];
}

function ofApplication({ uid, generation, source, deleting, build, built, canary }: ApplicationRecord): string {
  const failed = build.kind === "failed";
  return [uid, generation, source, deleting, failed, built?.bundleHash, built?.inputsHash, canary?.revision].join("/");
}

function ofDeployment({ uid, generation, deleting, target }: DeploymentRecord): string {
  return [uid, generation, deleting, target.replicas, target.owner].join("/");
}
