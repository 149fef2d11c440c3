/** Rules over several fields of one deployment override, in the reference's order. */
import type * as z from "zod";
import { show } from "./describe.ts";
import { doubleLimit } from "./rollout.ts";
import { customIssue } from "./schema-fields.ts";
import { GANG_SCHEMA } from "./schema-gang.ts";
import type { Fault } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";
import type { DeploymentOverride } from "./types.ts";
import { WrittenFloat } from "./written-float.ts";

type Override = Omit<DeploymentOverride, "name">;
type RawIssues = readonly z.core.$ZodRawIssue[];
type Raw = Readonly<Record<string, unknown>>;

/** A count of replicas is a whole number, "auto" or null; text and `2.0` are not. */
function numReplicasType(input: Raw): RawIssues {
  const value = input.num_replicas ?? null;
  if (value === null || value === "auto" || typeof value === "boolean" || Number.isInteger(value)) return [];
  const float = value instanceof WrittenFloat && Number.isInteger(value.value) ? " written as a decimal" : "";
  const message = `num_replicas must be a whole number > 0 (no text, no decimal point) or "auto", got ${show(value)}${float}`;
  return [customIssue(input, { kind: "num_replicas_not_int_or_auto", message })];
}

/** A fixed count and autoscaling exclude each other. */
function fixedOrAutoscaled(input: Raw): RawIssues {
  const count = input.num_replicas ?? null;
  if (count === null || count === "auto" || (input.autoscaling_config ?? null) === null) return [];
  const message = `num_replicas ${show(count)} and autoscaling_config exclude each other; remove one, or set num_replicas to "auto"`;
  return [customIssue(input, { kind: "fixed_replicas_with_autoscaling", message })];
}

/** A gang's own fields, then counts that are not whole gangs. */
function gangMultiples(input: Raw): RawIssues {
  const gang = input.gang_scheduling_config;
  if (!isRecord(gang)) return [];
  const read = GANG_SCHEMA.safeParse(gang);
  if (!read.success) {
    return read.error.issues.map(
      (issue) => ({ ...issue, path: ["gang_scheduling_config", ...issue.path] }) as z.core.$ZodRawIssue,
    );
  }
  const { gang_size: size } = read.data;
  const count = input.num_replicas ?? null;
  if (count !== null && count !== "auto") return notMultiple(input, "num_replicas", Number(count), size);
  const bounds = input.autoscaling_config;
  if (count !== "auto" || !isRecord(bounds)) return [];
  for (const key of ["min_replicas", "max_replicas", "initial_replicas"]) {
    const bound = bounds[key] ?? null;
    if (bound === null) continue;
    if (typeof bound !== "number" && typeof bound !== "boolean") {
      const message = `must be a whole number beside gang_scheduling_config, got ${show(bound)}`;
      return [customIssue(bound, { kind: "not_an_integer", message }, ["autoscaling_config", key])];
    }
    const issues = notMultiple(input, `autoscaling_config.${key}`, Number(bound), size);
    if (issues.length > 0) return issues;
  }
  return [];
}

function notMultiple(input: Raw, field: string, count: number, size: number): RawIssues {
  if (count % size === 0) return [];
  const message = `${field} ${count} is not a multiple of gang_size ${size}; replicas come in whole gangs`;
  return [customIssue(input, { kind: "not_multiple_of_gang_size", message })];
}

const has = (value: Override, key: keyof Override): boolean => Object.hasOwn(value, key);

function perNodeLimitAndBundles(value: Override): Fault | undefined {
  if (!has(value, "max_replicas_per_node") || !has(value, "placement_group_bundles")) return undefined;
  const message = "max_replicas_per_node and placement_group_bundles exclude each other; remove one";
  return { kind: "max_replicas_per_node_with_bundles", message };
}

function queueLimit(value: Override): Fault | undefined {
  const limit = value.max_queued_requests;
  if (limit === undefined || limit === -1 || limit >= 1) return undefined;
  const message = `max_queued_requests must be -1 (no limit) or >= 1, got ${limit}`;
  return { kind: "max_queued_requests_out_of_range", message };
}

function bundleSelectors(value: Override): Fault | undefined {
  const selectors = value.placement_group_bundle_label_selector;
  if (selectors === undefined) return undefined;
  const bundles = value.placement_group_bundles;
  if (bundles === undefined) {
    const message = "placement_group_bundle_label_selector needs placement_group_bundles; add them or remove it";
    return { kind: "label_selector_without_bundles", message };
  }
  if (selectors.length === 1 || selectors.length === bundles.length) return undefined;
  const message = `placement_group_bundle_label_selector has ${selectors.length} entries; give 1, or ${bundles.length} as placement_group_bundles has`;
  return { kind: "label_selector_length_mismatch", message };
}

function gangExclusions(value: Override): Fault | undefined {
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
export const DEPLOYMENT_AFTER = [
  perNodeLimitAndBundles,
  queueLimit,
  bundleSelectors,
  gangExclusions,
  doubleLimit,
] as const;
