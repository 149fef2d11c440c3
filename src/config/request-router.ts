/** The classes that `request_router_config` may name, and the arguments of those that are built in. */
import type * as z from "zod";
import { show } from "./describe.ts";
import { type Read, readBy } from "./read.ts";
import { laxBool, laxFloat, laxInt, optional, strictObject } from "./schema-fields.ts";
import { isRecord, type Path } from "./schema-types.ts";
import type { ApplicationConfig } from "./types.ts";

/** Request routers that are built in, by `request_router_class`. */
export const POWER_OF_TWO_ROUTER = "windlass:power-of-two";
export const ROUND_ROBIN_ROUTER = "windlass:round-robin";
export const CONSISTENT_HASH_ROUTER = "windlass:consistent-hash";
export const PREFIX_AFFINITY_ROUTER = "windlass:prefix-affinity";

/** The names of the classes that the reference has for them, under several paths. */
const REFERENCE_CLASSES: Readonly<Record<string, string>> = {
  PowerOfTwoChoicesRequestRouter: POWER_OF_TWO_ROUTER,
  RoundRobinRouter: ROUND_ROBIN_ROUTER,
  ConsistentHashRouter: CONSISTENT_HASH_ROUTER,
  PrefixCacheAffinityRouter: PREFIX_AFFINITY_ROUTER,
  PrefixAwarePow2ReplicaRouter: PREFIX_AFFINITY_ROUTER,
};

/** Points on the ring that one replica may have. */
const MAX_VIRTUAL_NODES = 10_000;

/** Arguments of `windlass:consistent-hash`. */
export interface ConsistentHashKwargs {
  /** Points of each replica on the ring. Default 100. */
  readonly num_virtual_nodes: number;
  /** Replicas after the first that may take a key's requests. Default 2. */
  readonly num_fallback_replicas: number;
}

/** Arguments of `windlass:prefix-affinity`. */
export interface PrefixAffinityKwargs {
  /** Difference of the longest and the shortest queue from which load decides instead; null: none. */
  readonly imbalanced_threshold: number | null;
  /** Share of the text that must be known to a replica for it to be preferred, 0 to 1. Default 0.1. */
  readonly match_rate_threshold: number;
  /** Whether what was not asked for lately is forgotten. Default false. */
  readonly do_eviction: boolean;
  /** Characters of all replicas from which on that happens. Default 400,000. */
  readonly eviction_threshold_chars: number;
  /** Characters that are left then. Default 360,000. */
  readonly eviction_target_chars: number;
  /** Seconds between two looks. Default 10. */
  readonly eviction_interval_secs: number;
}

const CONSISTENT_HASH = strictObject(CONSISTENT_HASH_ROUTER, {
  num_virtual_nodes: optional(laxInt({ min: 1, max: MAX_VIRTUAL_NODES }), {
    doc: "Points of a replica.",
    default: 100,
  }),
  num_fallback_replicas: optional(laxInt({ min: 0 }), { doc: "Replicas after the first.", default: 2 }),
});

const PREFIX_AFFINITY = strictObject(PREFIX_AFFINITY_ROUTER, {
  imbalanced_threshold: optional(laxFloat({ min: 0 }).nullable(), { doc: "From here on load decides." }),
  match_rate_threshold: optional(laxFloat({ min: 0, max: 1 }), { doc: "Share of the text.", default: 0.1 }),
  do_eviction: optional(laxBool(), { doc: "Whether prefixes are forgotten.", default: false }),
  eviction_threshold_chars: optional(laxInt({ min: 1 }), { doc: "When they are.", default: 400_000 }),
  eviction_target_chars: optional(laxInt({ min: 0 }), { doc: "What is left then.", default: 360_000 }),
  eviction_interval_secs: optional(laxFloat({ above: 0, finite: true }), { doc: "Between two looks.", default: 10 }),
});

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  [POWER_OF_TWO_ROUTER]: strictObject(POWER_OF_TWO_ROUTER, {}),
  [ROUND_ROBIN_ROUTER]: strictObject(ROUND_ROBIN_ROUTER, {}),
  [CONSISTENT_HASH_ROUTER]: CONSISTENT_HASH,
  [PREFIX_AFFINITY_ROUTER]: PREFIX_AFFINITY,
};

/** The name of our own for a `request_router_class` that is built in; undefined: it is the user's, or unknown. */
export function builtInRouter(routerClass: string): string | undefined {
  if (Object.hasOwn(SCHEMAS, routerClass)) return routerClass;
  const [, name = ""] = /^ray\.serve\.(?:[\w.]+[.:])?(\w+)$/.exec(routerClass) ?? [];
  return Object.hasOwn(REFERENCE_CLASSES, name) ? REFERENCE_CLASSES[name] : undefined;
}

/** The module and export that a config's router is built from; undefined: it is built in, or there is none. */
export function routerModuleIn(config: unknown): string | undefined {
  const name = isRecord(config) ? config["request_router_class"] : undefined;
  return typeof name === "string" && name.includes(":") && !isOurs(name) ? name : undefined;
}

/** Those of an application's config, each once. */
export function routerModules(app: Pick<ApplicationConfig, "deployments">): string[] {
  return [...new Set((app.deployments ?? []).flatMap((each) => routerModuleIn(each.request_router_config) ?? []))];
}

function isOurs(name: string): boolean {
  return name.startsWith("windlass:") || /^ray\.serve[.:]/.test(name);
}

/** Reads the arguments of `windlass:consistent-hash`. */
export function readConsistentHashKwargs(input: unknown): Read<ConsistentHashKwargs> {
  const read = readBy(CONSISTENT_HASH, input);
  if (!read.ok) return read;
  return { ok: true, value: { num_virtual_nodes: 100, num_fallback_replicas: 2, ...read.value } };
}

/** Reads the arguments of `windlass:prefix-affinity`. */
export function readPrefixAffinityKwargs(input: unknown): Read<PrefixAffinityKwargs> {
  const read = readBy(PREFIX_AFFINITY, input);
  if (!read.ok) return read;
  const given = read.value as Partial<PrefixAffinityKwargs>;
  return {
    ok: true,
    value: {
      imbalanced_threshold: null,
      match_rate_threshold: 0.1,
      do_eviction: false,
      eviction_threshold_chars: 400_000,
      eviction_target_chars: 360_000,
      eviction_interval_secs: 10,
      ...given,
    },
  };
}

/** One thing that is wrong with a `request_router_config` beyond its form; `path` starts from it. */
export interface RouterFinding {
  readonly path: Path;
  readonly message: string;
}

/** Looks at the class of a `request_router_config` and at its arguments. */
export function routerFindings(config: unknown): readonly RouterFinding[] {
  if (!isRecord(config)) return [];
  const { request_router_class: name = POWER_OF_TWO_ROUTER, request_router_kwargs: kwargs = {} } = config;
  if (typeof name !== "string" || !isRecord(kwargs)) return [];
  const at = (message: string): RouterFinding[] => [{ path: ["request_router_class"], message }];
  const builtIn = builtInRouter(name);
  if (builtIn !== undefined) {
    const read = readBy(SCHEMAS[builtIn]!, kwargs);
    return read.ok
      ? []
      : read.issues.map(({ path, message }) => ({ path: ["request_router_kwargs", ...path], message }));
  }
  if (isOurs(name)) {
    return at(`has ${show(name)}, which is not built in; use ${Object.keys(SCHEMAS).join(", ")} or your own module`);
  }
  if (!name.includes(":")) {
    return at(`must be MODULE:EXPORT with a colon, got ${show(name)}; write e.g. ./router.ts:Router`);
  }
  return notJson(kwargs, ["request_router_kwargs"]);
}

/** Numbers that would reach the router as null. */
function notJson(value: unknown, path: Path): RouterFinding[] {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return [{ path, message: `must be a finite number, got ${value}` }];
  }
  if (Array.isArray(value)) return value.flatMap((each, index) => notJson(each, [...path, index]));
  if (isRecord(value)) return Object.entries(value).flatMap(([key, each]) => notJson(each, [...path, key]));
  return [];
}
