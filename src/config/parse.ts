/**
 * The `parse` layer: exactly the reference's schemas, with its lax conversions, keeping only supplied keys and
 * dropping unknown ones. Our stricter rules are the `check` layer (check.ts); callers use check.ts, which runs both.
 */
import * as z from "zod";
import type { Problem } from "../core/errors.ts";
import { AUTOSCALING_DEFAULTS } from "./defaults.ts";
import { formatPath } from "./describe.ts";
import { readBy } from "./read.ts";
import { AUTOSCALING_SCHEMA } from "./schema-autoscaling.ts";
import { APPLICATION_SCHEMA, DEPLOY_SCHEMA } from "./schema-deploy.ts";
import { choice, laxBool, laxFloat, laxInt, object, optional, required } from "./schema-fields.ts";
import type { FloatMarks, Issue, Path } from "./schema-types.ts";
import type { ApplicationConfig, AutoscalingConfig, DeployConfig, LeaseFallback } from "./types.ts";

/** A broken rule of a config, with the rule's id and the place as steps. */
export interface ConfigProblem extends Problem {
  /** Id of the rule: one of the parse layer's kinds, or of check.ts. */
  rule: string;
  steps: Path;
  /** Steps on from there to the place in a file that is to be changed. */
  at?: Path;
}

/** A config that may be used, or everything that is wrong with it. */
export type ConfigResult<T> =
  | { readonly ok: true; readonly config: T; readonly warnings: string[] }
  | { readonly ok: false; readonly problems: ConfigProblem[] };

/** `floats` tells `2.0` from `2` where the reference does; readJson and readConfigDocument make it. */
export interface ParseOptions {
  readonly floats?: FloatMarks | undefined;
  /** Where the value stands in the document that problems speak of. */
  readonly path?: Path;
}

/** An issue as the problem that users see. */
export function toProblem(issue: Issue): ConfigProblem {
  const { path, message, kind: rule, at } = issue;
  return { path: formatPath(path), message, rule, steps: path, ...(at === undefined ? {} : { at }) };
}

function parseBy<T>(schema: z.ZodType<T>, input: unknown, options?: ParseOptions): ConfigResult<T> {
  const read = readBy(schema, input, options);
  if (!read.ok) return { ok: false, problems: read.issues.map(toProblem) };
  return { ok: true, config: read.value, warnings: [] };
}

/** Reads a whole document, the body of PUT /api/serve/applications/. */
export function parseDeployConfig(input: unknown, options?: ParseOptions): ConfigResult<DeployConfig> {
  return parseBy(DEPLOY_SCHEMA, input, options);
}

/** Reads one application; a `host` or `port` beside it is dropped. */
export function parseApplicationConfig(input: unknown, options?: ParseOptions): ConfigResult<ApplicationConfig> {
  const parsed = parseBy(APPLICATION_SCHEMA, input, options);
  if (!parsed.ok) return parsed;
  const { host: _host, port: _port, ...config } = parsed.config;
  return { ...parsed, config };
}

/** Ids of what is odd, but allowed, about an autoscaling config. */
export type AutoscalingWarning = "look_back_not_above_metrics_interval" | "metrics_interval_s_deprecated";

/** Reads an autoscaling config and fills in every default. `warnings` are texts, `warningIds` their ids, sorted. */
export function parseAutoscalingConfig(
  input: unknown,
  options?: ParseOptions,
): ConfigResult<AutoscalingConfig> & { warningIds?: AutoscalingWarning[] } {
  const parsed = parseBy(AUTOSCALING_SCHEMA, input, options);
  if (!parsed.ok) return parsed;
  const given = parsed.config;
  const config: AutoscalingConfig = {
    ...AUTOSCALING_DEFAULTS,
    ...given,
    policy: { ...AUTOSCALING_DEFAULTS.policy, ...given.policy },
  };
  const warnings: string[] = [];
  const warningIds: AutoscalingWarning[] = [];
  const { look_back_period_s: lookBack, metrics_interval_s: interval } = config;
  if (given.look_back_period_s !== undefined && lookBack <= interval) {
    warningIds.push("look_back_not_above_metrics_interval");
    warnings.push(`look_back_period_s ${lookBack} should be above metrics_interval_s ${interval}`);
  }
  if (given.metrics_interval_s !== undefined && interval !== AUTOSCALING_DEFAULTS.metrics_interval_s) {
    warningIds.push("metrics_interval_s_deprecated");
    warnings.push("metrics_interval_s is deprecated by the reference");
  }
  return { ok: true, config, warnings, warningIds };
}

/** The body of the scale webhook. */
export interface ScaleBody {
  target_num_replicas: number;
  /** Makes a retry idempotent; default none. */
  request_id?: string;
  /** Why, for the journal; default none. */
  reason?: string;
  /** Name of the scaler, which takes or renews the lease; default none. */
  owner?: string;
  /** Seconds that the lease lasts from now; 0 gives it up; default without end. */
  ttl_s?: number;
  /** What follows the lease's end; default the application's. */
  lease_fallback?: LeaseFallback;
  /** A write with a lower one than was accepted before is refused; default none. */
  fence?: number;
  /** Checks everything and changes nothing; default false. */
  dry_run?: boolean;
  /** Over anybody's lease; default false. */
  force?: boolean;
  /** By hand, on any deployment without an autoscaler; default false. */
  manual?: boolean;
}

/** The body of the scale webhook. */
export const SCALE_SCHEMA = object("ScaleDeploymentRequest", {
  target_num_replicas: required(laxInt({ min: 0 }), { doc: "Wanted number of replicas." }),
  request_id: optional(z.string(), { doc: "Makes a retry idempotent." }),
  reason: optional(z.string(), { doc: "Why, for the journal." }),
  owner: optional(z.string(), { doc: "Name of the scaler, which takes or renews the lease." }),
  ttl_s: optional(laxFloat({ min: 0, finite: true }), {
    doc: "Seconds that the lease lasts from now, up to 604800; 0 gives it up after this write. Without end unless given.",
  }),
  lease_fallback: optional(choice(["hold", "floor", "policy"]), {
    doc: "What becomes of the target when the lease ends; the application's unless given.",
  }),
  fence: optional(laxInt({ min: 0 }), { doc: "A write with a lower one than was accepted before is refused." }),
  dry_run: optional(laxBool(), { doc: "Checks everything and changes nothing.", default: false }),
  force: optional(laxBool(), { doc: "Takes the target whoever holds the lease; for deployers.", default: false }),
  manual: optional(laxBool(), {
    doc: "Scales by hand, without external_scaler_enabled; for deployers.",
    default: false,
  }),
});

/** Reads the body of the scale webhook: `target_num_replicas` >= 0 is required, unknown keys are dropped. */
export function parseScaleRequest(input: unknown, options?: ParseOptions): ConfigResult<ScaleBody> {
  return parseBy(SCALE_SCHEMA, input, options);
}
