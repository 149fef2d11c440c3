/** Runs recorded REST scenarios against real instances of Windlass and says what came out in lines. */
import { resolve } from "node:path";
import { readJson } from "../../config/json.ts";
import { NOT_YET_APPLICATION } from "../../config/not-yet.ts";
import type { Clock } from "../../core/clock.ts";
import { errorText } from "../../core/errors.ts";
import { canonical } from "../case.ts";
import type { FileReport } from "../run.ts";
import { startInstance } from "./instance.ts";
import { runScenario, type ScenarioReport } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";

/** The file of scenarios, by its name. */
export const REST_FILE = "rest_scenarios.json";

export interface RestOptions {
  readonly clock: Clock;
  /** Folder of the module `fixtures`. */
  readonly fixtures: string;
  /** Chooses scenarios by their index. Default: all. */
  readonly select?: (index: number) => boolean;
  /** Scenarios at a time. Default 2. */
  readonly lanes?: number;
  /** Called with the lines of each scenario as it ends. */
  readonly onLines?: (lines: readonly string[]) => void;
}

type Outcome =
  | { readonly kind: "ran"; readonly report: ScenarioReport }
  | { readonly kind: "not-covered"; readonly why: string };

/** Runs the file. What is not covered counts neither as passed nor as failed. */
export async function runRestFile(text: string, options: RestOptions): Promise<FileReport> {
  const read = readJson(text);
  const cases = read.ok ? (read.value as { cases?: unknown } | null)?.cases : undefined;
  if (!read.ok || !Array.isArray(cases)) {
    return { passed: 0, failed: 1, lines: [`${REST_FILE}: ${read.ok ? "has no list of cases" : read.message}`] };
  }
  const scenarios = (cases as Scenario[]).filter((_, index) => options.select?.(index) ?? true);
  const results: { passed: boolean; failed: boolean; lines: string[] }[] = [];
  const stops: Promise<void>[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < scenarios.length; index = next++) {
      const scenario = scenarios[index]!;
      const outcome = await runOne(scenario, options, stops);
      const result = {
        passed: outcome.kind === "ran" && outcome.report.failures.length === 0,
        failed: outcome.kind === "ran" && outcome.report.failures.length > 0,
        lines: linesOf(scenario, outcome),
      };
      results[index] = result;
      options.onLines?.(result.lines);
    }
  };
  await Promise.all(Array.from({ length: options.lanes ?? 2 }, lane));
  await Promise.all(stops);
  const passed = results.filter((result) => result.passed).length;
  const failed = results.filter((result) => result.failed).length;
  const last = `${REST_FILE}: ${passed} passed, ${failed} failed, ${results.length - passed - failed} not covered`;
  return { passed, failed, lines: [...results.flatMap(({ lines }) => lines), last] };
}

async function runOne(scenario: Scenario, options: RestOptions, stops: Promise<void>[]): Promise<Outcome> {
  const why = notCovered(scenario);
  if (why !== undefined) return { kind: "not-covered", why };
  const { clock } = options;
  try {
    const appDir = resolve(options.fixtures);
    const windlass = await startInstance({ appDir, instance: scenario.start === "empty", clock });
    try {
      return { kind: "ran", report: await runScenario(scenario, windlass, clock) };
    } finally {
      stops.push(windlass.stop());
    }
  } catch (error) {
    const found = [{ path: "", expected: "an instance", actual: errorText(error) }];
    return { kind: "ran", report: { rules: [], failures: [{ step: 0, what: "start", found }] } };
  }
}

/** What a scenario needs that the product does not have yet. */
function notCovered({ steps }: Scenario): string | undefined {
  if (steps.some((step) => step.imperative_deploy !== undefined || step.imperative_delete !== undefined)) {
    return "imperative";
  }
  // The reference's autoscaler moved a target; ours is there once the config no longer says that it is not.
  const autoscaled = JSON.stringify(steps).includes('"status_trigger":"AUTOSCALING"');
  if (autoscaled && Object.hasOwn(NOT_YET_APPLICATION, "deployments[].autoscaling_config")) return "autoscaler";
  return undefined;
}

function linesOf({ id }: Scenario, outcome: Outcome): string[] {
  if (outcome.kind === "not-covered") return [`not covered ${id}: ${outcome.why}`];
  const { rules, failures } = outcome.report;
  if (failures.length === 0) {
    return [
      rules.length === 0
        ? `passed  ${id}`
        : `differs ${id} by the ${rules.length === 1 ? "rule" : "rules"}: ${rules.join("; ")}`,
    ];
  }
  return [
    `failed  ${id}`,
    ...failures.flatMap(({ step, what, found }) => [
      `  step ${step} ${what}`,
      ...found.flatMap(({ path, expected, actual }) => [
        `    ${path === "" ? "whole" : path}: expected ${canonical(expected) ?? "nothing"}, got ${canonical(actual) ?? "nothing"}`,
      ]),
    ]),
  ];
}
