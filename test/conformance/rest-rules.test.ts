import { describe, expect, it } from "vitest";
import { answerMismatches } from "../../src/conformance/rest/answer.ts";
import { ANSWER_RULES, BROWSER_RULE } from "../../src/conformance/rest/answer-rules.ts";
import { holds, projectionOf, relates } from "../../src/conformance/rest/document.ts";
import type { Answer } from "../../src/conformance/rest/exchange.ts";
import { matchesText, mismatches } from "../../src/conformance/rest/match.ts";
import type { RuleContext } from "../../src/conformance/rest/rules.ts";
import type { Expectation, Step } from "../../src/conformance/rest/scenario.ts";
import { COMPARISON_RULES, WAIT_RULES } from "../../src/conformance/rest/standing-rules.ts";

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Answer {
  const json = typeof body === "string" ? undefined : body;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const contentType = json === undefined ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
  return { status, contentType, headers, text, json };
}

const CALM: RuleContext = {
  ahead: [],
  desired: undefined,
  desiredBefore: undefined,
  before: undefined,
  refusedBy: undefined,
  ending: false,
};

describe("placeholders", () => {
  it.each([
    ["<any string>", "x", true],
    ["<any string>", 1, false],
    ["<integer>", 3, true],
    ["<integer>", 3.5, false],
    ["<epoch seconds>", 1_790_000_000.5, true],
    ["<epoch seconds>", 1_790_000_000_500, false],
    ["<stats>", {}, true],
    ["<stats>", { mean: 1, std: 0, min: 1, max: 1 }, true],
    ["<stats>", { mean: 1 }, false],
    ["<ip>", "127.0.0.1", true],
    ["<ip>", "here", false],
    ["SERVE_REPLICA::a#D#<replica id>", "SERVE_REPLICA::a#D#x1", true],
    ["SERVE_REPLICA::a#D#<replica id>", "SERVE_REPLICA::a#E#x1", false],
    ["<text starting with: Invalid request body: >", "Invalid request body: x", true],
    ["<text starting with: Invalid request body: >", "Invalid request body: ", false],
    ["<text: names the failed deployments ['Boom']>", "failed to deploy: Boom", true],
    ["<text: names the failed deployments ['Boom']>", "failed to deploy: Bang", false],
    ["<text: external_scaler_enabled must be true>", "set external_scaler_enabled", true],
    ["<text: anything>", "", false],
  ])("%s and %j: %s", (expected, actual, matches) => {
    expect(matchesText(expected, actual)).toBe(matches);
  });
});

describe("documents", () => {
  it("an exact document may hold nothing more, a subset may", () => {
    expect(mismatches({ a: 1 }, { a: 1, b: 2 }, "exact")).toEqual([{ path: "b", expected: undefined, actual: 2 }]);
    expect(mismatches({ a: 1 }, { a: 1, b: 2 }, "subset")).toEqual([]);
    expect(mismatches({ a: { b: 1 } }, { a: {} }, "subset")).toEqual([{ path: "a.b", expected: 1, actual: undefined }]);
  });

  it("keys may be placeholders", () => {
    expect(mismatches({ "<node id>": { x: 1 } }, { abc: { x: 1 } }, "exact")).toEqual([]);
    expect(mismatches({ "<node id>": { x: 1 } }, { abc: { x: 2 } }, "exact")).toHaveLength(1);
  });

  it("replicas have no order, but a number", () => {
    const recorded = { replicas: [{ state: "STARTING" }, { state: "RUNNING" }] };
    expect(mismatches(recorded, { replicas: [{ state: "RUNNING" }, { state: "STARTING" }] }, "subset")).toEqual([]);
    expect(mismatches(recorded, { replicas: [{ state: "RUNNING" }] }, "subset")).toHaveLength(1);
    expect(mismatches(recorded, { replicas: [{ state: "RUNNING" }, { state: "RUNNING" }] }, "subset")).toHaveLength(1);
  });

  it("a condition is a subset, but for the states of replicas and the names of applications", () => {
    const deployment = (states: string[]) => ({
      status: "HEALTHY",
      status_trigger: "UNSPECIFIED",
      target_num_replicas: states.length,
      deployment_config: {},
      replicas: states.map((state, index) => ({ replica_id: `r${index}`, state })),
    });
    const projection = projectionOf({
      controller_info: { node_id: "n" },
      applications: {
        a: {
          status: "RUNNING",
          message: "",
          deployed_app_config: null,
          last_deployed_time_s: 1,
          deployments: { D: deployment(["RUNNING", "STOPPING"]) },
        },
      },
    });
    const wait = (replica_states: Record<string, number>) => ({
      condition: { instance: true, applications: { a: { deployments: { D: { replica_states } } } } },
      timeout_s: 1,
    });
    expect(holds(wait({ RUNNING: 1, STOPPING: 1 }), projection)).toBe(true);
    expect(holds(wait({ RUNNING: 1 }), projection)).toBe(false);
    expect(holds({ condition: {}, applications_exactly: ["a"], timeout_s: 1 }, projection)).toBe(true);
    expect(holds({ condition: {}, applications_exactly: [], timeout_s: 1 }, projection)).toBe(false);
    expect(holds({ condition: {}, absent_applications: ["a"], timeout_s: 1 }, projection)).toBe(false);
  });

  it.each([
    ["same", ["a", "b"], true],
    ["same", ["a"], false],
    ["superset", ["a", "b", "c"], true],
    ["superset", ["a", "c"], false],
    ["subset", ["a"], true],
    ["subset", ["a", "c"], false],
    ["overlap", ["a", "c"], true],
    ["overlap", ["c"], false],
    ["all_new", ["c"], true],
    ["all_new", ["a", "c"], false],
  ] as const)("replicas a and b, then %s %j: %s", (relation, now, expected) => {
    expect(relates(relation, now, ["a", "b"])).toBe(expected);
  });
});

describe("reports of wrong configs", () => {
  const expect400 = (locations: string[]): Expectation => ({ status: 400, text_kind: "validation_report", locations });

  it("must have a line about each recorded place", () => {
    const report = answer(400, "applications[0].deployments[0].num_replicas: must be >= 1, got 0");
    const member = ["applications.0.deployments.0.num_replicas.constrained-int"];
    expect(answerMismatches(expect400(member), report)).toEqual([]);
    expect(answerMismatches(expect400(["applications.0.name"]), report)).toHaveLength(1);
    expect(answerMismatches(expect400(["target_capacity"]), report)).toHaveLength(1);
  });
});

describe("rules", () => {
  const put = (body: unknown, expected: Expectation) => ({
    request: { method: "PUT", path: "/api/serve/applications/", body },
    expect: expected,
  });
  const scale = (expected: Expectation, headers = {}) => ({
    request: { method: "POST", path: "/api/v1/applications/a/deployments/D/scale", headers, body: {} },
    expect: expected,
  });
  const get = (expected: Expectation) => ({
    request: { method: "GET", path: "/api/serve/applications/" },
    expect: expected,
  });
  const verdict = (step: ReturnType<typeof put>, actual: Answer, context: Partial<RuleContext> = {}) => {
    const different = { step, answer: actual, found: answerMismatches(step.expect, actual) };
    const all = { ...CALM, ...context };
    const rule = ANSWER_RULES.find((each) => each.applies(different, all));
    return rule === undefined ? "no rule" : rule.held(different, all) ? rule.name : "did not hold";
  };
  const ok: Expectation = { status: 200 };
  const crash: Expectation = { status: 500, text_kind: "unhandled_error" };
  const wrong = answer(400, "applications[0].route_prefix: must begin with /");
  const app = { applications: [{ name: "a", route_prefix: "x" }] };

  it("what crashes the reference is 400, never 500 or a trace", () => {
    expect(verdict(put("{", crash), answer(400, "the body is not JSON"))).toMatch(/^contract 3, fixes/);
    expect(verdict(put("{", crash), answer(500, "internal error"))).toBe("did not hold");
    expect(verdict(put("{", crash), answer(400, "Error: x\n    at f (node:fs:1)"))).toBe("did not hold");
  });

  it("a PUT may be refused early only where the recording goes on with a failure", () => {
    const failing = { wait_until: { condition: { applications: { a: { status: "DEPLOY_FAILED" } } }, timeout_s: 1 } };
    const step = put(app, ok) as Step;
    expect(verdict(put(app, ok), wrong, { ahead: [step, failing] })).toMatch(/T1 and T2/);
    expect(verdict(put(app, ok), wrong, { ahead: [step] })).toBe("no rule");
    expect(verdict(put(app, ok), wrong, { ahead: [step, step, failing] })).toBe("no rule");
    expect(verdict(put(app, ok), answer(400, "no"), { ahead: [step, failing] })).toBe("did not hold");
  });

  it("a PUT may be refused for settings that cannot be kept, and for nothing besides", () => {
    const deployed = (deployment: object) => ({
      applications: [{ name: "a", import_path: "m:a", deployments: [{ name: "D", ...deployment }] }],
    });
    const gang = { gang_scheduling_config: { gang_size: 2 } };
    expect(verdict(put(deployed(gang), ok), wrong)).toMatch(/cannot be kept/);
    expect(verdict(put(deployed(gang), ok), answer(400, "at x (node:y:1)"))).toBe("did not hold");
    expect(verdict(put(deployed({ ...gang, health_check_period_s: 0 }), ok), wrong)).toBe("no rule");
    expect(verdict(put(deployed({}), ok), wrong)).toBe("no rule");
  });

  it("after a refused PUT the document must be what it was", () => {
    const document = (status: string, config: object) => ({
      controller_info: {},
      applications: {
        a: { status, message: "", deployed_app_config: config, last_deployed_time_s: 1, deployments: {} },
      },
    });
    const before = document("RUNNING", { name: "a" });
    const context = { refusedBy: "x", before };
    const recorded = get({ status: 200, match: "subset", json: { applications: { a: { status: "DEPLOY_FAILED" } } } });
    expect(verdict(recorded as never, answer(200, before), context)).toMatch(/changes nothing/);
    expect(verdict(recorded as never, answer(200, document("RUNNING", {})), context)).toBe("did not hold");
    expect(verdict(recorded as never, answer(200, document("UNHEALTHY", { name: "a" })), context)).toBe("did not hold");
  });

  it("the webhook's own keys and its Content-Type are checked", () => {
    const recorded: Expectation = { status: 200, json: { message: "m" } };
    const mine = { message: "m", target_num_replicas: 1, revision: 3 };
    expect(verdict(scale(recorded), answer(200, mine))).toMatch(/keys of our own/);
    expect(verdict(scale(recorded), answer(200, { ...mine, message: "n" }))).toBe("did not hold");
    const plain = { "Content-Type": "text/plain" };
    expect(verdict(scale(recorded, plain), answer(415, { error: "e" }))).toMatch(/415/);
    expect(verdict(scale(recorded, plain), answer(400, { error: "e" }))).toBe("did not hold");
  });

  it("writes are 503 only while the instance ends", () => {
    const away = answer(503, "Serve controller is not available");
    expect(verdict(put(app, ok), away, { ending: true })).toMatch(/T8/);
    expect(verdict(put(app, ok), away)).toBe("no rule");
  });

  it("requests that browsers would send come from another site and must be 403", () => {
    const guarded = { status: 405, text: "'PUT' method not allowed for browser traffic." };
    const headers = { "User-Agent": "Mozilla/5.0" };
    const sent = BROWSER_RULE.rewrite({ request: { method: "PUT", path: "/x", headers }, expect: guarded });
    expect(sent?.headers).toEqual({ ...headers, Origin: "http://foreign.test" });
    expect(BROWSER_RULE.rewrite({ request: { method: "GET", path: "/x", headers }, expect: ok })).toBeUndefined();
    expect(BROWSER_RULE.held(answer(403, 'origin "x" is not allowed: …'))).toBe(true);
    expect(BROWSER_RULE.held(answer(200, "origin x is not allowed"))).toBe(false);
  });

  it("replicas may be new only where nothing but placement changed", () => {
    const [rule] = COMPARISON_RULES;
    const config = (override: object) => ({ applications: [{ name: "a", deployments: [{ name: "D", ...override }] }] });
    const comparison = { label: "r", application: "a", deployment: "D", relation: "same", now: 1 } as const;
    const context = (before: object, now: object) => ({
      ...CALM,
      desiredBefore: config(before),
      desired: config(now),
    });
    expect(rule?.applies(comparison, context({ max_replicas_per_node: 5 }, { max_replicas_per_node: 6 }))).toBe(true);
    expect(rule?.applies(comparison, context({ num_replicas: 1 }, { num_replicas: 2 }))).toBe(false);
    expect(rule?.applies(comparison, context({}, {}))).toBe(false);
    expect(rule?.held(0, 1, comparison)).toBe(true);
    expect(rule?.held(1, 1, comparison)).toBe(false);
  });

  it("an external scaler beside autoscaling in code must fail with the reason", () => {
    const rule = WAIT_RULES.find(({ name }) => name.includes("T18"));
    const wait = { condition: { applications: { a: { status: "RUNNING" } } }, timeout_s: 1 };
    const context = { ...CALM, desired: { applications: [{ name: "a", external_scaler_enabled: true }] } };
    const failed = (message: string) => ({
      instance: true,
      applications: { a: { status: "DEPLOY_FAILED", message, deployments: {} } },
    });
    expect(rule?.applies(wait, context)).toBe(true);
    expect(rule?.applies(wait, { ...context, desired: { applications: [{ name: "a" }] } })).toBe(false);
    expect(rule?.held(failed("external_scaler_enabled with autoscaling_config"), wait, context)).toBe(true);
    expect(rule?.held(failed("out of memory"), wait, context)).toBe(false);
  });
});
