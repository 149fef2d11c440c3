/** Leases, fences, force, hand and dry runs over REST and Connect, on the real controller and a simulated engine. */
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { Deployment_TargetOwner, Lease_Fallback } from "../../gen/windlass/v1/deployment_pb.ts";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { startApiServer } from "../../src/api/server.ts";
import { createToken } from "../../src/api/tokens.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { ADMIN_TOKEN, ask, INSTANCE_KEY } from "../support/api-harness.ts";
import { application, simulate } from "../support/simulated-controller.ts";

/** Application `a` with the webhook, `b` without, `c` with an autoscaler. */
async function start() {
  const simulation = await simulate();
  for (const name of ["a", "b", "c"]) {
    simulation.engine.applications.set(name, { deployments: [{ name: "D" }], ingress: "D", hash: "h" });
  }
  const closed = { external_scaler_enabled: false };
  await simulation.put([
    application({ num_replicas: 2 }, { import_path: "a" }),
    application({ num_replicas: 2 }, { name: "b", route_prefix: "/b", import_path: "b", ...closed }),
    application(
      { autoscaling_config: { min_replicas: 1, max_replicas: 4 } },
      { name: "c", route_prefix: "/c", import_path: "c", ...closed },
    ),
  ]);
  await simulation.clock.advance(2_000);
  const { store } = simulation;
  const auth = { kind: "on", adminToken: ADMIN_TOKEN, instanceKey: INSTANCE_KEY } as const;
  const basics = { store, clock: systemClock, auth, appDir: "/apps", host: "127.0.0.1", port: 0 };
  const server = await startApiServer({ controller: simulation.controller, ...basics });
  const token = async (role: "deployer" | "scaler") => {
    const application = role === "scaler" ? "a" : null;
    return (await createToken(store, systemClock, { role, application, maxReplicas: null, ttlMs: null })).secret;
  };
  const tokens = { admin: ADMIN_TOKEN, deployer: await token("deployer"), scaler: await token("scaler") };
  const baseUrl = `http://127.0.0.1:${server.port}`;
  return {
    simulation,
    tokens,
    scale: (body: object, who: keyof typeof tokens = "scaler", app = "a") =>
      ask(server.port, { path: `/api/v1/applications/${app}/deployments/D/scale`, token: tokens[who], body }),
    client: (grpc: boolean) =>
      createClient(
        DeploymentService,
        grpc ? createGrpcTransport({ baseUrl }) : createConnectTransport({ baseUrl, httpVersion: "1.1" }),
      ),
    get: (path: string) => ask(server.port, { path, token: ADMIN_TOKEN }),
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

describe("over REST", () => {
  it("tells of the lease and its end, and of none where there is none", async () => {
    await using it = await start();
    const taken = await it.scale({ target_num_replicas: 3, owner: "x", ttl_s: 60, fence: 7 });
    const end = new Date(it.simulation.clock.now() + 60_000).toISOString();
    expect(taken.json).toMatchObject({
      previous_target_num_replicas: 2,
      target_num_replicas: 3,
      effective_target_num_replicas: 3,
      generation: 2,
      lease: { owner: "x", expires_at: end, fence: 7 },
    });
    expect(taken.json).not.toHaveProperty("dry_run");
    const endless = await it.scale({ target_num_replicas: 3, owner: "x" });
    expect(endless.json).toMatchObject({ generation: 3, lease: { owner: "x", expires_at: null, fence: 7 } });
    const released = await it.scale({ target_num_replicas: 3, owner: "x", ttl_s: 0 });
    expect(released.json).not.toHaveProperty("lease");
  });

  it("names the holder with a 409", async () => {
    await using it = await start();
    await it.scale({ target_num_replicas: 3, owner: "x" });
    expect(await it.scale({ target_num_replicas: 1 })).toMatchObject({
      status: 409,
      json: {
        error: expect.stringMatching(/is held by "x", whose lease has no end: /),
        owner: "x",
        lease_expires_at: null,
        fence: null,
      },
    });
    const end = new Date(it.simulation.clock.now() + 60_000).toISOString();
    await it.scale({ target_num_replicas: 3, owner: "x", ttl_s: 60, fence: 7 });
    expect(await it.scale({ target_num_replicas: 1, fence: 6 })).toMatchObject({
      status: 409,
      json: { error: expect.stringMatching(/^fence 6 must be >= 7/), owner: "x", lease_expires_at: end, fence: 7 },
    });
  });

  it("answers a dry run as the call, and changes nothing", async () => {
    await using it = await start();
    const { revision } = it.simulation.controller.snapshot();
    const tried = await it.scale({ target_num_replicas: 3, owner: "x", dry_run: true, request_id: "r" });
    expect([tried.status, tried.json]).toMatchObject([
      200,
      { dry_run: true, previous_target_num_replicas: 2, target_num_replicas: 3, generation: 2, lease: { owner: "x" } },
    ]);
    expect(it.simulation.controller.snapshot().revision).toBe(revision);
    expect((await it.scale({ target_num_replicas: 3, request_id: "r" })).json).toMatchObject({ generation: 2 });
  });

  it.each([
    { name: "force by a scaler", who: "scaler", app: "a", more: { force: true }, status: 403 },
    { name: "force by a deployer", who: "deployer", app: "a", more: { force: true }, status: 200 },
    { name: "by hand by a scaler", who: "scaler", app: "a", more: { manual: true }, status: 403 },
    { name: "by hand by a deployer", who: "deployer", app: "b", more: { manual: true }, status: 200 },
    { name: "by hand where the autoscaler decides", who: "deployer", app: "c", more: { manual: true }, status: 412 },
    { name: "without the webhook", who: "deployer", app: "b", more: {}, status: 412 },
  ] as const)("$name is $status", async ({ who, app, more, status }) => {
    await using it = await start();
    const answer = await it.scale({ target_num_replicas: 3, ...more }, who, app);
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.json).toEqual({ error: expect.stringMatching(/^[^\n]+$/) });
    if (app === "c") {
      expect(answer.json.error).toBe(
        'Deployment "D" of application "c" cannot be scaled by hand: its scaling owner is the autoscaler; change its autoscaling_config, or set num_replicas, and deploy it again.',
      );
    }
  });

  it.each([
    {
      more: { owner: "x", ttl_s: 604_801 },
      error: "ttl_s: 604801 must be from 0 to 604800: renew the lease before it ends",
    },
    { more: { owner: "x", ttl_s: -1 }, error: /^ttl_s: must be a finite number >= 0, got -1/ },
    { more: { owner: "x".repeat(129) }, error: "owner: has 129 characters, at most 128 are allowed" },
    { more: { owner: "\ud800" }, error: "owner: holds half of a surrogate pair: send whole characters" },
    { more: { reason: "\udc00" }, error: "reason: holds half of a surrogate pair: send whole characters" },
    { more: { owner: 5 }, error: /^owner: / },
    { more: { owner: "x", lease_fallback: "zero" }, error: /^lease_fallback: / },
    { more: { fence: -1 }, error: /^fence: must be a whole number >= 0, got -1/ },
    { more: { fence: 1.5 }, error: /^fence: / },
    { more: { fence: 2 ** 53 }, error: "fence: 9007199254740992 must be a whole number from 0 to 9007199254740991" },
    { more: { dry_run: "perhaps" }, error: /^dry_run: / },
  ])("refuses $more", async ({ more, error }) => {
    await using it = await start();
    const answer = await it.scale({ target_num_replicas: 3, ...more });
    expect(answer.status).toBe(400);
    const text = String(answer.json.error).replace("Invalid request body: ", "");
    if (typeof error === "string") expect(text).toBe(error);
    else expect(text).toMatch(error);
    expect(it.simulation.controller.deployment("a", "D")?.target.replicas).toBe(2);
  });

  it("shows none of it in the reference's document", async () => {
    await using it = await start();
    const path = "/api/serve/applications/";
    const keysOf = async () => {
      const { json } = await it.get(path);
      return Object.keys(
        (json as { applications: Record<string, { deployments: Record<string, object> }> }).applications.a!.deployments
          .D!,
      );
    };
    const before = await keysOf();
    await it.scale({ target_num_replicas: 3, owner: "x", fence: 7 });
    expect(await keysOf()).toEqual(before);
  });
});

describe.each([false, true])("over Connect and gRPC (gRPC: %s)", (grpc) => {
  it("takes every field, and shows owner, reason, time and lease of the target", async () => {
    await using it = await start();
    const name = "applications/a/deployments/D";
    const headers = { authorization: `Bearer ${it.tokens.scaler}` };
    const answer = await it.client(grpc).scaleDeployment(
      {
        name,
        targetNumReplicas: 3,
        reason: "queue",
        owner: "x",
        ttl: { seconds: 60n, nanos: 500_000_000 },
        leaseFallback: Lease_Fallback.FLOOR,
        fence: 7n,
      },
      { headers },
    );
    expect(answer).toMatchObject({ previousTargetNumReplicas: 2, effectiveTargetNumReplicas: 3 });
    const endMs = it.simulation.clock.now() + 60_500;
    const end = { seconds: BigInt(Math.floor(endMs / 1000)), nanos: (endMs % 1000) * 1e6 };
    const shown = (await it.client(grpc).getDeployment({ name }, { headers })).deployment;
    expect(shown).toMatchObject({
      targetNumReplicas: 3,
      targetOwner: Deployment_TargetOwner.EXTERNAL,
      targetReason: "queue",
      targetTime: { seconds: BigInt(Math.floor(it.simulation.clock.now() / 1000)) },
      lease: { owner: "x", fence: 7n, expireTime: end, fallback: Lease_Fallback.FLOOR },
    });
    const deployer = { headers: { authorization: `Bearer ${it.tokens.deployer}` } };
    const byHand = { name, targetNumReplicas: 1, manual: true, force: true };
    await expect(it.client(grpc).scaleDeployment(byHand, { headers })).rejects.toThrow(
      /does not allow to scale by hand/,
    );
    const { deployment } = await it.client(grpc).scaleDeployment(byHand, deployer);
    expect(deployment).toMatchObject({ targetOwner: Deployment_TargetOwner.MANUAL, targetNumReplicas: 1 });
    expect(deployment?.lease).toBeUndefined();
  });

  it("refuses a fallback it does not know, and a ttl below 0", async () => {
    await using it = await start();
    const call = { name: "applications/a/deployments/D", targetNumReplicas: 3, owner: "x" };
    const headers = { authorization: `Bearer ${it.tokens.scaler}` };
    const scale = (more: object) => it.client(grpc).scaleDeployment({ ...call, ...more }, { headers });
    await expect(scale({ leaseFallback: 9 })).rejects.toThrow(
      "lease_fallback 9 is not known: use hold, floor or policy",
    );
    await expect(scale({ ttl: { seconds: -1n, nanos: 0 } })).rejects.toThrow("ttl_s -1 must be from 0 to 604800");
    await expect(scale({ fence: -1n })).rejects.toThrow("fence -1 must be a whole number");
  });
});
