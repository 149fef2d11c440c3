import { expect, it, onTestFinished } from "vitest";
import { ECHO, ECHO_CONFIG, writeApp } from "../support/apps.ts";
import { reflectionClient } from "../support/reflection-client.ts";
import { application, startWindlass, waitForStatus } from "../support/windlass.ts";

it("a client that knows nothing but reflection finds a method, learns its messages and calls it", async () => {
  const windlass = await startWindlass([writeApp(ECHO, ECHO_CONFIG(1))]);
  await waitForStatus(windlass, "echo", "RUNNING");
  const client = reflectionClient(new URL(windlass.control).host, windlass.token);
  onTestFinished(() => client.close());

  const [list] = await client.ask({ listServices: "" });
  const { case: kind, value } = list!.messageResponse;
  const names = kind === "listServicesResponse" ? value.service.map(({ name }) => name) : [];
  expect(names).toContain("windlass.v1.DeploymentService");
  // Everything that is listed can be described.
  for (const name of names) expect((await client.registry(name)).getService(name)?.typeName).toBe(name);

  const registry = await client.registry("windlass.v1.DeploymentService");
  const service = registry.getService("windlass.v1.DeploymentService")!;
  expect(service.methods.map(({ name }) => name)).toContain("ScaleDeployment");
  const name = "applications/echo/deployments/Echo";
  expect(await client.call(service, "GetDeployment", { name })).toMatchObject({
    deployment: { name, targetNumReplicas: 1, state: "STATE_HEALTHY" },
  });
  expect(await client.call(service, "ScaleDeployment", { name, targetNumReplicas: 2 })).toMatchObject({
    previousTargetNumReplicas: 1,
  });
  expect((await application(windlass, "echo"))?.deployments["Echo"]?.target_num_replicas).toBe(2);
});
