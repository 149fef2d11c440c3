import type { GrpcOptions, HttpOptions } from "../config/types.ts";
import type { Store } from "../store/store.ts";
import { applyWrite } from "./apply-write.ts";
import type { CommandContext } from "./command-context.ts";
import { newInstance } from "./instance-commands.ts";
import { restartDeadline } from "./progress-state.ts";
import type { InstanceRecord, ReplicaRecord } from "./records.ts";
import { builtPaths } from "./records.ts";
import { recoverReplica } from "./replica-state.ts";
import { adoptUnrevised } from "./revisions.ts";
import type { World } from "./world.ts";
import { Draft } from "./world.ts";

/** How a controller comes up. */
export interface RecoveryOptions {
  /** Makes an instance where there is none. */
  readonly makeInstance: boolean;
  /** Of the config that is deployed first; they replace the stored ones. */
  readonly httpOptions?: HttpOptions;
  readonly grpcOptions?: GrpcOptions;
  /** Where proxies run in an instance that is made. */
  readonly proxyLocation: InstanceRecord["proxyLocation"];
  /** Whether a bundle or an unpacked working dir is there. */
  readonly hasBundle: (path: string) => boolean;
}

/** Reads everything the store holds into the world. */
export function loadWorld(store: Store, world: World): void {
  const kinds = ["application", "revision", "deployment", "replica", "proxy", "autoscaling", "shadow"];
  for (const prefix of ["instance", ...kinds.map((kind) => `${kind}/`)]) {
    for (const { key, value } of store.range(prefix)) applyWrite(world, key, JSON.parse(value));
  }
  // What was recorded is read by those who ask for it.
  for (const kind of ["trace/", "shadow-trace/"]) {
    for (const { key } of store.range(kind)) applyWrite(world, key, {});
  }
  const last = store.range("journal/").at(-1);
  if (last) applyWrite(world, last.key, null);
}

/**
 * What a controller that comes up changes before it does anything: replicas become RECOVERING and are to be adopted,
 * applications whose bundle is gone are to be built again before anything of them is stepped.
 */
export function planRecovery(
  world: World,
  options: RecoveryOptions,
  context: CommandContext,
): { draft: Draft; adopt: readonly ReplicaRecord[]; bundleLost: ReadonlySet<string> } {
  const { now } = context;
  const draft = new Draft(world);
  const adopt = [...world.replicas.values()]
    .filter(({ state }) => state.kind !== "waiting")
    .map((replica) => recoverReplica(replica, now));
  for (const replica of adopt) draft.setReplica(replica);
  // Proxies that still run are reported anew.
  for (const proxy of draft.proxies()) draft.deleteProxy(proxy.id);
  recoverInstance(draft, options, context);
  const bundleLost = new Set<string>();
  for (const deployment of world.deployments.values()) draft.setDeployment(restartDeadline(deployment, now));
  for (const stored of draft.applications()) {
    const application = adoptUnrevised(draft, stored, now);
    const { built, build, deleting } = application;
    if (!built || deleting || builtPaths(built).every((path) => options.hasBundle(path))) continue;
    bundleLost.add(application.name);
    if (build.kind === "building") continue;
    const buildId = context.newId(12);
    // What it said when it was stopped does not hold while nothing of it runs, and nothing is stepped before the build.
    const serves = adopt.some((replica) => replica.application === application.name);
    const standing = serves ? {} : { status: "DEPLOYING" as const, message: "" };
    draft.setApplication({
      ...application,
      ...standing,
      build: { kind: "building", buildId, check: true, since: now },
    });
  }
  return { draft, adopt, bundleLost };
}

/** Makes the instance, or brings a running one up to what is bound now. */
function recoverInstance(draft: Draft, options: RecoveryOptions, context: CommandContext): void {
  const { instance } = draft;
  if (instance.state === "absent" && options.makeInstance) {
    const { httpOptions = {}, grpcOptions = {}, proxyLocation } = options;
    draft.instance = newInstance(
      { http_options: httpOptions, grpc_options: grpcOptions, proxy_location: proxyLocation },
      context,
    );
  } else if (instance.state === "running") {
    const { httpOptions, grpcOptions, httpAddress } = newInstance(
      {
        http_options: options.httpOptions ?? instance.httpOptions,
        grpc_options: options.grpcOptions ?? instance.grpcOptions,
        proxy_location: instance.proxyLocation,
      },
      context,
    );
    draft.instance = { ...instance, httpOptions, grpcOptions, httpAddress };
  }
}
