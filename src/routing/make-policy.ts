/** From what a routing table says of a deployment's request router to the policy that acts on it. */
import { pathToFileURL } from "node:url";
import {
  CONSISTENT_HASH_ROUTER,
  PREFIX_AFFINITY_ROUTER,
  ROUND_ROBIN_ROUTER,
  readConsistentHashKwargs,
  readPrefixAffinityKwargs,
} from "../config/request-router.ts";
import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { CustomRouter, type CustomRouterOptions, type FaultReason } from "./custom-router.ts";
import type { Models } from "./models.ts";
import type { RoutingPolicy } from "./policy.ts";
import { PrefixAffinity } from "./prefix-affinity.ts";
import type { RequestRouter } from "./request-router.ts";
import { RoundRobin } from "./round-robin.ts";
import type { Backoff } from "./slot.ts";

/** Which router, as a table says (windlass.runtime.v1.RequestRouting). */
export interface RouterSpec {
  /** "windlass:…", or `<module>:<export>` of the user's; empty: the power of two choices. */
  readonly router: string;
  /** JSON of an object; empty: {}. */
  readonly kwargsJson: string;
  /** Of the user's code; empty for what is built in. */
  readonly bundlePath: string;
  readonly exportName: string;
}

/** What policies are made with. */
export interface PolicyContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly models: Models;
  readonly stats: CustomRouterOptions["stats"];
  readonly backoff: Backoff;
  readonly wake: () => void;
  readonly onFault: (reason: FaultReason, error: string) => void;
}

/** The policy for a spec; undefined: the power of two choices. */
export function makePolicy(spec: RouterSpec, context: PolicyContext): RoutingPolicy | undefined {
  const kwargs = kwargsOf(spec);
  if (spec.router === ROUND_ROBIN_ROUTER) return new RoundRobin(context.random, context.models);
  if (spec.router === CONSISTENT_HASH_ROUTER) {
    const read = readConsistentHashKwargs(kwargs);
    return read.ok ? new ConsistentHash(read.value) : undefined;
  }
  if (spec.router === PREFIX_AFFINITY_ROUTER) {
    const read = readPrefixAffinityKwargs(kwargs);
    return read.ok ? new PrefixAffinity(read.value, context) : undefined;
  }
  if (spec.bundlePath === "") return undefined;
  return new CustomRouter({ ...context, kwargs, load: () => load(spec) });
}

function kwargsOf({ kwargsJson }: RouterSpec): Readonly<Record<string, unknown>> {
  return kwargsJson === "" ? {} : (JSON.parse(kwargsJson) as Record<string, unknown>);
}

async function load({ router: name, bundlePath, exportName }: RouterSpec): Promise<RequestRouter> {
  const module = (await import(pathToFileURL(bundlePath).href)) as Record<string, unknown>;
  const exported = module[exportName];
  const refuse = (): never => {
    throw new Error(`"${name}" is no class with a method chooseReplicas(candidates, request)`);
  };
  // Arrow functions have no prototype, and cannot be made objects of.
  if (typeof exported !== "function" || exported.prototype === undefined) return refuse();
  // Not looked for before: the method may be a field.
  const router = new (exported as new () => RequestRouter)();
  return typeof router.chooseReplicas === "function" ? router : refuse();
}
