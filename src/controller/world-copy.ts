import type { World } from "./world.ts";

/** A copy that can be changed without the world: records are shared, as nothing changes them. */
export function copyWorld(world: World): World {
  const copied = (sets: ReadonlyMap<string, ReadonlySet<string>>) =>
    new Map([...sets].map(([owner, members]) => [owner, new Set(members)] as const));
  return {
    ...world,
    applications: new Map(world.applications),
    deployments: new Map(world.deployments),
    replicas: new Map(world.replicas),
    proxies: new Map(world.proxies),
    revisions: new Map(world.revisions),
    scaling: new Map(world.scaling),
    scalingOf: copied(world.scalingOf),
    traces: new Map(world.traces),
    deploymentsOf: copied(world.deploymentsOf),
    standouts: copied(world.standouts),
    replicasOf: copied(world.replicasOf),
    waiting: new Set(world.waiting),
  };
}
