import { describe, expect, it } from "vitest";
import { effectiveDeployment } from "../../src/config/effective.ts";
import { lint, lintCode, lintDeployment } from "../../src/config/lint.ts";
import { lintLines, lintText } from "../../src/config/lint-lines.ts";
import { LINT_RULES } from "../../src/config/lint-rules.ts";
import { parseDeployConfig } from "../../src/config/parse.ts";

function linted(document: object): string[] {
  const parsed = parseDeployConfig({ applications: [], ...document });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return lint(parsed.config).map(({ rule, path, message }) => `${rule} ${path}: ${message}`);
}

const app = (application: object) => ({ applications: [{ import_path: "m:a", ...application }] });
const deployed = (deployment: object) => app({ deployments: [{ name: "D", ...deployment }] });
const scaled = (autoscaling_config: object, more: object = {}) =>
  deployed({ autoscaling_config: { max_replicas: 10, ...autoscaling_config }, ...more });
const AT = "applications[0].deployments[0]";

const CASES: { name: string; document: object; line: string }[] = [
  {
    name: "an upscale delay below the window",
    document: scaled({ upscale_delay_s: 5 }),
    line: `delay-below-window ${AT}.autoscaling_config.upscale_delay_s: 5 is below look_back_period_s 30: the load from before the last step still counts; raise it or lower look_back_period_s`,
  },
  {
    name: "a downscale delay below the window",
    document: scaled({ downscale_delay_s: 5, upscale_delay_s: 60, look_back_period_s: 60 }),
    line: `delay-below-window ${AT}.autoscaling_config.downscale_delay_s: 5 is below look_back_period_s 60: the load from before the last step still counts; raise it or lower look_back_period_s`,
  },
  {
    name: "a window of one sample",
    document: scaled({ look_back_period_s: 10 }),
    line: `window-below-interval ${AT}.autoscaling_config.look_back_period_s: 10 is not above metrics_interval_s 10; raise it to several times that`,
  },
  {
    name: "a small target with a large factor",
    document: scaled({ target_ongoing_requests: 0.5, upscaling_factor: 10 }),
    line: `small-target-large-factor ${AT}.autoscaling_config.target_ongoing_requests: 0.5 together with a factor of 10 overshoots; set a target of at least 1 or a factor of at most 1`,
  },
  {
    name: "a target above what a replica takes",
    document: scaled({ target_ongoing_requests: 8 }),
    line: `target-above-limit ${AT}.autoscaling_config.target_ongoing_requests: 8 is above max_ongoing_requests 5: requests wait before a replica is added; lower it`,
  },
  {
    name: "bounds that fix the count",
    document: scaled({ min_replicas: 10 }),
    line: `fixed-bounds ${AT}.autoscaling_config.max_replicas: 10 equals min_replicas: nothing can scale; use num_replicas 10 instead`,
  },
  {
    name: "a shadow that wants load measured otherwise",
    document: deployed({ autoscaling_config: { look_back_period_s: 20 }, autoscaling_shadow: {} }),
    line: `shadow-measured-otherwise ${AT}.autoscaling_shadow.look_back_period_s: 30 has no effect: load is measured by autoscaling_config, which has 20; set the same in both`,
  },
  {
    name: "a shadow that would swing beside fixed replicas",
    document: deployed({ autoscaling_shadow: { upscale_delay_s: 5 } }),
    line: `delay-below-window ${AT}.autoscaling_shadow.upscale_delay_s: 5 is below look_back_period_s 30: the load from before the last step still counts; raise it or lower look_back_period_s`,
  },
  {
    name: "a shadow that would swing by the window of what is followed",
    document: deployed({
      autoscaling_config: { look_back_period_s: 20 },
      autoscaling_shadow: { look_back_period_s: 20, upscale_delay_s: 15 },
    }),
    line: `delay-below-window ${AT}.autoscaling_shadow.upscale_delay_s: 15 is below look_back_period_s 20: the load from before the last step still counts; raise it or lower look_back_period_s`,
  },
  {
    name: "a shadow that overshoots",
    document: deployed({ autoscaling_shadow: { target_ongoing_requests: 0.5, upscaling_factor: 2 } }),
    line: `small-target-large-factor ${AT}.autoscaling_shadow.target_ongoing_requests: 0.5 together with a factor of 2 overshoots; set a target of at least 1 or a factor of at most 1`,
  },
  {
    name: "no time to drain",
    document: deployed({ graceful_shutdown_timeout_s: 0 }),
    line: `drain-too-short ${AT}.graceful_shutdown_timeout_s: 0 kills replicas with the requests they work on; allow at least as long as a request takes`,
  },
  {
    name: "requests that outlive the drain",
    document: deployed({ request_timeout_s: 60 }),
    line: `drain-too-short ${AT}.graceful_shutdown_timeout_s: 20 is below request_timeout_s 60: an update may cut requests off; raise it to 60`,
  },
  {
    name: "a health check that hangs for long",
    document: deployed({ health_check_timeout_s: 60 }),
    line: `slow-health-check ${AT}.health_check_timeout_s: 60 is more than three times health_check_period_s 10: a hung replica is noticed late; lower it`,
  },
  {
    name: "a health check without patience",
    document: deployed({ health_check_timeout_s: 0.5 }),
    line: `hasty-health-check ${AT}.health_check_timeout_s: 0.5 leaves a busy replica no time to answer, and it is replaced; allow at least 1`,
  },
  {
    name: "no capacity",
    document: { target_capacity: 0 },
    line: "no-capacity target_capacity: is 0: no deployment has a replica; null is full size",
  },
  {
    name: "autoscaling that nothing follows",
    document: app({ scaling: { owner: "manual" }, deployments: [{ name: "D", num_replicas: "auto" }] }),
    line: `owner-without-autoscaler ${AT}.num_replicas: is not followed while scaling.owner is "manual"; remove it or change the owner`,
  },
  {
    name: "a fallback without leases",
    document: app({ scaling: { lease_fallback: "floor" } }),
    line: 'unused-lease-fallback applications[0].scaling.lease_fallback: has no effect while nobody scales from outside; set scaling.owner to "external" or remove it',
  },
  {
    name: "an update of everything at once",
    document: deployed({ num_replicas: 4, rolling_update_percentage: 1 }),
    line: `capacity-drop ${AT}.rolling_update_percentage: lets an update take all 4 replicas but one at once; lower it or allow a surge`,
  },
  {
    name: "the same by our field",
    document: deployed({ num_replicas: 4, rollout: { max_unavailable: "100%" } }),
    line: `capacity-drop ${AT}.rollout.max_unavailable: lets an update take all 4 replicas but one at once; lower it or allow a surge`,
  },
  {
    name: "a step without pause",
    document: deployed({
      rollout: {
        canary: [
          { weight: 5, pause_s: 60 },
          { weight: 50, pause_s: 0 },
        ],
      },
    }),
    line: `canary-no-pause ${AT}.rollout.canary[1].pause_s: 0 ends the step before a request is judged; give it time`,
  },
  {
    name: "a canary that nobody watches",
    document: deployed({ rollout: { canary: [{ weight: 5, pause_s: 60 }], canary_analysis: null } }),
    line: `canary-unwatched ${AT}.rollout.canary_analysis: null compares nothing, and steps go on by themselves; leave it out, or let each pause_s be null`,
  },
  {
    name: "a sample too small for its threshold",
    document: deployed({ rollout: { canary: [{ weight: 5 }], canary_analysis: { min_requests: 50 } } }),
    line: `canary-small-sample ${AT}.rollout.canary_analysis.min_requests: 50 with max_error_rate_increase 0.01 lets one failed request abort the canary; raise it to at least 100`,
  },
  {
    name: "a threshold of nothing",
    document: deployed({ rollout: { canary: [{ weight: 5 }], canary_analysis: { max_error_rate_increase: 0 } } }),
    line: `canary-small-sample ${AT}.rollout.canary_analysis.min_requests: 100 with max_error_rate_increase 0 lets one failed request abort the canary; allow an increase above 0`,
  },
  {
    name: "a sample too small for its quantile",
    document: deployed({
      rollout: {
        canary: [{ weight: 5 }],
        canary_analysis: { min_requests: 20, max_error_rate_increase: 0.1, latency_quantile: 0.99 },
      },
    }),
    line: `canary-small-quantile ${AT}.rollout.canary_analysis.min_requests: 20 is too small for the 0.99 quantile, which is then the slowest request; raise it to at least 100`,
  },
  {
    name: "stickiness without a canary",
    document: deployed({ rollout: { canary_sticky: { header: "x-user" } } }),
    line: `canary-settings-unused ${AT}.rollout.canary_sticky: has no effect without canary; give it steps`,
  },
  {
    name: "a rollback that waits for ever",
    document: deployed({ rollout: { auto_rollback: true } }),
    line: `rollback-without-deadline ${AT}.rollout.auto_rollback: rolls back only what fails; set progress_deadline_s as well for updates that hang`,
  },
  {
    name: "a deadline before the start may end",
    document: app({
      import_path: "windlass:command",
      deployments: [{ name: "D", command: ["x"], rollout: { progress_deadline_s: 30 } }],
    }),
    line: `deadline-below-start ${AT}.rollout.progress_deadline_s: 30 is below readiness_timeout_s 60: a slow start counts as failed; raise it to at least 60`,
  },
];

describe("lint warns of", () => {
  it.each(CASES)("$name", ({ document, line }) => {
    expect(linted(document)).toEqual([line]);
  });

  it("every rule in one of these cases", () => {
    const tried = CASES.map(({ line }) => line.split(" ")[0]);
    expect([...new Set(tried)].sort()).toEqual(Object.keys(LINT_RULES).sort());
  });
});

describe("lint says nothing about", () => {
  it.each([
    { name: "defaults", document: deployed({}) },
    { name: "autoscaling with its defaults", document: deployed({ num_replicas: "auto" }) },
    { name: "a canary with its defaults", document: deployed({ rollout: { canary: [{ weight: 5, pause_s: 300 }] } }) },
    {
      name: "a canary led by hand",
      document: deployed({ rollout: { canary: [{ weight: 5 }], canary_analysis: null } }),
    },
    {
      name: "an external owner with a fallback",
      document: app({
        scaling: { owner: "external", lease_fallback: "policy" },
        deployments: [{ name: "D", num_replicas: "auto" }],
      }),
    },
    {
      name: "everything missing at once with a surge",
      document: deployed({ num_replicas: 4, rolling_update_percentage: 1, max_surge_percent: 50 }),
    },
    { name: "settings that are refused anyway", document: deployed({ rollout: { max_unavailable: 0 } }) },
  ])("$name", ({ document }) => {
    expect(linted(document)).toEqual([]);
  });
});

it("entries of one deployment are looked at together, once", () => {
  const deployments = [
    { name: "D", health_check_timeout_s: 60 },
    { name: "D", health_check_period_s: 30 },
  ];
  expect(linted(app({ deployments }))).toEqual([]);
  const slow = [
    { name: "D", health_check_timeout_s: 60 },
    { name: "D", num_replicas: 2 },
  ];
  expect(linted(app({ deployments: slow }))).toEqual([
    expect.stringMatching(/^slow-health-check applications\[0\]\.deployments\[1\]\.health_check_timeout_s: /),
  ]);
});

it("with the code's options, what they set counts as set", () => {
  const merged = effectiveDeployment({ request_timeout_s: 90 }, { name: "D", graceful_shutdown_timeout_s: 100 }, "D");
  if (!merged.ok) throw new Error("refused");
  expect(lintDeployment(merged, "D")).toEqual([]);
  const short = effectiveDeployment({ request_timeout_s: 90 }, undefined, "D");
  if (!short.ok) throw new Error("refused");
  expect(lintDeployment(short, 'deployments["D"]')).toEqual([
    {
      rule: "drain-too-short",
      path: 'deployments["D"].graceful_shutdown_timeout_s',
      deployment: 'deployments["D"]',
      message: "20 is below request_timeout_s 90: an update may cut requests off; raise it to 90",
    },
  ]);
});

describe("what code and config set together", () => {
  it.each<{ name: string; options: Record<string, unknown>; over: object; config: number; code: number }>([
    { name: "code alone", options: { graceful_shutdown_timeout_s: 0 }, over: {}, config: 0, code: 1 },
    { name: "config alone", options: {}, over: { graceful_shutdown_timeout_s: 0 }, config: 1, code: 0 },
    {
      name: "config, made good by code",
      options: { graceful_shutdown_timeout_s: 60 },
      over: { request_timeout_s: 60 },
      config: 0,
      code: 0,
    },
    {
      name: "config, made bad by code",
      options: { request_timeout_s: 60 },
      over: { graceful_shutdown_timeout_s: 30 },
      config: 0,
      code: 1,
    },
    {
      name: "code with a part from the config",
      options: { autoscaling_config: { max_replicas: 4, target_ongoing_requests: 8 } },
      over: { max_ongoing_requests: 6 },
      config: 0,
      code: 1,
    },
    {
      name: "config, and worse with code",
      options: { graceful_shutdown_timeout_s: 10 },
      over: { request_timeout_s: 60 },
      config: 1,
      code: 0,
    },
    { name: "a shorter period alone", options: {}, over: { health_check_period_s: 5 }, config: 0, code: 0 },
    { name: "both well", options: { num_replicas: 4 }, over: { max_ongoing_requests: 6 }, config: 0, code: 0 },
  ])("$name: $config with the document, $code once it is built", ({ options, over, config, code }) => {
    const application = { name: "a", import_path: "m:a", deployments: [{ name: "D", ...over }] };
    const known = [{ name: "D", options }];
    expect(lint({ applications: [application] }, (name) => (name === "a" ? known : undefined))).toHaveLength(config);
    const found = lintCode(application, known).map(lintText);
    expect(found).toHaveLength(code);
    for (const line of found) expect(line).toMatch(/^deployments\["D"\]\.[a-z_.]+: .+$/);
  });

  it("says nothing of code that cannot be merged, which the build tells of", () => {
    expect(lintCode({ deployments: [] }, [{ name: "D", options: { num_replicas: -1 } }])).toEqual([]);
  });
});

describe("the lines of several findings", () => {
  const lines = (...applications: object[]): string[] => {
    const parsed = parseDeployConfig({ applications, target_capacity: 0 });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return lintLines(lint(parsed.config)).slice(1);
  };
  const slow = (name: string, health_check_timeout_s = 60) => ({ name, health_check_timeout_s });
  const app = (name: string, ...deployments: object[]) => ({
    name,
    route_prefix: `/${name}`,
    import_path: "m:a",
    deployments,
  });
  const text = "is more than three times health_check_period_s 10: a hung replica is noticed late; lower it";

  it.each<{ name: string; applications: object[]; expected: string[] }>([
    {
      name: "what is said of one deployment stands alone",
      applications: [app("a", slow("A"))],
      expected: [`applications[0].deployments[0].health_check_timeout_s: 60 ${text}`],
    },
    {
      name: "what is said of several alike is one line that lists them",
      applications: [app("a", slow("A"), slow("B")), app("b", slow("A"))],
      expected: [
        `applications[0].deployments[0].health_check_timeout_s (also in deployments[1], applications[1].deployments[0]): 60 ${text}`,
      ],
    },
    {
      name: "other values are other lines, in the order of the file",
      applications: [app("a", slow("A"), slow("B", 70), slow("C"))],
      expected: [
        `applications[0].deployments[0].health_check_timeout_s (also in deployments[2]): 60 ${text}`,
        `applications[0].deployments[1].health_check_timeout_s: 70 ${text}`,
      ],
    },
    {
      name: "of many the first are listed and the others counted",
      applications: [app("a", ...Array.from("ABCDEFGHI", (name) => slow(name)))],
      expected: [
        `applications[0].deployments[0].health_check_timeout_s (also in deployments[1], deployments[2], deployments[3], deployments[4], deployments[5] and 3 more): 60 ${text}`,
      ],
    },
  ])("$name", ({ applications, expected }) => {
    expect(lines(...applications)).toEqual(expected);
  });

  it("of code name the deployments", () => {
    const options = { health_check_timeout_s: 60 };
    const code = ["A", 'B"]'].map((name) => ({ name, options }));
    expect(lintLines(lintCode({ deployments: [] }, code))).toEqual([
      `deployments["A"].health_check_timeout_s (also in deployments["B\\"]"]): 60 ${text}`,
    ]);
  });
});
