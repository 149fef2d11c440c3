/** What plans are made with, beside the controller's own turns. */
import { Deadlines } from "../core/deadlines.ts";
import type { Random } from "../core/random.ts";
import { silentLogger } from "../observability/logger.ts";
import { CanaryRoutes } from "./canary-routes.ts";
import type { CommandContext } from "./command-context.ts";
import type { SocketPaths } from "./deployment-state.ts";
import { HealthChecks } from "./health-checks.ts";
import type { Planning } from "./make-plan.ts";
import { PlanStore } from "./plan-store.ts";
import type { NodeCapacity } from "./resources.ts";
import { TrafficSums } from "./traffic.ts";
import type { TrialBuilds } from "./trial-builds.ts";

/** Turns that are rehearsed know of no routers, no traffic and no health: those are not the plan's. */
export function planningWith(options: {
  readonly random: Random;
  readonly sockets: SocketPaths;
  readonly capacity: NodeCapacity;
  readonly builds: TrialBuilds;
  readonly revision: () => number;
  readonly context: () => CommandContext;
}): Planning {
  const { random, sockets, capacity, builds, revision, context } = options;
  return {
    plans: new PlanStore(random),
    builds,
    revision,
    context,
    turn: (world, command) => ({
      world,
      command,
      random,
      sockets,
      capacity,
      logger: silentLogger,
      health: new HealthChecks(random),
      traffic: new TrafficSums(),
      canaryRoutes: new CanaryRoutes({ published: () => 0, appliedEverywhere: () => Infinity }),
      wakeAt: new Deadlines(),
    }),
  };
}
