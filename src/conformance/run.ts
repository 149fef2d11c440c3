/** Runs vector files: reads each by its name, runs every case, and says what came out in lines. */
import { readJson } from "../config/json.ts";
import { errorText } from "../core/errors.ts";
import { runDecisionCase, runTrajectoryCase } from "./autoscaling-cases.ts";
import { runSeriesCase } from "./autoscaling-series.ts";
import { type CaseRunner, canonical, type Outcome, type VectorCase } from "./case.ts";
import { runAutoscalingCase, runDeployCase } from "./config-cases.ts";
import { runApplicationCase, runBoundsCase, runTransitionCase } from "./status-cases.ts";

/** The vector files that are covered, by name. */
export const RUNNERS: Readonly<Record<string, CaseRunner>> = {
  "autoscaling_config_validation.json": runAutoscalingCase,
  "deploy_config_validation.json": runDeployCase,
  "deployment_status_transitions.json": runTransitionCase,
  "application_status_derivation.json": runApplicationCase,
  "bounds_and_initial_target.json": runBoundsCase,
  "desired_replicas.json": runDecisionCase,
  "policy_trajectories.json": runTrajectoryCase,
  "timeseries_aggregation.json": runSeriesCase,
};

/** What one file came to. `lines` has a line or two for each case that failed, and one a rule that differs. */
export interface FileReport {
  readonly passed: number;
  readonly failed: number;
  readonly lines: readonly string[];
}

/** Runs the cases of one file; `undefined` when its name is not among {@link RUNNERS}. */
export function runVectorFile(fileName: string, text: string): FileReport | undefined {
  const runner = RUNNERS[fileName];
  if (!runner) return undefined;
  const read = readJson(text);
  const cases = read.ok ? (read.value as { cases?: unknown } | null)?.cases : undefined;
  if (!read.ok || !Array.isArray(cases)) {
    return { passed: 0, failed: 1, lines: [`${fileName}: ${read.ok ? "has no list of cases" : read.message}`] };
  }
  const lines: string[] = [];
  const rules = new Map<string, number>();
  let failed = 0;
  for (const vector of cases as VectorCase[]) {
    const outcome = runCase(() => runner(vector, read.floats));
    if (outcome.kind === "differs") rules.set(outcome.rule, (rules.get(outcome.rule) ?? 0) + 1);
    if (outcome.kind !== "failed") continue;
    failed += 1;
    lines.push(`failed ${fileName} ${vector.id}`);
    lines.push(`  expected ${canonical(outcome.expected)}`, `  actual   ${canonical(outcome.actual)}`);
  }
  for (const [rule, count] of rules) lines.push(`differs ${fileName}: ${count} by the rule: ${rule}`);
  const passed = cases.length - failed;
  return { passed, failed, lines: [...lines, `${fileName}: ${passed} passed, ${failed} failed`] };
}

function runCase(run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    return { kind: "failed", expected: "no exception", actual: errorText(error) };
  }
}
