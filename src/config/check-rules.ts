/**
 * The `check` layer: our rules beyond the reference's schema. It looks at documents that `parse` accepted, refuses
 * what would only fail later, and warns about what has no effect.
 */
import { AUTO_REPLICAS_BASE } from "./defaults.ts";
import { formatPath, show } from "./describe.ts";
import { AUTO_REPLICAS_NOT_YET, KNOWN_STRANGERS, NOT_YET_APPLICATION, NOT_YET_DOCUMENT } from "./not-yet.ts";
import { type ConfigProblem, toProblem } from "./parse.ts";
import { parseValue } from "./parse-value.ts";
import { APPLICATION_SCHEMA, DEPLOY_SCHEMA, EXTERNAL_SCALER_CONFLICT } from "./schema-deploy.ts";
import type { Path, Schema, Type } from "./schema-types.ts";
import { isRecord } from "./schema-types.ts";
import { suggestKey } from "./suggest.ts";
import type { ApplicationConfig, DeployConfig, DeploymentOverride } from "./types.ts";

/** Ids of the check layer's rules with what each refuses, as printed in the docs. */
export const CHECK_RULES = {
  "misspelt-key":
    "An unknown key that looks like a typo of a known one. Other unknown keys are left out with a warning.",
  "nested-contents":
    "Wrong contents of autoscaling_config, autoscaling_policy, request_router_config or deployment_actors.",
  "no-target": "target_ongoing_requests null, which no policy can work with.",
  "application-name": 'An application name that holds "/" or a control character, or is "." or "..".',
  "route-prefix": 'A route_prefix that does not begin with "/", ends with "/" (unless it is "/"), or holds "{" or "}".',
  "import-path": "An import_path without a colon between module and export.",
  "external-scaler": "external_scaler_enabled together with an application-level autoscaling_policy.",
  "placement-strategy": "A placement_group_strategy that is unknown, or stands without placement_group_bundles.",
  "replicas-per-node": "max_replicas_per_node outside 1 to 100.",
  "number-range":
    "A number that is not finite, a whole number beyond 4294967295 (max_queued_requests: 2147483647), a port outside 0 to 65535, or a negative keep_alive_timeout_s.",
  "actor-names": "Two deployment_actors of one deployment with the same name.",
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
  warnNotYet(NOT_YET_DOCUMENT, parsed, [], result);
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
export function misspeltKeys(schema: Schema, input: unknown): ConfigProblem[] {
  const result: CheckResult = { problems: [], warnings: [] };
  checkKeys(schema, input, [], result);
  return result.problems;
}

function refuse(result: CheckResult, rule: CheckRule, steps: Path, message: string): void {
  result.problems.push({ path: formatPath(steps), message, rule, steps });
}

function warn(result: CheckResult, path: Path, text: string): void {
  result.warnings.push(`${formatPath(path)}: ${text}`);
}

/** Looks for unknown keys and wrong contents, following the schema through objects and lists. */
function checkKeys(schema: Schema, input: unknown, path: Path, result: CheckResult): void {
  if (!isRecord(input)) return;
  const known = Object.keys(schema.fields);
  for (const [key, value] of Object.entries(input)) {
    const field = schema.fields[key];
    if (field !== undefined && Object.hasOwn(schema.fields, key)) checkValue(field.type, value, [...path, key], result);
    else checkStranger(schema, key, known, [...path, key], result);
  }
}

function checkStranger(schema: Schema, key: string, known: string[], path: Path, result: CheckResult): void {
  const strangers = KNOWN_STRANGERS[schema.name] ?? {};
  const meant = suggestKey(key, known);
  if (Object.hasOwn(strangers, key)) warn(result, path, `${strangers[key]}; it was left out`);
  else if (meant === undefined) warn(result, path, "is not a known key and was left out");
  else refuse(result, "misspelt-key", path, `is not a known key; did you mean ${meant}?`);
}

function checkValue(type: Type, value: unknown, path: Path, result: CheckResult): void {
  if (type.kind === "schema") checkKeys(type.schema, value, path, result);
  if (type.kind === "object" && type.contents) checkKeys(type.contents, value, path, result);
  if (type.kind === "list" && Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkValue(type.of, item, [...path, index], result);
  }
}

/** Refuses numbers that neither a stored document nor a message can hold. */
function checkRanges(schema: Schema, config: unknown, path: Path, result: CheckResult): void {
  if (!isRecord(config)) return;
  for (const [key, field] of Object.entries(schema.fields)) {
    if (Object.hasOwn(config, key)) checkRange(field.type, config[key], [...path, key], result);
  }
}

function checkRange(type: Type, value: unknown, path: Path, result: CheckResult): void {
  if (type.kind === "schema") checkRanges(type.schema, value, path, result);
  if (type.kind === "list" && Array.isArray(value)) {
    for (const [index, item] of value.entries()) checkRange(type.of, item, [...path, index], result);
  }
  if (type.kind === "map" && isRecord(value)) {
    for (const [key, item] of Object.entries(value)) checkRange(type.of, item, [...path, key], result);
  }
  if (typeof value !== "number") return;
  const key = path.at(-1);
  const { min, max } = RANGES[key as keyof typeof RANGES] ?? { min: -Infinity, max: 2 ** 32 - 1 };
  if (!Number.isFinite(value)) {
    refuse(result, "number-range", path, `must be a finite number, got ${value}; write a large number instead`);
  } else if (type.kind !== "number" && (value < min || value > max)) {
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
    if (app.external_scaler_enabled) refuse(result, "external-scaler", path, EXTERNAL_SCALER_CONFLICT);
  }
  warnNotYet(NOT_YET_APPLICATION, app, path, result);
  for (const [index, item] of (app.deployments ?? []).entries()) {
    checkDeployment(item, [...path, "deployments", index], result);
  }
}

function checkDeployment(deployment: DeploymentOverride, path: Path, result: CheckResult): void {
  const {
    autoscaling_config: autoscaling,
    placement_group_strategy: strategy,
    max_replicas_per_node: limit,
  } = deployment;
  if (deployment.num_replicas === "auto" && !autoscaling) {
    warn(result, [...path, "num_replicas"], AUTO_REPLICAS_NOT_YET);
  }
  if (autoscaling) {
    const base = deployment.num_replicas === "auto" ? AUTO_REPLICAS_BASE : {};
    checkContents(DEPLOYMENT, "autoscaling_config", { ...base, ...autoscaling }, path, result);
    if (autoscaling.target_ongoing_requests === null) {
      const at = [...path, "autoscaling_config", "target_ongoing_requests"];
      refuse(result, "no-target", at, "must be a number > 0, got null; leave it out for 2");
    }
  }
  if (deployment.request_router_config) {
    checkContents(DEPLOYMENT, "request_router_config", deployment.request_router_config, path, result);
  }
  checkActors(deployment.deployment_actors ?? [], path, result);
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

const DEPLOYMENT = (APPLICATION_SCHEMA.fields.deployments!.type as { of: { schema: Schema } }).of.schema;

function checkActors(actors: readonly Record<string, unknown>[], path: Path, result: CheckResult): void {
  checkContents(DEPLOYMENT, "deployment_actors", actors, path, result);
  const names = actors.map((actor) => actor.name);
  const twice = names.find((name, index) => name !== undefined && names.indexOf(name) !== index);
  if (twice === undefined) return;
  const message = `has two actors named ${show(twice)}; rename one`;
  refuse(result, "actor-names", [...path, "deployment_actors"], message);
}

/** Reads a field's value by the schema of its contents, which the parse layer leaves alone. */
function checkContents(schema: Schema, field: string, value: unknown, path: Path, result: CheckResult): void {
  const type = withContents(schema.fields[field]!.type);
  const parsed = parseValue(type, value, { path: [...path, field] });
  if (parsed.ok) {
    checkRange(type, parsed.value, [...path, field], result);
    return;
  }
  for (const issue of parsed.issues) result.problems.push({ ...toProblem(issue), rule: "nested-contents" });
}

function withContents(type: Type): Type {
  if (type.kind === "list") return { ...type, of: withContents(type.of) };
  return type.kind === "object" && type.contents ? { kind: "schema", schema: type.contents } : type;
}

function warnNotYet(table: Readonly<Record<string, string>>, config: unknown, path: Path, result: CheckResult): void {
  for (const [pattern, text] of Object.entries(table)) {
    for (const steps of select(config, pattern.split("."))) warn(result, [...path, ...steps], text);
  }
}

/** The paths of all values that are neither null nor empty lists and match a pattern. */
function select(value: unknown, pattern: readonly string[]): Path[] {
  const [head, ...rest] = pattern;
  if (head === undefined) return value === null || (Array.isArray(value) && value.length === 0) ? [] : [[]];
  if (!isRecord(value)) return [];
  if (head.endsWith("[]")) {
    const key = head.slice(0, -2);
    const items = value[key];
    if (!Array.isArray(items)) return [];
    return items.flatMap((item, index) => select(item, rest).map((steps) => [key, index, ...steps]));
  }
  const keys = head === "*" ? Object.keys(value).filter((key) => key !== "env_vars") : [head];
  return keys.flatMap((key) => (Object.hasOwn(value, key) ? select(value[key], rest).map((s) => [key, ...s]) : []));
}
