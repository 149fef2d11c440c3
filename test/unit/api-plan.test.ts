import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { InstanceService } from "../../gen/windlass/v1/instance_service_pb.ts";
import { ApplicationPlan_Action, DeploymentPlan_Action } from "../../gen/windlass/v1/plan_pb.ts";
import type { Plan } from "../../src/controller/controller.ts";
import { ADMIN_TOKEN, ask, startTestApi, type TestApi } from "../support/api-harness.ts";

const PLAN: Plan = {
  token: "plan-1",
  expiresAt: 1_700_000_000_500,
  revision: 7,
  warnings: ["from the controller"],
  applications: [
    {
      name: "a/b",
      action: "UPDATE",
      error: "",
      codeChanged: true,
      canary: false,
      deployments: [
        {
          name: "D",
          action: "RESTART",
          changes: ["code"],
          target: 3,
          plannedTarget: 2,
          peakExtra: 1,
          peakMissing: 2,
          notes: ["a note"],
        },
      ],
    },
  ],
};

const CONFIG = { applications: [{ name: "a", route_prefix: "/a", import_path: "./a.ts:app" }] };

async function withPlan(plan: Plan = PLAN): Promise<TestApi> {
  const api = await startTestApi();
  api.controller.nextPlan = plan;
  return api;
}

function clientOf(api: TestApi, token = ADMIN_TOKEN) {
  return createClient(
    InstanceService,
    createConnectTransport({
      baseUrl: `http://127.0.0.1:${api.port}`,
      httpVersion: "1.1",
      interceptors: [
        (next) => (request) => {
          request.header.set("authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    }),
  );
}

describe("POST /api/v1/plan", () => {
  it("answers the plan, with the config's own warnings before the controller's", async () => {
    await using api = await withPlan();
    const body = { ...CONFIG, unknown_field: 1 };
    const answer = await ask(api.port, { path: "/api/v1/plan?only_listed=true", token: ADMIN_TOKEN, body });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      token: "plan-1",
      expire_time_s: 1_700_000_000.5,
      revision: 7,
      warnings: [expect.stringMatching(/^unknown_field/), "from the controller"],
      applications: [
        {
          name: "a/b",
          action: "UPDATE",
          error: "",
          code_changed: true,
          canary: false,
          deployments: [
            {
              name: "D",
              action: "RESTART",
              changes: ["code"],
              target_num_replicas: 3,
              planned_target_num_replicas: 2,
              peak_extra_replicas: 1,
              peak_missing_replicas: 2,
              notes: ["a note"],
            },
          ],
        },
      ],
    });
    expect(api.controller.calls.at(-1)).toMatchObject({
      method: "plan",
      request: { onlyListed: true, actor: "admin" },
    });
  });

  it("keeps values that were read hidden, and plans from the folder that the header names", async () => {
    await using api = await withPlan();
    const hidden = { ...CONFIG.applications[0], runtime_env: { env_vars: { SECRET: "<redacted>" } } };
    await ask(api.port, {
      path: "/api/v1/plan",
      token: ADMIN_TOKEN,
      headers: { "x-windlass-base-dir": "/elsewhere" },
      body: { applications: [hidden] },
    });
    expect(api.controller.calls.at(-1)?.request).toMatchObject({
      baseDir: "/elsewhere",
      onlyListed: false,
      config: { applications: [{ runtime_env: { env_vars: { SECRET: "s3cret" } } }] },
    });
  });

  it.each([
    ["a body that is no JSON", "", "{", 400],
    ["a config that breaks a rule", "", { applications: [{ import_path: 3 }] }, 400],
    ["a flag that is none", "?only_listed=maybe", CONFIG, 400],
  ])("refuses %s", async (_name, query, body, status) => {
    await using api = await withPlan();
    const answer = await ask(api.port, { method: "POST", path: `/api/v1/plan${query}`, token: ADMIN_TOKEN, body });
    expect([answer.status, Object.keys(answer.json as object)]).toEqual([status, ["error"]]);
    expect(api.controller.calls).toEqual([]);
  });

  it("is for deployers: planning runs their code", async () => {
    await using api = await withPlan();
    for (const path of ["/api/v1/plan", "/api/v1/plan/plan-1/apply"]) {
      expect((await ask(api.port, { path, token: api.tokens.viewer, body: CONFIG })).status).toBe(403);
      expect((await ask(api.port, { path, token: api.tokens.deployer, body: CONFIG })).status).toBe(200);
    }
  });
});

describe("POST /api/v1/plan/{token}/apply", () => {
  it("applies, tells the revision and the warnings, and checks alone if asked to", async () => {
    await using api = await withPlan();
    const path = "/api/v1/plan/plan-1/apply?validate_only=1";
    const answer = await ask(api.port, { method: "POST", path, token: ADMIN_TOKEN });
    expect([answer.status, answer.json]).toEqual([200, { revision: api.store.revision, warnings: ["from the plan"] }]);
    expect(answer.headers["x-windlass-warnings"]).toBe("from the plan");
    expect(api.controller.calls.at(-1)?.request).toEqual({ token: "plan-1", validateOnly: true, actor: "admin" });
    const stale = await ask(api.port, { method: "POST", path: "/api/v1/plan/other/apply", token: ADMIN_TOKEN });
    expect([stale.status, stale.json]).toEqual([409, { error: "the plan is unknown" }]);
  });
});

describe("InstanceService", () => {
  it("plans and applies by the token", async () => {
    await using api = await withPlan();
    const client = clientOf(api);
    const { plan } = await client.planConfig({ config: { applications: [{ name: "a", importPath: "./a.ts:app" }] } });
    expect(plan).toMatchObject({
      token: "plan-1",
      expireTime: { seconds: 1_700_000_000n, nanos: 500_000_000 },
      revision: 7n,
      applications: [
        {
          name: "applications/a%2Fb",
          action: ApplicationPlan_Action.UPDATE,
          codeChanged: true,
          deployments: [
            {
              name: "applications/a%2Fb/deployments/D",
              action: DeploymentPlan_Action.RESTART,
              targetNumReplicas: 3,
              plannedTargetNumReplicas: 2,
              peakExtraReplicas: 1,
              peakMissingReplicas: 2,
            },
          ],
        },
      ],
    });
    expect(await client.applyConfig({ planToken: "plan-1" })).toMatchObject({ warnings: ["from the plan"] });
    expect(api.controller.calls.map(({ method }) => method)).toEqual(["plan", "applyPlan"]);
  });

  it("takes no config beside a token, and shows no time for a plan without one", async () => {
    await using api = await withPlan({ ...PLAN, token: "", expiresAt: 0 });
    const client = clientOf(api);
    const refused = await client
      .applyConfig({ planToken: "plan-1", baseDir: "/srv" })
      .catch((error: unknown) => ConnectError.from(error));
    expect(refused).toMatchObject({ code: Code.InvalidArgument });
    expect((await client.planConfig({ config: {} })).plan?.expireTime).toBeUndefined();
  });

  it("takes no request without a config, which would delete everything", async () => {
    await using api = await withPlan();
    const client = clientOf(api);
    for (const call of [client.applyConfig({}), client.applyConfig({ validateOnly: true }), client.planConfig({})]) {
      const refused = await call.catch((error: unknown) => ConnectError.from(error));
      expect(refused).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: "config is missing: give the whole desired state; one without applications deletes them all",
      });
    }
    expect(api.controller.calls).toEqual([]);
  });

  it("is for deployers", async () => {
    await using api = await withPlan();
    for (const call of [{ planToken: "plan-1" }, { planToken: "" }]) {
      const refused = await clientOf(api, api.tokens.viewer).applyConfig(call).catch(ConnectError.from);
      expect(refused).toMatchObject({ code: Code.PermissionDenied });
    }
    const refused = await clientOf(api, api.tokens.viewer).planConfig({}).catch(ConnectError.from);
    expect(refused).toMatchObject({ code: Code.PermissionDenied });
  });
});
