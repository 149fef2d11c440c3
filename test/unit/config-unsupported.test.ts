import { describe, expect, it } from "vitest";
import { CHECK_RULES, validateDeployConfig } from "../../src/config/check.ts";
import { effectiveDeployment } from "../../src/config/effective.ts";
import { UNSUPPORTED_RULES } from "../../src/config/unsupported.ts";

const withDeployment = (deployment: object) => ({
  applications: [{ name: "a", import_path: "./app.ts:app", deployments: [{ name: "D", ...deployment }] }],
});
const AT = "applications[0].deployments[0]";
const NO_LABELS = "is set, but the one machine that replicas run on has no labels; remove it";
const TLS = "is set, but there is no TLS without ssl_certfile and ssl_keyfile; give both, or remove it";

const DOCUMENTS = [
  {
    rule: "tls",
    input: { http_options: { ssl_keyfile_password: "p", ssl_ca_certs: "/ca.pem" }, applications: [] },
    lines: [`http_options.ssl_keyfile_password: ${TLS}`, `http_options.ssl_ca_certs: ${TLS}`],
  },
  {
    rule: "tracing",
    input: { tracing_config: { enabled: true, sampling_ratio: 0.5 }, applications: [] },
    lines: ["tracing_config.enabled: is true, but requests are not traced; remove it or set it to false"],
  },
  {
    rule: "controller-environment",
    input: { controller_options: { runtime_env: { env_vars: { A: "1" } } }, applications: [] },
    lines: [
      "controller_options.runtime_env.env_vars: cannot reach the controller, which already runs; set the variables for `windlass start` instead",
    ],
  },
];

const DEPLOYMENTS = [
  {
    rule: "deployment-actors",
    options: { deployment_actors: [{ name: "x", actor_class: "m:C" }] },
    line: "deployment_actors: is not part of this version; remove it and let the replicas call a deployment of one replica instead",
  },
  {
    rule: "gang",
    options: { gang_scheduling_config: { gang_size: 2 } },
    line: "gang_scheduling_config: is not part of this version: replicas start and fail one by one; remove it",
  },
  {
    rule: "node-labels",
    options: { ray_actor_options: { accelerator_type: "A100" } },
    line: "ray_actor_options.accelerator_type: is set, but kinds of accelerators are not told apart; remove it and ask for num_gpus",
  },
  {
    rule: "node-labels",
    options: { ray_actor_options: { label_selector: { zone: "a" } } },
    line: `ray_actor_options.label_selector: ${NO_LABELS}`,
  },
  {
    rule: "node-labels",
    options: { ray_actor_options: { fallback_strategy: [{ label_selector: { zone: "b" } }] } },
    line: `ray_actor_options.fallback_strategy: ${NO_LABELS}`,
  },
  {
    rule: "node-labels",
    options: { placement_group_bundles: [{ CPU: 1 }], placement_group_bundle_label_selector: [{ zone: "a" }] },
    line: `placement_group_bundle_label_selector: ${NO_LABELS}`,
  },
  {
    rule: "one-machine",
    options: { placement_group_bundles: [{ CPU: 1 }, { CPU: 1 }], placement_group_strategy: "STRICT_SPREAD" },
    line: "placement_group_strategy: is STRICT_SPREAD for 2 bundles, but replicas run on one machine; use SPREAD or PACK",
  },
];

describe("what cannot be kept is refused", () => {
  it.each(DOCUMENTS)("in a document: $lines", ({ rule, input, lines }) => {
    const result = validateDeployConfig(input);
    const problems = result.ok ? [] : result.problems;
    expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual(lines);
    expect(new Set(problems.map((problem) => problem.rule))).toEqual(new Set([rule]));
  });

  it.each(DEPLOYMENTS)("in an override: $line", ({ rule, options, line }) => {
    const result = validateDeployConfig(withDeployment(options));
    expect(result.ok ? [] : result.problems.map((each) => [each.rule, `${each.path}: ${each.message}`])).toEqual([
      [rule, `${AT}.${line}`],
    ]);
  });

  it.each(DEPLOYMENTS)("in code: $line", ({ options, line }) => {
    const result = effectiveDeployment(options, undefined, "D");
    expect(result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      `deployments["D"].${line}`,
    ]);
  });

  it("every rule has a case here and an entry among the rules", () => {
    const tried = [...DOCUMENTS, ...DEPLOYMENTS].map(({ rule }) => rule);
    expect([...new Set(tried)].sort()).toEqual(Object.keys(UNSUPPORTED_RULES).sort());
    expect(CHECK_RULES).toMatchObject(UNSUPPORTED_RULES);
  });
});

describe("what says nothing is accepted silently", () => {
  it.each([
    { name: "TLS keys that are null or empty", input: { http_options: { ssl_keyfile: null, ssl_certfile: "" } } },
    {
      name: "certificate, key and client authorities together",
      input: { http_options: { ssl_keyfile: "/k.pem", ssl_certfile: "/c.pem", ssl_ca_certs: "/ca.pem" } },
    },
    { name: "tracing that is off", input: { tracing_config: { enabled: false, exporter_import_path: "m:f" } } },
    { name: "an empty controller environment", input: { controller_options: { runtime_env: { env_vars: {} } } } },
  ])("$name", ({ input }) => {
    expect(validateDeployConfig({ ...input, applications: [] })).toMatchObject({ ok: true, warnings: [] });
  });

  it.each([
    { name: "no actors and no gang", options: { deployment_actors: [], gang_scheduling_config: null } },
    { name: "empty selectors", options: { ray_actor_options: { label_selector: {}, accelerator_type: null } } },
    {
      name: "the reference's names of the built-in router",
      options: {
        request_router_config: {
          request_router_class: "ray.serve._private.request_router:PowerOfTwoChoicesRequestRouter",
          request_router_kwargs: {},
        },
      },
    },
  ])("$name", ({ options }) => {
    expect(validateDeployConfig(withDeployment(options))).toMatchObject({ ok: true, warnings: [] });
  });
});
