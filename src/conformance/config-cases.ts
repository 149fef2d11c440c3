/** Cases of config documents: what is accepted, what it becomes, and which rules refuse it. */
import { DEFAULT_POLICY_FUNCTION } from "../config/defaults.ts";
import { effectiveFactors } from "../config/effective.ts";
import { type ConfigProblem, parseAutoscalingConfig, parseDeployConfig } from "../config/parse.ts";
import type { FloatMarks } from "../config/schema-types.ts";
import { isRecord } from "../config/schema-types.ts";
import { type CaseRunner, compare, differs, type Outcome, type VectorCase } from "./case.ts";

interface Expected {
  readonly valid: boolean;
  readonly normalized?: unknown;
  readonly fields?: readonly string[];
  readonly kinds?: readonly string[];
  readonly crash?: string;
  readonly warnings?: readonly string[];
  readonly effective_upscaling_factor?: unknown;
  readonly effective_downscaling_factor?: unknown;
}

/** The recorded cases write the built-in policy's name as this token. */
const POLICY_TOKEN = "<default-policy>";

const GANG_RULE = "the path of a gang's field names gang_scheduling_config, which the reference leaves out";
const CRASH_RULE = "what crashes the reference is refused";
const IMPORT_RULE = "import paths are not resolved while parsing, only their form is looked at";

const dotted = (problem: ConfigProblem): string => problem.steps.join(".") || "<root>";

/** A whole deploy document. */
export const runDeployCase: CaseRunner = (vector, floats) => {
  const expected = vector.expected as Expected;
  const result = parseDeployConfig(vector.input, { floats });
  const actual = result.ok
    ? { valid: true, normalized: sortAttributes(result.config) }
    : { valid: false, fields: result.problems.map(dotted), kinds: result.problems.map((p) => p.rule) };
  if (expected.crash === "ModuleNotFoundError") return differs(IMPORT_RULE, result.ok, expected, actual);
  if (expected.crash !== undefined) return differs(CRASH_RULE, !result.ok, expected, actual);
  if (expected.valid) return compare({ valid: true, normalized: sortAttributes(expected.normalized) }, actual);
  const recorded = { valid: false, fields: expected.fields, kinds: expected.kinds };
  if (result.ok || !result.problems.some(isGangField)) return compare(recorded, actual);
  const shortened = result.problems.map((p) => dotted(p).replace(".gang_scheduling_config.", "."));
  return differs(GANG_RULE, compare(recorded, { ...actual, fields: shortened }).kind === "passed", expected, actual);
};

function isGangField(problem: ConfigProblem): boolean {
  return problem.steps.at(-2) === "gang_scheduling_config";
}

function sortAttributes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortAttributes);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, item]) =>
    key === "additional_log_standard_attrs" && Array.isArray(item)
      ? [key, [...item].sort()]
      : [key, sortAttributes(item)],
  );
  return Object.fromEntries(entries);
}

/** One autoscaling config. */
export const runAutoscalingCase: CaseRunner = (vector, floats) => {
  const expected = vector.expected as Expected;
  const result = parseAutoscalingConfig(withPolicyName(vector.input, floats), { floats });
  const actual = result.ok
    ? { valid: true, ...describeAutoscaling(result.config), warnings: [...(result.warningIds ?? [])].sort() }
    : { valid: false, fields: result.problems.map(dotted), kinds: result.problems.map((p) => p.rule) };
  const isImport = expected.kinds?.length === 1 && expected.kinds[0] === "policy_not_importable";
  if (isImport && isWellFormedImport(vector)) return differs(IMPORT_RULE, result.ok, expected, actual);
  if (!expected.valid) return compare({ valid: false, fields: expected.fields, kinds: expected.kinds }, actual);
  return compareAutoscaling(expected, actual);
};

function describeAutoscaling(config: Parameters<typeof effectiveFactors>[0]): Record<string, unknown> {
  const { up, down } = effectiveFactors(config);
  return { normalized: config, effective_upscaling_factor: up, effective_downscaling_factor: down };
}

function compareAutoscaling(expected: Expected, actual: Record<string, unknown>): Outcome {
  return compare(
    {
      valid: true,
      normalized: withPolicyName(expected.normalized),
      effective_upscaling_factor: expected.effective_upscaling_factor,
      effective_downscaling_factor: expected.effective_downscaling_factor,
      warnings: [...(expected.warnings ?? [])].sort(),
    },
    actual,
  );
}

/** The same input with the policy token replaced; objects that hold float marks stay the same objects. */
function withPolicyName(input: unknown, _floats?: FloatMarks): unknown {
  if (!isRecord(input) || !isRecord(input.policy) || input.policy.policy_function !== POLICY_TOKEN) return input;
  return { ...input, policy: { ...input.policy, policy_function: DEFAULT_POLICY_FUNCTION } };
}

function isWellFormedImport(vector: VectorCase): boolean {
  const input = vector.input;
  const path = isRecord(input) && isRecord(input.policy) ? input.policy.policy_function : undefined;
  return typeof path === "string" && (/^[^:]+:[^:]+$/.test(path) || /^[^:.]+(?:\.[^:.]+)+$/.test(path));
}
