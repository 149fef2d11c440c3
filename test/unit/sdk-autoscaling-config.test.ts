import { describe, expect, it } from "vitest";
import { DEPLOYMENT } from "../../src/sdk/brands.ts";
import { AutoscalingConfig, deployment } from "../../src/sdk/index.ts";

class Model {}
const storedOf = (autoscalingConfig: AutoscalingConfig) =>
  deployment(Model, { autoscalingConfig })[DEPLOYMENT].options.autoscaling_config;

describe("AutoscalingConfig", () => {
  it.each([
    { options: {}, up: 1, down: 1, target: 2 },
    { options: { smoothingFactor: 0.5, targetOngoingRequests: 7 }, up: 0.5, down: 0.5, target: 7 },
    { options: { smoothingFactor: 0.5, upscaleSmoothingFactor: 2, downscalingFactor: 3 }, up: 2, down: 3, target: 2 },
    {
      options: { upscalingFactor: 4, upscaleSmoothingFactor: 2, downscaleSmoothingFactor: 5 },
      up: 4,
      down: 5,
      target: 2,
    },
  ])("of $options has the factors $up and $down and the target $target", ({ options, up, down, target }) => {
    const config = new AutoscalingConfig(options);
    expect([config.getUpscalingFactor(), config.getDownscalingFactor()]).toEqual([up, down]);
    expect(config.getTargetOngoingRequests()).toBe(target);
  });

  it("is taken for what was given, no more", () => {
    expect(storedOf(new AutoscalingConfig({ maxReplicas: 4 }))).toEqual({ max_replicas: 4 });
  });

  it("has the default that auto stands for", () => {
    expect(storedOf(AutoscalingConfig.default())).toEqual({
      min_replicas: 1,
      max_replicas: 100,
      target_ongoing_requests: 2,
    });
  });
});
