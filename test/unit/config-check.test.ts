import { describe, expect, it } from "vitest";
import { validateApplicationConfig, validateDeployConfig } from "../../src/config/check.ts";
import { readJson } from "../../src/config/json.ts";
import { parseAutoscalingConfig, parseDeployConfig, parseScaleRequest } from "../../src/config/parse.ts";
import { EXTERNAL_SCALER_CONFLICT } from "../../src/config/schema-deploy.ts";
import { editDistance, suggestKey } from "../../src/config/suggest.ts";
import { desiredDeployments } from "../../src/controller/application-state.ts";
import type { ApplicationRecord, BuiltApplication } from "../../src/controller/records.ts";

const APP = { name: "a", import_path: "./app.ts:app" };
const withApp = (app: object) => ({ applications: [{ ...APP, ...app }] });
const withDeployment = (deployment: object) => withApp({ deployments: [{ name: "D", ...deployment }] });

function lines(input: unknown): string[] {
  const result = validateDeployConfig(input);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe("validateDeployConfig refuses", () => {
  it.each([
    {
      name: "a typo of a known key, naming it",
      input: withDeployment({ num_replica: 2 }),
      line: "applications[0].deployments[0].num_replica: is not a known key; did you mean num_replicas?",
    },
    {
      name: "swapped letters at the top",
      input: { http_options: { prot: 1 }, applications: [] },
      line: "http_options.prot: is not a known key; did you mean port?",
    },
    {
      name: "settings of one deployment in the shadow of an application, saying where they may stand",
      input: withApp({ autoscaling_shadow: { policy_function: "./policy.ts:all", min_replicas: 1 } }),
      line: "applications[0].autoscaling_shadow.min_replicas: belongs to one deployment; move it into its autoscaling_shadow",
    },
    {
      name: "the shadow of an application that names no policy",
      input: withApp({ autoscaling_shadow: { policy_kwargs: {} } }),
      line: "applications[0].autoscaling_shadow.policy_function: must name a policy of your own for the whole application, got none; by requests each deployment decides by itself: give those an autoscaling_shadow",
    },
    {
      name: "the shadow of an application by a policy that is for one deployment",
      input: withApp({ autoscaling_shadow: { policy_function: "windlass:schedule" } }),
      line: 'applications[0].autoscaling_shadow.policy_function: has "windlass:schedule", which is for one deployment; set it in its autoscaling_shadow.policy',
    },
    {
      name: "a wrong value inside autoscaling_config",
      input: withDeployment({ autoscaling_config: { max_replicas: 0 } }),
      line: "applications[0].deployments[0].autoscaling_config.max_replicas: must be a whole number > 0, got 0",
    },
    {
      name: "a maximum left at 1 below the minimum",
      input: withDeployment({ autoscaling_config: { min_replicas: 2 } }),
      line: "applications[0].deployments[0].autoscaling_config: has max_replicas 1 below min_replicas 2; set max_replicas (1 unless given)",
    },
    {
      name: "a target that no policy can work with",
      input: withDeployment({ autoscaling_config: { target_ongoing_requests: null } }),
      line: "applications[0].deployments[0].autoscaling_config.target_ongoing_requests: must be a number > 0, got null; leave it out for 2",
    },
    {
      name: "a wrong value inside request_router_config",
      input: withDeployment({ request_router_config: { initial_backoff_s: -1 } }),
      line: "applications[0].deployments[0].request_router_config.initial_backoff_s: must be a number > 0, got -1",
    },
    {
      name: "an application name with a slash",
      input: withApp({ name: "a/b" }),
      line: 'applications[0].name: must not hold "/" or control characters, nor be "." or "..", got "a/b"; rename it',
    },
    {
      name: "an application name with half a character",
      input: withApp({ name: "a\ud800" }),
      line: 'applications[0].name: must be whole characters, got half of a surrogate pair in "a\\ud800"; rename it',
    },
    {
      name: "an application name that is too long",
      input: withApp({ name: "a".repeat(256) }),
      line: `applications[0].name: must have at most 255 characters, got 256 in "${"a".repeat(56)}...; rename it`,
    },
    {
      name: "a deployment name without a character",
      input: withApp({ deployments: [{ name: "" }] }),
      line: 'applications[0].deployments[0].name: must have at least 1 character, got 0 in ""; rename it',
    },
    {
      name: "a deployment name with half a character",
      input: withDeployment({ name: "D\udc00" }),
      line: 'applications[0].deployments[0].name: must be whole characters, got half of a surrogate pair in "D\\udc00"; rename it',
    },
    {
      name: "a deployment name that is too long",
      input: withDeployment({ name: "D".repeat(256) }),
      line: `applications[0].deployments[0].name: must have at most 255 characters, got 256 in "${"D".repeat(56)}...; rename it`,
    },
    {
      name: "a route prefix that ends with a slash",
      input: withApp({ route_prefix: "/a/" }),
      line: 'applications[0].route_prefix: must begin with "/", not end with "/" and hold no "{" or "}", got "/a/"; write e.g. "/app"',
    },
    {
      name: "a dotted import path",
      input: withApp({ import_path: "m.app" }),
      line: 'applications[0].import_path: must be MODULE:EXPORT with a colon, got "m.app"; write e.g. ./app.ts:app',
    },
    {
      name: "an application-level policy beside an external scaler",
      input: withApp({ external_scaler_enabled: true, autoscaling_policy: {} }),
      line: `applications[0]: ${EXTERNAL_SCALER_CONFLICT}`,
    },
    {
      name: "an unknown placement strategy",
      input: withDeployment({ placement_group_bundles: [{ CPU: 1 }], placement_group_strategy: "X" }),
      line: 'applications[0].deployments[0].placement_group_strategy: must be one of PACK, SPREAD, STRICT_PACK, STRICT_SPREAD, got "X"',
    },
    {
      name: "more than 100 replicas on a node",
      input: withDeployment({ max_replicas_per_node: 101 }),
      line: "applications[0].deployments[0].max_replicas_per_node: must be a whole number from 1 to 100, got 101",
    },
    {
      name: "an infinite duration, which cannot be stored",
      input: withDeployment({ graceful_shutdown_timeout_s: "inf" }),
      line: "applications[0].deployments[0].graceful_shutdown_timeout_s: must be a finite number, got Infinity; write a large number instead",
    },
    {
      name: "a port that does not exist",
      input: { http_options: { port: 70000 }, applications: [] },
      line: "http_options.port: must be a whole number from 0 to 65535, got 70000",
    },
  ])("$name", ({ input, line }) => {
    expect(lines(input)).toEqual([line]);
  });

  it("names the typo behind a missing key", () => {
    expect(lines({ applications: [{ import_pth: "a:b" }] })).toEqual([
      "applications[0].import_path: is required: give text",
      "applications[0].import_pth: is not a known key; did you mean import_path?",
    ]);
  });

  it("an external scaler beside listed autoscaling, with the one sentence", () => {
    const input = withApp({ external_scaler_enabled: true, deployments: [{ name: "D", num_replicas: "auto" }] });
    expect(lines(input)).toEqual([`applications[0]: ${EXTERNAL_SCALER_CONFLICT} (deployment "D")`]);
  });
});

it("the controller says the same sentence when the code sets autoscaling", () => {
  const application = { name: "a", config: { import_path: "m:a", external_scaler_enabled: true } } as ApplicationRecord;
  const deployment = { name: "D", options: { num_replicas: "auto" }, outbound: [] };
  const built = { deployments: [deployment], ingress: "D" } as unknown as BuiltApplication;
  expect(desiredDeployments(application, built)).toEqual({
    ok: false,
    message: `${EXTERNAL_SCALER_CONFLICT} (deployment "D")`,
  });
});

describe("validateDeployConfig accepts", () => {
  it.each([
    { name: "a plain document silently", input: withDeployment({ num_replicas: 2 }), warnings: [] },
    {
      name: "an unknown key with a warning",
      input: withApp({ something: 1 }),
      warnings: ["applications[0].something: is not a known key and was left out"],
    },
    {
      name: "a minimum under the larger maximum of auto",
      input: withDeployment({ num_replicas: "auto", autoscaling_config: { min_replicas: 5 } }),
      warnings: [],
    },
    {
      name: "env_vars silently and harmless runtime_env keys with a warning",
      input: withApp({ runtime_env: { env_vars: { A: "1" }, config: { setup_timeout_seconds: 9 } } }),
      warnings: ["applications[0].runtime_env.config: has no effect"],
    },
    {
      name: "a renamed key with the new name",
      input: withDeployment({ max_concurrent_queries: 3 }),
      warnings: [
        "applications[0].deployments[0].max_concurrent_queries: was renamed by the reference to max_ongoing_requests; it was left out",
      ],
    },
  ])("$name", ({ input, warnings }) => {
    expect(validateDeployConfig(input)).toMatchObject({ ok: true, warnings });
  });

  it("one application on its own, with paths from itself", () => {
    expect(validateApplicationConfig(APP)).toEqual({ ok: true, config: APP, warnings: [] });
    expect(validateApplicationConfig({ ...APP, route_prefix: "a" })).toMatchObject({
      problems: [{ path: "route_prefix" }],
    });
  });
});

describe("parse", () => {
  it("keeps only supplied keys, drops unknown ones and coerces", () => {
    const input = withDeployment({ max_ongoing_requests: "7", user_config: null, other: 1 });
    const deployments = [{ name: "D", max_ongoing_requests: 7, user_config: null }];
    expect(parseDeployConfig(input)).toEqual({ ok: true, config: withApp({ deployments }), warnings: [] });
  });

  it("tells 2.0 from 2 where the reference does", () => {
    const read = (count: string) => {
      const json = readJson(
        `{"applications":[{"import_path":"m:a","deployments":[{"name":"D","num_replicas":${count}}]}]}`,
      );
      if (!json.ok) throw new Error(json.message);
      return parseDeployConfig(json.value, { floats: json.floats });
    };
    expect(read("2").ok).toBe(true);
    const refused = read("2.0");
    expect(refused).toMatchObject({ ok: false, problems: [{ rule: "num_replicas_not_int_or_auto" }] });
  });

  it.each([
    {
      name: "a value as it was written, not as it was read",
      input: withDeployment({ max_ongoing_requests: "0" }),
      lines: ['applications[0].deployments[0].max_ongoing_requests: must be a whole number > 0, got "0"'],
    },
    {
      name: "every unknown key where none may be, and nothing about the rest",
      input: withDeployment({ backpressure_config: { a: 1, b: 2 }, max_queued_requests: 0 }),
      lines: [
        "applications[0].deployments[0].backpressure_config.a: is not a key of BackpressureConfig, remove it; known are status_code, retry_after_s",
        "applications[0].deployments[0].backpressure_config.b: is not a key of BackpressureConfig, remove it; known are status_code, retry_after_s",
      ],
    },
    {
      name: "every wrong field at once, in order",
      input: { http_options: { port: "x", ssl_certfile: "c" }, applications: [{}, 5], target_capacity: 101 },
      lines: [
        'http_options.port: must be a whole number, got "x"',
        "http_options.ssl_certfile: ssl_certfile and ssl_keyfile go together; give both or neither",
        "applications[0].import_path: is required: give text",
        "applications[1]: must be an object, got 5",
        "target_capacity: must be a number from 0 to 100 or null, got 101",
      ],
    },
    { name: "a document that is no object", input: [], lines: [": must be an object, got []"] },
  ])("says $name", ({ input, lines }) => {
    const parsed = parseDeployConfig(input);
    expect(parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual(lines);
  });

  it("refuses floats beyond 64 bits where a whole number is due, and reads the same number without an exponent", () => {
    const read = (port: string) => {
      const json = readJson(`{"http_options":{"port":${port}},"applications":[]}`);
      if (!json.ok) throw new Error(json.message);
      return parseDeployConfig(json.value, { floats: json.floats });
    };
    expect(read("1e19")).toMatchObject({ problems: [{ rule: "integer_too_large", path: "http_options.port" }] });
    expect(read("10000000000000000000").ok).toBe(true);
    expect(read("8.0")).toEqual({ ok: true, config: { http_options: { port: 8 }, applications: [] }, warnings: [] });
  });

  it("keeps own keys called __proto__ harmless", () => {
    const input = JSON.parse('{"applications":[{"import_path":"m:a","__proto__":{"name":"x"}}],"__proto__":{"a":1}}');
    const parsed = parseDeployConfig(input);
    expect(parsed).toEqual({ ok: true, config: { applications: [{ import_path: "m:a" }] }, warnings: [] });
    expect(validateDeployConfig(input).ok).toBe(true);
  });

  it("says in one line what is no JSON", () => {
    const deep = `${"[".repeat(20000)}${"]".repeat(20000)}`;
    expect(readJson(deep)).toEqual({ ok: false, message: "is nested too deeply; flatten it" });
    expect(readJson("{")).toMatchObject({ ok: false, message: expect.stringMatching(/^is not JSON: [^\n]+$/) });
  });

  it.each([
    { body: { target_num_replicas: "3" }, expected: { ok: true, config: { target_num_replicas: 3 } } },
    {
      body: { target_num_replicas: 0, request_id: "r", reason: "why", other: 1 },
      expected: { ok: true, config: { target_num_replicas: 0, request_id: "r", reason: "why" } },
    },
    { body: {}, expected: { ok: false } },
    { body: { target_num_replicas: -1 }, expected: { ok: false } },
    { body: { target_num_replicas: 3.5 }, expected: { ok: false } },
    { body: { target_num_replicas: null }, expected: { ok: false } },
    { body: { target_num_replicas: 1, request_id: 5 }, expected: { ok: false } },
    { body: [], expected: { ok: false } },
  ])("reads the scale body $body", ({ body, expected }) => {
    expect(parseScaleRequest(body)).toMatchObject(expected);
  });

  it("warns about a window that is not above the metrics interval", () => {
    expect(parseAutoscalingConfig({ look_back_period_s: 5 })).toMatchObject({
      ok: true,
      warnings: ["look_back_period_s 5 should be above metrics_interval_s 10"],
    });
  });
});

describe("suggestKey", () => {
  it.each([
    ["num_replica", "num_replicas"],
    ["NumReplicas", "num_replicas"],
    ["import-path", "import_path"],
    ["prot", "port"],
    ["something", undefined],
    ["args", undefined],
  ])("%s → %s", (key, meant) => {
    expect(suggestKey(key, ["num_replicas", "import_path", "port"])).toBe(meant);
  });

  it("counts swapped neighbours as one edit", () => {
    expect(editDistance("prot", "port")).toBe(1);
    expect(editDistance("", "abc")).toBe(3);
  });
});
