/** Runs one scenario against a real Windlass. */
import type { Clock } from "../../core/clock.ts";
import { errorText } from "../../core/errors.ts";
import { answerMismatches } from "./answer.ts";
import { ANSWER_RULES, BROWSER_RULE } from "./answer-rules.ts";
import { asDocument, holds, type InstanceDocument, liveReplicas, projectionOf, relates } from "./document.ts";
import type { Answer } from "./exchange.ts";
import type { RunningWindlass } from "./instance.ts";
import type { Mismatch } from "./match.ts";
import type { RuleContext } from "./rules.ts";
import {
  type Capture,
  type Comparison,
  isMutating,
  type RecordedRequest,
  type Scenario,
  type Step,
  type Wait,
} from "./scenario.ts";
import { bodyOf, getDocument, send, withPorts } from "./send.ts";
import { COMPARISON_RULES, WAIT_RULES } from "./standing-rules.ts";

/** A step that went otherwise than recorded, without a rule that allows it. */
export interface Failure {
  readonly step: number;
  /** The step in few words. */
  readonly what: string;
  readonly found: readonly Mismatch[];
}

/** What a scenario came to. */
export interface ScenarioReport {
  /** Rules by which it differed, each once. */
  readonly rules: readonly string[];
  readonly failures: readonly Failure[];
}

const POLL_MS = 25;
/** The reference takes longer than we do: it starts an interpreter a replica. */
const MAX_WAIT_MS = 30_000;
/** Sleeps longer than this give the reference time that we do not need. */
const MAX_SLEEP_MS = 4_000;

interface State {
  readonly scenario: Scenario;
  readonly windlass: RunningWindlass;
  readonly clock: Clock;
  readonly rules: Set<string>;
  readonly failures: Failure[];
  /** Label → ids. */
  readonly captured: Map<string, readonly string[]>;
  readonly background: Promise<void>[];
  desired: unknown;
  desiredBefore: unknown;
  before: InstanceDocument | undefined;
  refusedBy: string | undefined;
  /** Requests under way that end the instance. */
  ending: number;
  /** Nothing is compared until the next change. */
  suspended: boolean;
}

/** Runs every step; stops where going on would tell nothing, which is after a wait that failed. */
export async function runScenario(
  scenario: Scenario,
  windlass: RunningWindlass,
  clock: Clock,
): Promise<ScenarioReport> {
  const state: State = {
    scenario,
    windlass,
    clock,
    rules: new Set(),
    failures: [],
    captured: new Map(),
    background: [],
    desired: undefined,
    desiredBefore: undefined,
    before: undefined,
    refusedBy: undefined,
    ending: 0,
    suspended: false,
  };
  for (const [index, recorded] of scenario.steps.entries()) {
    const step = withPorts(recorded, windlass);
    try {
      if (!(await runStep(state, step, index))) break;
    } catch (error) {
      fail(state, index, describe(step), [{ path: "", expected: "an answer", actual: errorText(error) }]);
      break;
    }
  }
  await Promise.all(state.background);
  return { rules: [...state.rules], failures: state.failures };
}

/** False when the scenario cannot go on. */
async function runStep(state: State, step: Step, index: number): Promise<boolean> {
  if (step.sleep_s !== undefined) {
    await state.clock.sleep(Math.min(step.sleep_s * 1000, MAX_SLEEP_MS));
  } else if (step.request) {
    const done = runRequest(state, { ...step, request: step.request }, index);
    if (step.background) state.background.push(done);
    else await done;
  } else if (state.suspended) {
    return true;
  } else if (step.wait_until) {
    return runWait(state, step.wait_until, index);
  } else if (step.capture_replicas) {
    await capture(state, step.capture_replicas, index);
  } else if (step.compare_replicas) {
    await compare(state, step.compare_replicas, index);
  } else {
    fail(state, index, describe(step), [{ path: "", expected: "a known kind of step", actual: Object.keys(step) }]);
    return false;
  }
  return true;
}

async function runRequest(state: State, step: Step & { request: RecordedRequest }, index: number): Promise<void> {
  const { request, expect } = step;
  const browser = BROWSER_RULE.rewrite(step);
  if (browser !== undefined) {
    const answer = await send(state.windlass, browser);
    if (BROWSER_RULE.held(answer)) state.rules.add(BROWSER_RULE.name);
    else fail(state, index, describe(step), [{ path: "status", expected: 403, actual: answer.status }]);
    return;
  }
  const changes = isMutating(request) && !request.path.endsWith("/scale");
  if (changes) {
    state.before = await getDocument(state.windlass);
    state.refusedBy = undefined;
    state.suspended = false;
  }
  if (state.suspended) return;
  const ends = changes && request.method === "DELETE";
  // A request in the background that ends the instance has not been answered yet.
  const context = contextOf(state, index);
  if (ends) state.ending += 1;
  const answer = await send(state.windlass, request);
  if (ends) state.ending -= 1;
  if (changes && request.method === "PUT" && answer.status === 200) {
    state.desiredBefore = state.desired;
    state.desired = bodyOf(request);
  }
  if (expect === undefined) return;
  const found = [...answerMismatches(expect, answer), ...deployTimes(state, expect, answer)];
  if (found.length === 0) return;
  const different = { step, answer, found };
  const rule = ANSWER_RULES.find((each) => each.applies(different, context));
  if (rule?.held(different, context)) {
    state.rules.add(rule.name);
    if (rule.refuses) state.refusedBy = rule.name;
    return;
  }
  const unheld = rule === undefined ? [] : [{ path: "rule", expected: rule.name, actual: "did not hold" }];
  fail(state, index, describe(step), [
    ...unheld,
    ...found,
    { path: "answer", expected: "", actual: answer.text.slice(0, 300) },
  ]);
}

/** Looks after `last_deployed_time_s`, which an expectation may want to have grown since the document seen before. */
function deployTimes(state: State, expect: NonNullable<Step["expect"]>, answer: Answer): Mismatch[] {
  const found: Mismatch[] = [];
  for (const [name, application] of Object.entries(asDocument(answer.json)?.applications ?? {})) {
    const before = state.before?.applications[name]?.last_deployed_time_s ?? 0;
    const now = application.last_deployed_time_s;
    if (expect.last_deployed_time_s_increased && !(now > before)) {
      found.push({ path: `applications.${name}.last_deployed_time_s`, expected: `> ${before}`, actual: now });
    }
  }
  return found;
}

async function runWait(state: State, wait: Wait, index: number): Promise<boolean> {
  const { clock } = state;
  const context = contextOf(state, index);
  const rule = WAIT_RULES.find((each) => each.applies(wait, context));
  const deadline = clock.monotonic() + Math.min(wait.timeout_s * 1000, MAX_WAIT_MS);
  for (;;) {
    const document = await getDocument(state.windlass);
    const projection = document && projectionOf(document);
    if (projection && holds(wait, projection)) return true;
    if (rule && projection && rule.held(projection, wait, context)) {
      state.rules.add(rule.name);
      if (rule.ends) state.suspended = true;
      return true;
    }
    if (clock.monotonic() > deadline) {
      fail(state, index, "wait", [{ path: "", expected: wait, actual: projection }]);
      return false;
    }
    await clock.sleep(POLL_MS);
  }
}

async function capture(state: State, { label, application, deployment, count }: Capture, index: number): Promise<void> {
  const ids = liveReplicas((await getDocument(state.windlass))!, application, deployment);
  state.captured.set(label, ids);
  if (ids.length !== count) fail(state, index, "capture", [{ path: "count", expected: count, actual: ids.length }]);
}

async function compare(state: State, comparison: Comparison, index: number): Promise<void> {
  const { label, application, deployment, relation, now } = comparison;
  const ids = liveReplicas((await getDocument(state.windlass))!, application, deployment);
  const before = state.captured.get(label) ?? [];
  if (ids.length === now && relates(relation, ids, before)) return;
  const context = contextOf(state, index);
  const rule = COMPARISON_RULES.find((each) => each.applies(comparison, context));
  const kept = ids.filter((id) => before.includes(id)).length;
  if (rule?.held(kept, ids.length, comparison)) {
    state.rules.add(rule.name);
    return;
  }
  fail(state, index, `compare ${deployment}`, [{ path: relation, expected: { now, before }, actual: ids }]);
}

function contextOf(state: State, index: number): RuleContext {
  const { scenario, desired, desiredBefore, before, refusedBy, ending } = state;
  return { ahead: scenario.steps.slice(index), desired, desiredBefore, before, refusedBy, ending: ending > 0 };
}

function describe({ request, wait_until }: Step): string {
  if (request === undefined) return wait_until === undefined ? "step" : "wait";
  const sent = request.raw_body ?? (request.body === undefined ? "" : JSON.stringify(request.body));
  return `${request.method} ${request.path} ${sent}`.trim().slice(0, 240);
}

function fail(state: State, step: number, what: string, found: readonly Mismatch[]): void {
  state.failures.push({ step, what, found });
}
