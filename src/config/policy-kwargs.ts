/** The arguments of the built-in policies `windlass:schedule` and `windlass:prometheus`. */
import { Cron } from "croner";
import * as z from "zod";
import { DEFAULT_POLICY_FUNCTION } from "./defaults.ts";
import { show } from "./describe.ts";
import { readBy } from "./read.ts";
import { choice, laxFloat, laxInt, optional, required, rules, strictObject } from "./schema-fields.ts";
import type { Fault, Issue } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";
import type { ApplicationConfig } from "./types.ts";

/** Policies of our own, by `policy_function`. */
export const SCHEDULE_POLICY = "windlass:schedule";
export const PROMETHEUS_POLICY = "windlass:prometheus";
export const QUEUE_POLICY = "windlass:queue";

/** What the reference calls {@link QUEUE_POLICY}. */
const REFERENCE_QUEUE_POLICY = "ray.serve.async_inference_autoscaling_policy:AsyncInferenceAutoscalingPolicy";
const QUEUE_POLICIES = new Set([QUEUE_POLICY, REFERENCE_QUEUE_POLICY, REFERENCE_QUEUE_POLICY.replace(":", ".")]);

/** Whether a `policy_function` names the queue policy, by our name or by the reference's. */
export function isQueuePolicy(policyFunction: unknown): boolean {
  return typeof policyFunction === "string" && QUEUE_POLICIES.has(policyFunction);
}

/** Whether a `policy_function` is ours: none is ever built. */
function isBuiltIn(policyFunction: unknown): boolean {
  return (
    typeof policyFunction === "string" && (policyFunction.startsWith("windlass:") || isQueuePolicy(policyFunction))
  );
}

/** How the wish of a built-in policy and that of the request-based one are joined. */
export type Compose = "replace" | "max";

/** Exactly so many replicas, or at least so many with more as requests need them. */
export type ScheduledCount = { readonly replicas: number } | { readonly min_replicas: number };

/** Open in each minute that `cron` matches, or from `start` until `end`: cron patterns, or times without a zone. */
export type ScheduleWindow = ScheduledCount &
  ({ readonly cron: string } | { readonly start: string; readonly end: string });

/** Arguments of `windlass:schedule` with their defaults. */
export interface ScheduleKwargs {
  /** IANA name. */
  readonly timezone: string;
  readonly windows: readonly ScheduleWindow[];
  /** Outside all windows; null: requests decide. */
  readonly else: ScheduledCount | null;
  readonly compose: Compose;
}

/** Arguments of `windlass:prometheus` with their defaults. */
export interface PrometheusKwargs {
  readonly url: string;
  readonly query: string;
  /** The value that the query should have, or what one replica carries of it; one of them is given. */
  readonly target: { readonly kind: "target_value" | "per_replica"; readonly value: number };
  /** Seconds after which a value counts as missing. */
  readonly freshness_s: number;
  readonly missing: "hold" | "min" | "ignore";
  readonly compose: Compose;
  /** Seconds between queries, and that one may take. */
  readonly interval_s: number;
  readonly timeout_s: number;
  /** Name of the environment variable that holds a bearer token; null: none is sent. */
  readonly bearer_token_env: string | null;
}

/** Read arguments, or all that is wrong with them; paths start from the arguments. */
export type ReadKwargs<T> =
  | { readonly ok: true; readonly kwargs: T }
  | { readonly ok: false; readonly issues: readonly Issue[] };

const fault = (message: string): Fault => ({ kind: "policy_not_importable", message });
const compose = optional(choice(["replace", "max"]), { doc: "max: never fewer than requests need." });

function timezone(name: string): Fault | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return undefined;
  } catch {
    return fault(`is no known time zone, got ${show(name)}; write an IANA name such as Europe/Berlin or UTC`);
  }
}

function pattern(text: string): Fault | undefined {
  // A far-off time is computed too: some patterns are well formed and never come.
  try {
    const cron = new Cron(text, { paused: true, timezone: "UTC" });
    if (cron.nextRun(BEGINNING) !== null) return undefined;
    return fault(`never comes, got ${show(text)}; write a cron pattern with a day that exists`);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^\w+: /, "").replace(/\.$/, "") : "";
    return fault(`is no cron pattern, got ${show(text)}: ${why}; write e.g. "0 8 * * MON-FRI"`);
  }
}

/** Patterns are tried from here on, so that a time that has passed is right too. */
const BEGINNING = new Date("2000-01-01T00:00:00Z");

function cronOnly(text: string): Fault | undefined {
  if (!/^\s*\d{4}-/.test(text)) return pattern(text);
  return fault(`must be a cron pattern, got the time ${show(text)}; a time needs start and end`);
}

interface Window {
  readonly cron?: string;
  readonly start?: string;
  readonly end?: string;
  readonly replicas?: number;
  readonly min_replicas?: number;
}

function oneCount(value: Window): Fault | undefined {
  if ((value.replicas === undefined) !== (value.min_replicas === undefined)) return undefined;
  return fault("must have replicas (exactly so many) or min_replicas (at least so many), not both");
}

function someWindow(windows: readonly unknown[]): Fault | undefined {
  return windows.length > 0 ? undefined : fault("must have at least one window, got []");
}

function oneTime(value: Window): Fault | undefined {
  const both = value.start !== undefined && value.end !== undefined;
  const any = value.start !== undefined || value.end !== undefined;
  if (value.cron === undefined ? both : !any) return undefined;
  return fault("must have cron, or start and end");
}

const COUNT = {
  replicas: optional(laxInt({ min: 0 }), { doc: "Exactly so many." }),
  min_replicas: optional(laxInt({ min: 0 }), { doc: "At least so many." }),
};

const SCHEDULE_SCHEMA = strictObject("windlass:schedule", {
  timezone: optional(z.string().superRefine(rules(timezone)), { doc: "IANA name.", default: "UTC" }),
  windows: required(
    z
      .array(
        strictObject("a window", {
          cron: optional(z.string().superRefine(rules(cronOnly)), { doc: "Open while it matches." }),
          start: optional(z.string().superRefine(rules(pattern)), { doc: "Opens it." }),
          end: optional(z.string().superRefine(rules(pattern)), { doc: "Closes it." }),
          ...COUNT,
        }).superRefine(rules(oneTime, oneCount)),
      )
      .superRefine(rules(someWindow)),
    { doc: "When how many replicas are wished for." },
  ),
  else: optional(strictObject("else", COUNT).superRefine(rules(oneCount)).nullable(), { doc: "Outside all windows." }),
  compose,
});

function httpUrl(text: string): Fault | undefined {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    return fault(`must be an http:// or https:// URL of a Prometheus server, got ${show(text)}`);
  }
  // Not shown: it may hold a password.
  if (url.username !== "" || url.password !== "") return fault("must hold no user and password; use bearer_token_env");
  return undefined;
}

function oneTarget(value: { target_value?: number; per_replica?: number }): Fault | undefined {
  if ((value.target_value === undefined) !== (value.per_replica === undefined)) return undefined;
  return fault("must have target_value or per_replica, not both");
}

const PROMETHEUS_SCHEMA = strictObject("windlass:prometheus", {
  url: required(z.string().superRefine(rules(httpUrl)), { doc: "Of the server." }),
  query: required(z.string().min(1), { doc: "PromQL that gives one number." }),
  target_value: optional(laxFloat({ above: 0, finite: true }), { doc: "The value that replicas are to bring about." }),
  per_replica: optional(laxFloat({ above: 0, finite: true }), { doc: "How much of the value one replica carries." }),
  freshness_s: optional(laxFloat({ above: 0, finite: true }), { doc: "Older values are missing.", default: 120 }),
  missing: optional(choice(["hold", "min", "ignore"]), { doc: "What follows without a value.", default: "hold" }),
  compose,
  interval_s: optional(laxFloat({ min: 1, finite: true }), { doc: "Seconds between queries.", default: 5 }),
  timeout_s: optional(laxFloat({ above: 0, max: 60 }), { doc: "Seconds a query may take.", default: 5 }),
  bearer_token_env: optional(z.string().min(1), { doc: "Environment variable with a bearer token." }),
}).superRefine(rules(oneTarget));

/** Reads the arguments of `windlass:schedule`. */
export function readScheduleKwargs(input: unknown): ReadKwargs<ScheduleKwargs> {
  const read = readBy(SCHEDULE_SCHEMA, input);
  if (!read.ok) return read;
  const { timezone: zone = "UTC", windows, else: otherwise = null, compose: join = "replace" } = read.value;
  return {
    ok: true,
    kwargs: {
      timezone: zone,
      // The rules above have seen to the alternatives.
      windows: windows as unknown as ScheduleWindow[],
      else: otherwise as ScheduledCount | null,
      compose: join,
    },
  };
}

/** Reads the arguments of `windlass:prometheus`. */
export function readPrometheusKwargs(input: unknown): ReadKwargs<PrometheusKwargs> {
  const read = readBy(PROMETHEUS_SCHEMA, input);
  if (!read.ok) return read;
  const { target_value, per_replica, ...given } = read.value;
  const target =
    target_value === undefined
      ? ({ kind: "per_replica", value: per_replica ?? 1 } as const)
      : ({ kind: "target_value", value: target_value } as const);
  return {
    ok: true,
    kwargs: {
      freshness_s: 120,
      missing: "hold",
      compose: "replace",
      interval_s: 5,
      timeout_s: 5,
      bearer_token_env: null,
      ...given,
      target,
    },
  };
}

/** Where a policy is decided: here by requests or a schedule, or in the policy host. */
export type PolicyKind = "requests" | "schedule" | "hosted";

/** What kind of policy a `policy_function` names. */
export function policyKind(policyFunction: string): PolicyKind {
  if (policyFunction === DEFAULT_POLICY_FUNCTION || policyFunction === DEFAULT_POLICY_FUNCTION.replace(":", ".")) {
    return "requests";
  }
  return policyFunction === SCHEDULE_POLICY ? "schedule" : "hosted";
}

/** A policy as far as it is code: null for none, and for one that is built in. */
export function policyCode(policy: unknown): unknown {
  const name = isRecord(policy) ? policy.policy_function : undefined;
  return isBuiltIn(name) ? null : (policy ?? null);
}

/** The functions of an application's config that have to be built, each once. */
export function policyFunctions(app: Pick<ApplicationConfig, "autoscaling_policy" | "deployments">): string[] {
  const policies = [app.autoscaling_policy, ...(app.deployments ?? []).map((each) => each.autoscaling_config?.policy)];
  return [...new Set(policies.flatMap((policy) => policyFunctionIn(policy) ?? []))];
}

/** Those of its shadow and of its deployments'. */
export function shadowPolicyFunctions(app: Pick<ApplicationConfig, "autoscaling_shadow" | "deployments">): string[] {
  const own = (app.deployments ?? []).map((each) => each.autoscaling_shadow?.["policy"]);
  const policies = [app.autoscaling_shadow, ...own];
  return [...new Set(policies.flatMap((policy) => policyFunctionIn(policy) ?? []))];
}

/** The function of a policy that has to be built; undefined: none. */
export function policyFunctionIn(policy: unknown): string | undefined {
  const name = isRecord(policyCode(policy)) ? (policy as Record<string, unknown>).policy_function : undefined;
  return typeof name === "string" && policyKind(name) === "hosted" ? name : undefined;
}
