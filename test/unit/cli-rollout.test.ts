import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { Application_State, ApplicationSchema } from "../../gen/windlass/v1/application_pb.ts";
import { Deployment_State, DeploymentSchema } from "../../gen/windlass/v1/deployment_pb.ts";
import { applicationProgress, nothingSeen } from "../../src/cli/rollout.ts";

it("says of a failed application why its deployment failed", () => {
  const seen = nothingSeen();
  seen.synced = true;
  seen.applications.set(
    "applications/a",
    create(ApplicationSchema, { state: Application_State.DEPLOY_FAILED, message: "failed to deploy: D" }),
  );
  const told = () => applicationProgress(seen, "a", 0n);
  expect(told()).toEqual({ kind: "failed", message: "application a: failed to deploy: D" });
  const deployment = (app: string, message: string): void => {
    const name = `applications/${app}/deployments/D`;
    seen.deployments.set(name, create(DeploymentSchema, { name, state: Deployment_State.DEPLOY_FAILED, message }));
  };
  deployment("other", "not this");
  deployment("a", "Failed to start 3 times in a row. Error: no model");
  expect(told()).toEqual({
    kind: "failed",
    message: "application a: failed to deploy: D: Failed to start 3 times in a row. Error: no model",
  });
});
