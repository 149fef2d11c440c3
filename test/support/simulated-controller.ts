import type { ApplicationConfig, DeploymentOverride } from "../../src/config/types.ts";

export { type SimulatedController, simulate } from "../../src/testing/simulated/controller.ts";

/** A config of one application `a` whose import path is `app`, with overrides for deployment `D`. */
export function application(
  override: Partial<DeploymentOverride> = {},
  more: Partial<ApplicationConfig> = {},
): ApplicationConfig {
  return {
    name: "a",
    route_prefix: "/a",
    import_path: "app",
    external_scaler_enabled: true,
    deployments: [{ name: "D", ...override }],
    ...more,
  };
}
