/**
 * The `check` layer: our rules beyond the reference's schema. It looks at documents that `parse` accepted, refuses
 * what would only fail later, and warns about what has no effect.
 */
import type * as z from "zod";
import { nameProblem } from "../core/names.ts";
import { AUTO_REPLICAS_BASE, AUTOSCALING_DEFAULTS, DEFAULT_POLICY_FUNCTION } from "./defaults.ts";
import { formatPath, show } from "./describe.ts";
import { attributesWarning } from "./logging.ts";
import { KNOWN_STRANGERS, NOT_YET_APPLICATION, NOT_YET_DOCUMENT } from "./not-yet.ts";
import { type ConfigProblem, toProblem } from "./parse.ts";
import { policyKind } from "./policy-kwargs.ts";
import { policyFindings } from "./policy-rules.ts";
import { readBy } from "./read.ts";
import { routerFindings } from "./request-router.ts";
import { canaryProblem } from "./rollout.ts";
import { applicationEnvFindings } from "./runtime-env-rules.ts";
import { AUTOSCALING_SCHEMA } from "./schema-autoscaling.ts";
import { APPLICATION_SCHEMA, DEPLOY_SCHEMA, EXTERNAL_SCALER_CONFLICT } from "./schema-deploy.ts";
import { DEPLOYMENT_SCHEMA } from "./schema-deployment.ts";
import { itemOf, shapeOf, typeInfo } from "./schema-info.ts";
import type { Path } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";
import { select } from "./select.ts";
import { suggestKey } from "./suggest.ts";
import {
  type ApplicationConfig,
  COMMAND_IMPORT_PATH,
  type DeployConfig,
  type DeploymentOverride,
  type LoggingConfig,
} from "./types.ts";
import { type Refusal, UNSUPPORTED_RULES, unsupportedInDeployment, unsupportedInDocument } from "./unsupported.ts";

/** Ids of the check layer's rules with what each refuses, as printed in the docs. */
export const CHECK_RULES = {
  "misspelt-key":
    "An unknown key that looks like a typo of a known one. Other unknown keys are left out with a warning.",
  "nested-contents": "Wrong contents of autoscaling_config, autoscaling_policy or request_router_config.",
  policy:
    "A policy_function without a colon; a built-in one (windlass:...) that is unknown, has wrong policy_kwargs or stands for a whole application; policy_kwargs that are no JSON.",
  "request-router":
    "A request_router_class that is neither built in nor MODULE:EXPORT; request_router_kwargs that the built-in one does not take, or that are no JSON.",
  "shadow-of-application":
    "An application's autoscaling_shadow that names no policy_function of your own, or has settings that belong to the autoscaling_shadow of a deployment.",
  "no-target": "target_ongoing_requests null, which no policy can work with.",
  "application-name":
    'An application name that holds "/", a control character or half of a surrogate pair, is "." or "..", or has more than 255 characters.',
  "deployment-name":
    "A deployment name that is empty, holds half of a surrogate pair, or has more than 255 characters.",
  "route-prefix": 'A route_prefix that does not begin with "/", ends with "/" (unless it is "/"), or holds "{" or "}".',
  "import-path": "An import_path without a colon between module and export.",
  "external-scaler": "external_scaler_enabled together with an application-level autoscaling_policy.",
  "placement-strategy": "A placement_group_strategy that is unknown, or stands without placement_group_bundles.",
  "replicas-per-node": "max_replicas_per_node outside 1 to 100.",
  "number-range":
    "A number that is not finite, a whole number beyond 4294967295 (max_queued_requests: 2147483647), a port outside 0 to 65535, or a negative keep_alive_timeout_s.",
  commands:
    "A deployment with a command beside an import_path or beside deployments without one, with user_config, several of the same name, or not exactly one ingress among several.",
  rollout:
    "A limit of updates given twice, limits that leave no room, canary weights that do not rise, or canary settings on several deployments of an application.",
  scaling: "external_scaler_enabled beside scaling.owner autoscaler or manual.",
  "runtime-env":
    "A working_dir that is no http://, https:// or file:/// URI, or that differs between an application and a deployment of its code; keys of runtime_env that would install something or run in a container (pip, uv, conda, py_modules, container, image_uri, ...).",
  ...UNSUPPORTED_RULES,
} as const;

/** A key of {@link CHECK_RULES}. */
export type CheckRule = keyof typeof CHECK_RULES;

/** What the check layer found; without problems the document may be applied. */
export interface CheckResult {
  readonly problems: ConfigProblem[];
  readonly warnings: string[];
}

/** Checks a whole document: `input` as it was sent, `parsed` as parse read it. */
export function checkDeployConfig(input: unknown, parsed: DeployConfig): CheckResult {
  const result: CheckResult = { problems: [], warnings: [] };
  checkKeys(DEPLOY_SCHEMA, input, [], result);
  checkRanges(DEPLOY_SCHEMA, parsed, [], result);
  refuseAll(unsupportedInDocument(parsed), [], result);
  warnNotYet(NOT_YET_DOCUMENT, parsed, [], result);
  warnAttributes(parsed, [], result);
  for (const [index, app] of parsed.applications.entries()) checkApplication(app, ["applications", index], result);
  return result;
}

/** Checks one application on its own; paths start from it. */
export function checkApplicationConfig(input: unknown, parsed: ApplicationConfig): CheckResult {
  const result: CheckResult = { problems: [], warnings: [] };
  checkKeys(APPLICATION_SCHEMA, input, [], result);
  checkRanges(APPLICATION_SCHEMA, parsed, [], result);
  checkApplication(parsed, [], result);
  return result;
}

/** Only the keys that look like typos, for a document that parse refused: a typo often is why. */
export function misspeltKeys(schema: z.ZodType, input: unknown): ConfigProblem[] {
  const result: CheckResult = { problems: [], warnings: [] };
  checkKeys(schema, input, [], result);
  return result.problems;
}

function refuse(result: CheckResult, rule: CheckRule, steps: Path, message: string): void {
  result.problems.push({ path: formatPath(steps), message, rule, steps });
}

function refuseAll(refusals: readonly Refusal[], path: Path, result: CheckResult): void {
  for (const refusal of refusals) refuse(result, refusal.rule, [...path, ...refusal.path], refusal.message);
}

function warn(result: CheckResult, path: Path, text: string): void {
  result.warnings.push(`${formatPath(path)}: ${text}`);
}

/** Looks for unknown keys and wrong contents, following the schema through objects and lists. */
function checkKeys(schema: z.core.$ZodType, input: unknown, path: Path, result: CheckResult): void {
  const shape = shapeOf(typeInfo(schema).contents ?? schema);
  if (shape && isRecord(input)) {
    for (const [key, value] of Object.entries(input)) {
      const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (field) checkKeys(field, value, [...path, key], result);
      else checkStranger(schema, key, Object.keys(shape), [...path, key], result);
    }
  }
  const item = itemOf(schema);
  if (!item || !Array.isArray(input)) return;
  for (const [index, value] of input.entries()) checkKeys(item, value, [...path, index], result);
}

function checkStranger(schema: z.core.$ZodType, key: string, known: string[], path: Path, result: CheckResult): void {
  // Names the schema for editors.
  if (key === "$schema" && path.length === 1) return;
  const { name = "" } = typeInfo(typeInfo(schema).contents ?? schema);
  const strangers = KNOWN_STRANGERS[name] ?? {};
  const meant = suggestKey(key, known);
  if (path.at(-2) === "autoscaling_shadow" && name === "AutoscalingPolicy" && Object.hasOwn(SCALING_SETTINGS, key)) {
    refuse(result, "shadow-of-application", path, "belongs to one deployment; move it into its autoscaling_shadow");
  } else if (Object.hasOwn(strangers, key)) warn(result, path, `${strangers[key]}; it was left out`);
  else if (meant === undefined) warn(result, path, "is not a known key and was left out");
  else refuse(result, "misspelt-key", path, `is not a known key; did you mean ${meant}?`);
}

/** What the shadow of a deployment has, and that of an application would do without. */
const SCALING_SETTINGS = shapeOf(AUTOSCALING_SCHEMA)!;

/** Refuses numbers that neither a stored document nor a message can hold. */
function checkRanges(schema: z.core.$ZodType, value: unknown, path: Path, result: CheckResult): void {
  const shape = shapeOf(schema);
  const item = itemOf(schema);
  if (Array.isArray(value)) {
    if (item) for (const [index, entry] of value.entries()) checkRanges(item, entry, [...path, index], result);
  } else if (isRecord(value)) {
    for (const [key, entry] of Object.entries(value)) {
      const next = shape?.[key] ?? item;
      if (next) checkRanges(next, entry, [...path, key], result);
    }
  } else if (typeof value === "number") {
    checkRange(value, typeInfo(schema).number !== "any", path, result);
  }
}

function checkRange(value: number, whole: boolean, path: Path, result: CheckResult): void {
  const key = path.at(-1);
  const { min, max } = RANGES[key as keyof typeof RANGES] ?? { min: -Infinity, max: 2 ** 32 - 1 };
  if (!Number.isFinite(value)) {
    refuse(result, "number-range", path, `must be a finite number, got ${value}; write a large number instead`);
  } else if (whole && (value < min || value > max)) {
    const limits = min === -Infinity ? `<= ${max}` : `from ${min} to ${max}`;
    refuse(result, "number-range", path, `must be a whole number ${limits}, got ${value}`);
  }
}

const RANGES = {
  port: { min: 0, max: 65535 },
  keep_alive_timeout_s: { min: 0, max: 2 ** 32 - 1 },
  max_queued_requests: { min: -1, max: 2 ** 31 - 1 },
};

function checkApplication(app: ApplicationConfig, path: Path, result: CheckResult): void {
  const { name, route_prefix: route } = app;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (name !== undefined && (/[/\u0000-\u001f\u007f-\u009f]/.test(name) || name === "." || name === "..")) {
    const message = `must not hold "/" or control characters, nor be "." or "..", got ${show(name)}; rename it`;
    refuse(result, "application-name", [...path, "name"], message);
  } else if (name !== undefined && nameProblem(name) !== undefined) {
    refuse(result, "application-name", [...path, "name"], `${nameProblem(name)} in ${show(name)}; rename it`);
  }
  const shaped = typeof route !== "string" || route === "/" || (/^\/[^{}]*$/.test(route) && !route.endsWith("/"));
  if (!shaped) {
    const message = `must begin with "/", not end with "/" and hold no "{" or "}", got ${show(route)}; write e.g. "/app"`;
    refuse(result, "route-prefix", [...path, "route_prefix"], message);
  }
  if (!app.import_path.includes(":")) {
    const message = `must be MODULE:EXPORT with a colon, got ${show(app.import_path)}; write e.g. ./app.ts:app`;
    refuse(result, "import-path", [...path, "import_path"], message);
  }
  if (app.autoscaling_policy) {
    checkContents(APPLICATION_SCHEMA, "autoscaling_policy", app.autoscaling_policy, path, result);
    checkPolicy(app.autoscaling_policy, null, [...path, "autoscaling_policy"], result);
    if (app.external_scaler_enabled) refuse(result, "external-scaler", path, EXTERNAL_SCALER_CONFLICT);
  }
  if (app.autoscaling_shadow) checkApplicationShadow(app.autoscaling_shadow, path, result);
  checkCommands(app, path, result);
  const canaries = canaryProblem(app.deployments ?? []);
  if (canaries !== undefined) refuse(result, "rollout", [...path, "deployments"], canaries);
  for (const { steps, refused, message } of applicationEnvFindings(app)) {
    if (refused) refuse(result, "runtime-env", [...path, ...steps], message);
    else warn(result, [...path, ...steps], message);
  }
  warnNotYet(NOT_YET_APPLICATION, app, path, result);
  warnAttributes(app, path, result);
  for (const [index, item] of (app.deployments ?? []).entries()) {
    checkDeployment(item, [...path, "deployments", index], result);
    warnAttributes(item, [...path, "deployments", index], result);
  }
}

function checkApplicationShadow(shadow: Readonly<Record<string, unknown>>, path: Path, result: CheckResult): void {
  checkContents(APPLICATION_SCHEMA, "autoscaling_shadow", shadow, path, result);
  const at = [...path, "autoscaling_shadow"];
  for (const { path: step, message } of policyFindings(shadow, null, "autoscaling_shadow")) {
    refuse(result, "policy", [...at, ...step], message);
  }
  const { policy_function: name = DEFAULT_POLICY_FUNCTION } = shadow;
  if (typeof name !== "string" || policyKind(name) !== "requests") return;
  const got = Object.hasOwn(shadow, "policy_function") ? `got ${show(name)}` : "got none";
  const message = `must name a policy of your own for the whole application, ${got}; by requests each deployment decides by itself: give those an autoscaling_shadow`;
  refuse(result, "shadow-of-application", [...at, "policy_function"], message);
}

function checkCommands(app: ApplicationConfig, path: Path, result: CheckResult): void {
  const deployments = app.deployments ?? [];
  const refuseAt = (index: number, key: string, message: string): void =>
    refuse(result, "commands", [...path, "deployments", index, key], message);
  const commands = deployments.filter(({ command }) => command !== undefined);
  if (app.import_path !== COMMAND_IMPORT_PATH) {
    for (const [index, { command }] of deployments.entries()) {
      if (command) refuseAt(index, "command", "stands instead of code; leave import_path out of this application");
    }
    return;
  }
  for (const [index, deployment] of deployments.entries()) {
    const { name, command, user_config } = deployment;
    if (!command) refuseAt(index, "command", "is missing: the other deployments are commands, so each must be one");
    if ((user_config ?? null) !== null) refuseAt(index, "user_config", "cannot reach a command; use env or arguments");
    if (deployments.findIndex((other) => other.name === name) !== index) {
      refuseAt(index, "name", `${show(name)} is taken by another command; rename one`);
    }
  }
  const ingresses = commands.filter(({ ingress }) => ingress);
  if (commands.length === 0) {
    refuse(result, "commands", [...path, "deployments"], "must hold at least one deployment with a command");
  } else if (ingresses.length > 1 || (ingresses.length === 0 && commands.length > 1)) {
    const message = `exactly one command gets the application's requests, ${ingresses.length} have ingress: true; set it on one`;
    refuse(result, "commands", [...path, "deployments"], message);
  }
}

function checkDeployment(deployment: DeploymentOverride, path: Path, result: CheckResult): void {
  const {
    autoscaling_config: autoscaling,
    autoscaling_shadow: shadow,
    placement_group_strategy: strategy,
    max_replicas_per_node: limit,
  } = deployment;
  const misnamed = nameProblem(deployment.name);
  if (misnamed !== undefined) {
    refuse(result, "deployment-name", [...path, "name"], `${misnamed} in ${show(deployment.name)}; rename it`);
  }
  if (autoscaling) {
    const base = deployment.num_replicas === "auto" ? AUTO_REPLICAS_BASE : {};
    checkAutoscaling("autoscaling_config", { ...base, ...autoscaling }, path, result);
  }
  if (shadow) checkAutoscaling("autoscaling_shadow", shadow, path, result);
  if (deployment.request_router_config) {
    checkContents(DEPLOYMENT_SCHEMA, "request_router_config", deployment.request_router_config, path, result);
    for (const { path: at, message } of routerFindings(deployment.request_router_config)) {
      refuse(result, "request-router", [...path, "request_router_config", ...at], message);
    }
  }
  refuseAll(unsupportedInDeployment(deployment), path, result);
  if (strategy !== undefined) {
    const at = [...path, "placement_group_strategy"];
    const known = ["PACK", "SPREAD", "STRICT_PACK", "STRICT_SPREAD"];
    const message = known.includes(strategy)
      ? "needs placement_group_bundles; add them or remove it"
      : `must be one of ${known.join(", ")}, got ${show(strategy)}`;
    const bundled = (deployment.placement_group_bundles ?? []).length > 0;
    if (!bundled || !known.includes(strategy)) refuse(result, "placement-strategy", at, message);
  }
  if (limit !== undefined && !(limit >= 1 && limit <= 100)) {
    const message = `must be a whole number from 1 to 100, got ${limit}`;
    refuse(result, "replicas-per-node", [...path, "max_replicas_per_node"], message);
  }
}

function checkAutoscaling(
  field: "autoscaling_config" | "autoscaling_shadow",
  given: Readonly<Record<string, unknown>>,
  path: Path,
  result: CheckResult,
): void {
  checkContents(DEPLOYMENT_SCHEMA, field, given, path, result);
  const { policy, max_replicas: max }: Record<string, unknown> = { ...AUTOSCALING_DEFAULTS, ...given };
  checkPolicy(policy, Number(max), [...path, field, "policy"], result);
  if (given.target_ongoing_requests !== null) return;
  refuse(
    result,
    "no-target",
    [...path, field, "target_ongoing_requests"],
    "must be a number > 0, got null; leave it out for 2",
  );
}

function checkPolicy(policy: unknown, maxReplicas: number | null, path: Path, result: CheckResult): void {
  for (const { path: at, message } of policyFindings(policy, maxReplicas)) {
    refuse(result, "policy", [...path, ...at], message);
  }
}

/** Reads a field's value by the schema of its contents, which the parse layer leaves alone. */
function checkContents(schema: z.ZodType, field: string, value: unknown, path: Path, result: CheckResult): void {
  const contents = contentsOf(shapeOf(schema)![field]!);
  const read = readBy(contents, value, { path: [...path, field] });
  if (read.ok) checkRanges(contents, read.value, [...path, field], result);
  else for (const issue of read.issues) result.problems.push({ ...toProblem(issue), rule: "nested-contents" });
}

function contentsOf(field: z.core.$ZodType): z.ZodType {
  return typeInfo(field).contents!;
}

function warnAttributes(holder: { logging_config?: LoggingConfig | null }, path: Path, result: CheckResult): void {
  const text = attributesWarning(holder.logging_config);
  if (text !== undefined) warn(result, [...path, "logging_config", "additional_log_standard_attrs"], text);
}

function warnNotYet(table: Readonly<Record<string, string>>, config: unknown, path: Path, result: CheckResult): void {
  for (const [pattern, text] of Object.entries(table)) {
    for (const steps of select(config, pattern)) warn(result, [...path, ...steps], text);
  }
}
