/** Rules over several fields of one deployment override, in the reference's order. */
import { show } from "./describe.ts";
import { parseValue } from "./parse-value.ts";
import { GANG_SCHEMA } from "./schema-gang.ts";
import type { Fault, Issue, RawPlace } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";

type Raw = Readonly<Record<string, unknown>>;

/** A count of replicas is a whole number, "auto" or null; text and `2.0` are not. */
export function numReplicasType(input: Raw, at: RawPlace): readonly Issue[] {
  const value = input.num_replicas ?? null;
  const whole = typeof value === "number" && Number.isInteger(value) && !at.floatKeys.includes("num_replicas");
  if (value === null || value === "auto" || typeof value === "boolean" || whole) return [];
  const message = `num_replicas must be a whole number > 0 (no text, no decimal point) or "auto", got ${show(value)}${at.floatKeys.includes("num_replicas") && Number.isInteger(value) ? " written as a decimal" : ""}`;
  return [{ path: at.path, kind: "num_replicas_not_int_or_auto", message }];
}

/** A fixed count and autoscaling exclude each other. */
export function fixedOrAutoscaled(input: Raw, at: RawPlace): readonly Issue[] {
  const count = input.num_replicas ?? null;
  if (count === null || count === "auto" || (input.autoscaling_config ?? null) === null) return [];
  const message = `num_replicas ${show(count)} and autoscaling_config exclude each other; remove one, or set num_replicas to "auto"`;
  return [{ path: at.path, kind: "fixed_replicas_with_autoscaling", message }];
}

/** A gang's own fields, then counts that are not whole gangs. */
export function gangMultiples(input: Raw, at: RawPlace): readonly Issue[] {
  const gang = input.gang_scheduling_config;
  if (!isRecord(gang)) return [];
  const path = [...at.path, "gang_scheduling_config"];
  const parsed = parseValue({ kind: "schema", schema: GANG_SCHEMA }, gang, { path });
  if (!parsed.ok) return parsed.issues;
  const size = (parsed.value as { gang_size: number }).gang_size;
  const count = input.num_replicas ?? null;
  if (count !== null && count !== "auto") return notMultiple("num_replicas", Number(count), size, at);
  const bounds = input.autoscaling_config;
  if (count !== "auto" || !isRecord(bounds)) return [];
  for (const key of ["min_replicas", "max_replicas", "initial_replicas"]) {
    const bound = bounds[key] ?? null;
    if (bound === null) continue;
    if (typeof bound !== "number" && typeof bound !== "boolean") {
      const message = `must be a whole number beside gang_scheduling_config, got ${show(bound)}`;
      return [{ path: [...at.path, "autoscaling_config", key], kind: "not_an_integer", message }];
    }
    const issues = notMultiple(`autoscaling_config.${key}`, Number(bound), size, at);
    if (issues.length > 0) return issues;
  }
  return [];
}

function notMultiple(field: string, count: number, size: number, at: RawPlace): readonly Issue[] {
  if (count % size === 0) return [];
  const message = `${field} ${count} is not a multiple of gang_size ${size}; replicas come in whole gangs`;
  return [{ path: at.path, kind: "not_multiple_of_gang_size", message }];
}

const has = (value: Raw, key: string): boolean => Object.hasOwn(value, key);

function perNodeLimitAndBundles(value: Raw): Fault | undefined {
  if (!has(value, "max_replicas_per_node") || !has(value, "placement_group_bundles")) return undefined;
  const message = "max_replicas_per_node and placement_group_bundles exclude each other; remove one";
  return { kind: "max_replicas_per_node_with_bundles", message };
}

function queueLimit(value: Raw): Fault | undefined {
  const limit = value.max_queued_requests as number | undefined;
  if (limit === undefined || limit === -1 || limit >= 1) return undefined;
  const message = `max_queued_requests must be -1 (no limit) or >= 1, got ${limit}`;
  return { kind: "max_queued_requests_out_of_range", message };
}

function bundleSelectors(value: Raw): Fault | undefined {
  const selectors = value.placement_group_bundle_label_selector as unknown[] | undefined;
  if (selectors === undefined) return undefined;
  const bundles = value.placement_group_bundles as unknown[] | undefined;
  if (bundles === undefined) {
    const message = "placement_group_bundle_label_selector needs placement_group_bundles; add them or remove it";
    return { kind: "label_selector_without_bundles", message };
  }
  if (selectors.length === 1 || selectors.length === bundles.length) return undefined;
  const message = `placement_group_bundle_label_selector has ${selectors.length} entries; give 1, or ${bundles.length} as placement_group_bundles has`;
  return { kind: "label_selector_length_mismatch", message };
}

function gangExclusions(value: Raw): Fault | undefined {
  if ((value.gang_scheduling_config ?? null) === null) return undefined;
  if (has(value, "max_replicas_per_node")) {
    const message = "gang_scheduling_config and max_replicas_per_node exclude each other; remove one";
    return { kind: "max_replicas_per_node_with_gang", message };
  }
  if (has(value, "placement_group_strategy")) {
    const message = "set gang_placement_strategy instead of placement_group_strategy beside gang_scheduling_config";
    return { kind: "placement_strategy_with_gang", message };
  }
  return undefined;
}

/** Rules that look at the raw object and hide all others. */
export const DEPLOYMENT_BEFORE = [numReplicasType, fixedOrAutoscaled, gangMultiples] as const;

/** Rules that look at an object whose fields are all right. */
export const DEPLOYMENT_AFTER = [perNodeLimitAndBundles, queueLimit, bundleSelectors, gangExclusions] as const;
