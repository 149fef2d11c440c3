import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { ApplicationConfigSchema } from "../../gen/windlass/config/v1/application_pb.ts";
import { validateApplicationConfig } from "../../src/config/check.ts";
import { effectiveDeployment } from "../../src/config/effective.ts";
import {
  applicationConfigFromMessage,
  applicationConfigToMessage,
  deploymentConfigToMessage,
} from "../../src/config/message.ts";
import { canaryProblem, rolloutLimits } from "../../src/config/rollout.ts";
import { leaseFallback, scalingOwner, webhookOpen } from "../../src/config/scaling.ts";
import type { ApplicationConfig, DeploymentOverride, RolloutConfig } from "../../src/config/types.ts";
import { inputsHash, restartHash, settingsHash } from "../../src/config/versions.ts";
import { desiredDeployments } from "../../src/controller/application-state.ts";
import type { ApplicationRecord, BuiltApplication } from "../../src/controller/records.ts";
import { DEPLOYMENT } from "../../src/sdk/brands.ts";
import { deployment } from "../../src/sdk/index.ts";

const APP = { name: "a", import_path: "./app.ts:app" };
const withRollout = (rollout: unknown, more: object = {}) => ({
  ...APP,
  deployments: [{ name: "D", rollout, ...more }],
});

function lines(input: unknown): string[] {
  const result = validateApplicationConfig(input);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

function effective(code: object, over: Partial<DeploymentOverride> = {}) {
  const result = effectiveDeployment({ ...code }, { name: "D", ...over }, "D");
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

const AT = "deployments[0].rollout";

describe("rollout refuses", () => {
  it.each([
    {
      name: "an amount that is neither a count nor a percentage",
      input: withRollout({ max_surge: "1.5%" }),
      line: `${AT}.max_surge: must be a whole number >= 0 or a percentage such as "25%", at most "100%", got "1.5%"`,
    },
    {
      name: "limits that leave no room",
      input: withRollout({ max_surge: "0%", max_unavailable: 0 }),
      line: `${AT}: has max_surge 0 and max_unavailable 0, which no update can keep; raise one of them`,
    },
    {
      name: "a surge that is given twice",
      input: withRollout({ max_surge: 1 }, { max_surge_percent: 20 }),
      line: "deployments[0]: max_surge_percent and rollout.max_surge say the same; remove max_surge_percent",
    },
    {
      name: "a step that is given twice",
      input: withRollout({ max_unavailable: 1 }, { rolling_update_percentage: 0.5 }),
      line: "deployments[0]: rolling_update_percentage and rollout.max_unavailable say the same; remove rolling_update_percentage",
    },
    {
      name: "weights that do not rise",
      input: withRollout({ canary: [{ weight: 10 }, { weight: 10 }] }),
      line: `${AT}.canary: has the weights 10, 10; each must be above the one before, and all below 100`,
    },
    {
      name: "a weight of everything",
      input: withRollout({ canary: [{ weight: 100 }] }),
      line: `${AT}.canary[0].weight: must be a whole number from 1 to 99, got 100`,
    },
    {
      name: "a step without weight",
      input: withRollout({ canary: [{ pause_s: 1 }] }),
      line: `${AT}.canary[0].weight: is required: give a whole number from 1 to 99`,
    },
    {
      name: "a deadline of nothing",
      input: withRollout({ progress_deadline_s: 0 }),
      line: `${AT}.progress_deadline_s: must be a finite number > 0 or null, got 0`,
    },
    {
      name: "a latency ratio that every revision breaks",
      input: withRollout({ canary_analysis: { max_latency_ratio: 1 } }),
      line: `${AT}.canary_analysis.max_latency_ratio: must be a finite number > 1 or null, got 1`,
    },
    {
      name: "stickiness by anything but a header",
      input: withRollout({ canary_sticky: { cookie: "c", header: "x" } }),
      line: `${AT}.canary_sticky.cookie: is not a key of CanarySticky, remove it; known are header`,
    },
    {
      name: "a header that cannot be",
      input: withRollout({ canary_sticky: { header: "x user" } }),
      line: `${AT}.canary_sticky.header: must be the name of a header, got "x user"; write e.g. x-user`,
    },
    {
      name: "a key that nobody knows",
      input: withRollout({ autorollback: true }),
      line: `${AT}.autorollback: is not a key of Rollout, remove it; known are max_surge, max_unavailable, auto_rollback, progress_deadline_s, canary, canary_analysis, canary_sticky`,
    },
    {
      name: "canaries on two deployments",
      input: {
        ...APP,
        deployments: [
          { name: "D", rollout: { canary: [{ weight: 5 }] } },
          { name: "E", rollout: { canary_sticky: null } },
        ],
      },
      line: 'deployments: canary settings stand on the deployments "D", "E"; they are about the whole application, so keep them on one, usually its ingress',
    },
    {
      name: "a request timeout of nothing",
      input: { ...APP, deployments: [{ name: "D", request_timeout_s: 0 }] },
      line: "deployments[0].request_timeout_s: must be a finite number > 0 or null, got 0",
    },
    {
      name: "a wait for replicas of nothing",
      input: { ...APP, deployments: [{ name: "D", cold_start_timeout_s: 0 }] },
      line: "deployments[0].cold_start_timeout_s: must be a finite number > 0 or null, got 0",
    },
  ])("$name", ({ input, line }) => {
    expect(lines(input)[0]).toBe(line);
  });

  it("what code and config leave without room only together", () => {
    const rollout: RolloutConfig = { max_unavailable: 0 };
    expect(effectiveDeployment({ max_surge_percent: 0 }, { name: "D", rollout }, "D")).toEqual({
      ok: false,
      problems: [
        {
          path: 'deployments["D"].rollout.max_unavailable',
          message: "is 0 while no replica may be started above the target; set rollout.max_surge to at least 1",
        },
      ],
    });
    expect(effectiveDeployment({ max_surge_percent: 10 }, { name: "D", rollout }, "D").ok).toBe(true);
  });

  it("canaries of which one stands in code", () => {
    const canary = [{ weight: 5 }];
    const application = {
      name: "a",
      config: { import_path: "m:a", deployments: [{ name: "E", rollout: { canary } }] },
    } as unknown as ApplicationRecord;
    const built = {
      deployments: [
        { name: "D", options: { rollout: { canary } }, outbound: [] },
        { name: "E", options: {}, outbound: [] },
      ],
      ingress: "D",
    } as unknown as BuiltApplication;
    expect(desiredDeployments(application, built)).toEqual({
      ok: false,
      message:
        'In code and config, canary settings stand on the deployments "D", "E"; they are about the whole application, so keep them on one, usually its ingress.',
    });
    const off = { ...application, config: { import_path: "m:a", deployments: [{ name: "D", rollout: null }] } };
    expect(desiredDeployments(off, built)).toMatchObject({ ok: true });
  });

  it("entries of one deployment are no two canaries", () => {
    const canary = [{ weight: 5 }];
    expect(canaryProblem([{ name: "D", rollout: { canary } }, { name: "D", rollout: { canary } }, { name: "E" }])).toBe(
      undefined,
    );
  });
});

describe("rollout in force", () => {
  it("is absent where nobody gives one, and null takes the code's away", () => {
    expect(effective({})).not.toHaveProperty("rollout");
    expect(effective({ rollout: { auto_rollback: true } }, { rollout: null })).not.toHaveProperty("rollout");
    expect(effective({})).not.toHaveProperty("request_timeout_s");
    expect(effective({ request_timeout_s: 5 }, { request_timeout_s: null }).request_timeout_s).toBeNull();
  });

  it("has every default, and the code's is replaced as a whole", () => {
    const given: RolloutConfig = { canary: [{ weight: 5 }], canary_sticky: { header: "X-User" } };
    expect(effective({ rollout: { auto_rollback: true } }, { rollout: given }).rollout).toEqual({
      auto_rollback: false,
      progress_deadline_s: null,
      canary: [{ weight: 5, pause_s: null }],
      canary_analysis: {
        min_requests: 100,
        max_error_rate_increase: 0.01,
        max_latency_ratio: 2,
        latency_quantile: 0.95,
      },
      canary_sticky: { header: "x-user" },
    });
    expect(effective({ rollout: { canary_analysis: null } }).rollout?.canary_analysis).toBeNull();
  });

  it("changes no hash: replicas neither restart nor are told", () => {
    const plain = effective({});
    const other = effective({}, { rollout: { max_surge: 2 }, request_timeout_s: 3 });
    expect(restartHash(other, "b", "i")).toBe(restartHash(plain, "b", "i"));
    expect(settingsHash(other, "/")).toBe(settingsHash(plain, "/"));
    const app: ApplicationConfig = { ...APP, scaling: { owner: "external" } };
    expect(inputsHash(app)).toBe(inputsHash(APP));
  });

  it.each([
    { name: "the reference's fields", config: {}, replicas: 10, limits: [0, 2] },
    { name: "the reference's fields, one at least", config: {}, replicas: 3, limits: [0, 1] },
    { name: "percent of surge rounded up", config: { max_surge_percent: 25 }, replicas: 5, limits: [2, 1] },
    {
      name: "our percentages",
      config: { rollout: { max_surge: "25%", max_unavailable: "25%" } },
      replicas: 5,
      limits: [2, 1],
    },
    {
      name: "our counts, whatever the target",
      config: { rollout: { max_surge: 3, max_unavailable: 0 } },
      replicas: 1,
      limits: [3, 0],
    },
    {
      name: "one missing where percentages leave no room",
      config: { rollout: { max_surge: "0%", max_unavailable: "10%" } },
      replicas: 3,
      limits: [0, 1],
    },
    {
      name: "ours over the code's percent",
      config: { max_surge_percent: 50, rollout: { max_surge: 0 } },
      replicas: 4,
      limits: [0, 1],
    },
  ] as const)("limits are $name", ({ config, replicas, limits }) => {
    const { surge, unavailable } = rolloutLimits(
      { max_surge_percent: 0, rolling_update_percentage: 0.2, ...config } as Parameters<typeof rolloutLimits>[0],
      replicas,
    );
    expect([surge, unavailable]).toEqual(limits);
  });

  it("is set in code by the code's names", () => {
    class Model {}
    const rollout = {
      maxSurge: "25%",
      canary: [{ weight: 5, pauseS: 60 }],
      canaryAnalysis: { minRequests: 5 },
    } as const;
    const { options } = deployment(Model, { rollout: { ...rollout, canary: [...rollout.canary] }, requestTimeoutS: 3 })[
      DEPLOYMENT
    ];
    expect(options).toEqual({
      rollout: { max_surge: "25%", canary: [{ weight: 5, pause_s: 60 }], canary_analysis: { min_requests: 5 } },
      request_timeout_s: 3,
    });
    expect(effective(options).rollout).toMatchObject({ max_surge: "25%", canary: [{ weight: 5, pause_s: 60 }] });
  });
});

describe("scaling", () => {
  it.each([{ owner: "autoscaler" }, { owner: "manual" }])(
    "external_scaler_enabled is refused beside owner $owner",
    (scaling) => {
      expect(lines({ ...APP, external_scaler_enabled: true, scaling })).toEqual([
        `: external_scaler_enabled and scaling.owner ${JSON.stringify(scaling.owner)} exclude each other; remove external_scaler_enabled, or set the owner to "external"`,
      ]);
    },
  );

  it("owner external allows autoscaling beside it, and external_scaler_enabled goes on refusing it", () => {
    const app = { ...APP, scaling: { owner: "external" }, deployments: [{ name: "D", autoscaling_config: {} }] };
    expect(lines(app)).toEqual([]);
    expect(lines({ ...app, external_scaler_enabled: true })[0]).toMatch(/cannot be combined with autoscaling/);
  });

  it("words that are none of ours are refused", () => {
    expect(lines({ ...APP, scaling: { owner: "nobody", lease_fallback: "drop" } })).toEqual([
      'scaling.owner: must be autoscaler or external or manual, got "nobody"',
      'scaling.lease_fallback: must be hold or floor or policy, got "drop"',
    ]);
  });

  it.each([
    { name: "nothing", app: {}, autoscaled: false, open: false, owner: "manual", fallback: "hold" },
    {
      name: "nothing beside autoscaling",
      app: {},
      autoscaled: true,
      open: false,
      owner: "autoscaler",
      fallback: "hold",
    },
    {
      name: "the reference's switch",
      app: { external_scaler_enabled: true },
      autoscaled: false,
      open: true,
      owner: "external",
      fallback: "hold",
    },
    {
      name: "an owner and a fallback",
      app: { scaling: { owner: "external", lease_fallback: "policy" } } as const,
      autoscaled: true,
      open: true,
      owner: "external",
      fallback: "policy",
    },
  ])("of $name: webhook open $open, owner $owner, fallback $fallback", ({ app, autoscaled, open, owner, fallback }) => {
    const config = effective(autoscaled ? { num_replicas: "auto" } : {});
    expect([webhookOpen(app), scalingOwner(app, config), leaseFallback(app)]).toEqual([open, owner, fallback]);
  });
});

describe("messages", () => {
  it.each<{ name: string; app: Partial<ApplicationConfig> }>([
    { name: "scaling", app: { scaling: { owner: "external", lease_fallback: "floor" } } },
    { name: "an empty scaling", app: { scaling: {} } },
    {
      name: "a rollout of null",
      app: { deployments: [{ name: "D", rollout: null, request_timeout_s: null, cold_start_timeout_s: null }] },
    },
    {
      name: "a full rollout",
      app: {
        deployments: [
          {
            name: "D",
            autoscaling_config: { max_replicas: 3 },
            request_timeout_s: 1.5,
            cold_start_timeout_s: 2.5,
            rollout: {
              max_surge: "25%",
              max_unavailable: 1,
              auto_rollback: true,
              progress_deadline_s: null,
              canary: [{ weight: 5, pause_s: null }, { weight: 10 }, { weight: 20, pause_s: 0 }],
              canary_analysis: { min_requests: 5, max_latency_ratio: null },
              canary_sticky: { header: "X-User" },
            },
          },
        ],
      },
    },
    {
      name: "a rollout without analysis",
      app: { deployments: [{ name: "D", rollout: { canary_analysis: null, canary_sticky: null } }] },
    },
  ])("carry $name as it was given", ({ app }) => {
    const config = { ...APP, ...app };
    const sent = toBinary(ApplicationConfigSchema, applicationConfigToMessage(config));
    const plain = applicationConfigFromMessage(fromBinary(ApplicationConfigSchema, sent));
    expect(plain).toEqual(config);
    expect(validateApplicationConfig(plain)).toMatchObject({ ok: true, config });
  });

  it("carry the settings in force", () => {
    const message = deploymentConfigToMessage(effective({ rollout: { max_surge: 1 }, request_timeout_s: 2 }));
    expect(message).toMatchObject({
      requestTimeoutS: 2,
      rollout: {
        autoRollback: false,
        canaryAnalysis: { minRequests: 100 },
        explicitNulls: ["progress_deadline_s", "canary_sticky"],
      },
    });
  });
});
