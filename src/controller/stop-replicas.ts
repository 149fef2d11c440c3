/** The end of all replicas with the instance, when the desired state stays. */
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../engine/engine.ts";
import { moved } from "./deployment-state.ts";
import { keys } from "./records.ts";
import { Draft, type World } from "./world.ts";

/** What a replica that was killed may take to be gone. */
const KILLED_MS = 2_000;
const LOOK_MS = 20;

/**
 * Stops every replica with its own grace and kills those that outlast it. Resolves when all are gone. Takes the engine's
 * events over: the controller must have ended its turns.
 */
export async function stopAllReplicas(world: World, engine: Engine, clock: Clock): Promise<void> {
  const now = clock.now();
  const alive = new Map<string, number>();
  for (const replica of world.replicas.values()) {
    if (replica.state.kind === "waiting") continue;
    const deployment = world.deployments.get(keys.deployment(replica.application, replica.deployment));
    alive.set(replica.id, now + (deployment?.config.graceful_shutdown_timeout_s ?? 0) * 1000);
  }
  engine.onEvent((event) => {
    if (event.kind === "exited") alive.delete(event.id);
  });
  for (const [id, deadline] of alive) engine.stop(id, deadline - now);
  let lastDeadline = now;
  for (const deadline of alive.values()) lastDeadline = Math.max(lastDeadline, deadline);
  while (alive.size > 0 && clock.now() < lastDeadline + KILLED_MS) {
    for (const [id, deadline] of alive) if (clock.now() >= deadline) engine.kill(id);
    await clock.sleep(LOOK_MS);
  }
}

/** The records without replicas and proxies, so that the next controller starts them anew. */
export function withoutProcesses(world: World, now: number): Draft {
  const draft = new Draft(world);
  for (const replica of world.replicas.values()) draft.deleteReplica(replica);
  for (const proxy of draft.proxies()) draft.deleteProxy(proxy.id);
  for (const deployment of world.deployments.values()) {
    if (deployment.deleting) continue;
    const stopped = { ...deployment, replicaCounts: {} };
    const kept = deployment.status === "DEPLOY_FAILED";
    draft.setDeployment(kept ? stopped : moved(stopped, { kind: "CONFIG_UPDATE" }, now));
  }
  return draft;
}
