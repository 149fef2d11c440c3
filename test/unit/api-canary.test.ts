import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { Canary_Phase } from "../../gen/windlass/v1/revision_pb.ts";
import { applicationView } from "../../src/api/views.ts";
import type { CanaryStanding } from "../../src/controller/controller.ts";
import type { CanaryRecord } from "../../src/controller/records.ts";
import { WindlassError } from "../../src/core/errors.ts";
import { ADMIN_TOKEN, type Answer, type Ask, ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, put } from "../support/fake-controller.ts";

const A = "/api/v1/applications/a";
const SINCE = 1_700_000_000_000;

const CANARY: CanaryRecord = {
  stable: 3,
  revision: 4,
  steps: [
    { weight: 10, pauseS: 60 },
    { weight: 50, pauseS: null },
  ],
  step: 1,
  stickyHeader: "x-user",
  analysis: null,
  phase: { kind: "awaiting-promotion", since: SINCE },
};

const STANDING: CanaryStanding = {
  canary: CANARY,
  weight: 50,
  message: "waits for its promotion",
  sample: { requests: 200, errors: 2, latencyMs: 12.5, latencyBuckets: [200] },
  stableSample: { requests: 0, errors: 0, latencyMs: null, latencyBuckets: [] },
};

const BODY = {
  revision: 4,
  stable_revision: 3,
  step: 1,
  steps: 2,
  weight: 50,
  phase: "AWAITING_PROMOTION",
  message: "waits for its promotion",
  step_time_s: SINCE / 1000,
  sample: { requests: 200, errors: 2, latency_s: 0.0125 },
  stable_sample: { requests: 0, errors: 0, latency_s: null },
};

/** Application a has a canary, b has none. */
async function startWithCanary(): Promise<TestApi> {
  const api = await startTestApi();
  await api.write(put.application(applicationRecord("a", { revision: 4, canary: CANARY })));
  api.controller.canary = (name) => (name === "a" ? STANDING : undefined);
  return api;
}

const asAdmin = (api: TestApi, request: Ask): Promise<Answer> => ask(api.port, { token: ADMIN_TOKEN, ...request });
const post = (api: TestApi, verb: string, body?: unknown, more: Partial<Ask> = {}): Promise<Answer> =>
  asAdmin(api, { method: "POST", path: `${A}/canary/${verb}`, ...(body === undefined ? {} : { body }), ...more });
const changes = (api: TestApi): unknown[] =>
  api.controller.calls.filter(({ method }) => method === "changeCanary").map(({ request }) => request);

function clientOf(api: TestApi, token = ADMIN_TOKEN) {
  const transport = createConnectTransport({
    baseUrl: `http://127.0.0.1:${api.port}`,
    httpVersion: "1.1",
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return createClient(ApplicationService, transport);
}

const VERBS = ["promote", "abort", "pause", "resume"] as const;

describe("GET …/canary", () => {
  it("answers where it stands and the requests of its step, to viewers and the application's scaler too", async () => {
    await using api = await startWithCanary();
    for (const token of [ADMIN_TOKEN, api.tokens.viewer, api.tokens.scaler]) {
      const { status, json, headers } = await ask(api.port, { path: `${A}/canary`, token });
      expect([status, headers["cache-control"]]).toEqual([200, "no-store"]);
      expect(json).toEqual(BODY);
    }
  });

  it("is 404 with one line where there is no canary, and where there is no application", async () => {
    await using api = await startWithCanary();
    const none = await asAdmin(api, { path: "/api/v1/applications/b/canary" });
    expect([none.status, none.json]).toEqual([404, { error: 'there is no canary of application "b" now' }]);
    const unknown = await asAdmin(api, { path: "/api/v1/applications/nope/canary" });
    expect([unknown.status, unknown.json]).toEqual([404, { error: 'there is no application "nope"' }]);
  });
});

describe("POST …/canary/{verb}", () => {
  it.each([
    { verb: "promote", body: { full: true }, asked: { full: true, reason: "" } },
    { verb: "promote", body: undefined, asked: { full: false, reason: "" } },
    { verb: "abort", body: { reason: "too slow" }, asked: { full: false, reason: "too slow" } },
    { verb: "abort", body: {}, asked: { full: false, reason: "" } },
    { verb: "pause", body: undefined, asked: { full: false, reason: "" } },
    { verb: "resume", body: {}, asked: { full: false, reason: "" } },
  ])("$verb with $body asks the controller, and answers with what is now", async ({ verb, body, asked }) => {
    await using api = await startWithCanary();
    const { status, json, headers } = await post(api, verb, body);
    expect([status, headers.etag]).toEqual([200, '"uid-of-a-1"']);
    expect(json).toEqual({
      name: "a",
      generation: 1,
      etag: "uid-of-a-1",
      revision: expect.any(Number),
      application_revision: 4,
      canary: BODY,
    });
    expect(changes(api)).toEqual([{ application: "a", verb, actor: "admin", ...asked }]);
  });

  it("answers null for a canary that has ended by it", async () => {
    await using api = await startWithCanary();
    await api.write(put.application(applicationRecord("a", { revision: 5 })));
    expect((await post(api, "abort")).json).toMatchObject({ application_revision: 5, canary: null });
  });

  it.each([
    { verb: "promote", body: "[]", says: "the body must be a JSON object such as" },
    { verb: "promote", body: "{", says: "is not JSON" },
    { verb: "promote", body: '{"full": 1}', says: "full must be a boolean, got 1" },
    { verb: "promote", body: '{"reason": "x"}', says: '"reason" is no field of a promotion; it has full' },
    { verb: "abort", body: '{"reason": null}', says: "reason must be a string, got null" },
    { verb: "abort", body: JSON.stringify({ reason: "x".repeat(1025) }), says: "at most 1024 are taken" },
    { verb: "abort", body: '{"__proto__": "x"}', says: '"__proto__" is no field of an abort; it has reason' },
    { verb: "pause", body: '{"full": true}', says: '"full" is no field of a pause; it has none' },
    { verb: "resume", body: "null", says: "the body must be a JSON object" },
  ])("$verb refuses $body with 400 and changes nothing", async ({ verb, body, says }) => {
    await using api = await startWithCanary();
    const { status, json } = await post(api, verb, body);
    expect(status).toBe(400);
    expect((json as { error: string }).error).toContain(says);
    expect(changes(api)).toEqual([]);
  });

  it.each(VERBS)("%s is for deployers; an unknown application is 404, one without a canary 412", async (verb) => {
    await using api = await startWithCanary();
    for (const token of [api.tokens.viewer, api.tokens.scaler]) {
      expect((await post(api, verb, undefined, { token })).status).toBe(403);
    }
    expect(changes(api)).toEqual([]);
    expect((await post(api, verb, undefined, { token: api.tokens.deployer })).status).toBe(200);
    const unknown = await asAdmin(api, { method: "POST", path: `/api/v1/applications/nope/canary/${verb}` });
    expect([unknown.status, Object.keys(unknown.json)]).toEqual([404, ["error"]]);
    api.controller.failNext = new WindlassError("NOT_POSSIBLE_NOW", 'application "a" has no canary now');
    const none = await post(api, verb);
    expect([none.status, none.json]).toEqual([412, { error: 'application "a" has no canary now' }]);
  });

  it("knows no other verb, and no other method", async () => {
    await using api = await startWithCanary();
    expect((await post(api, "stop")).status).toBe(404);
    expect((await asAdmin(api, { path: `${A}/canary/promote` })).status).toBe(405);
  });
});

describe("windlass.v1.ApplicationService", () => {
  it("shows weight, message and samples of a canary with an application that is asked for", async () => {
    await using api = await startWithCanary();
    const client = clientOf(api);
    const { application } = await client.getApplication({ name: "applications/a" });
    expect(application?.canary).toMatchObject({
      revision: 4n,
      stableRevision: 3n,
      step: 1,
      steps: 2,
      weight: 50,
      phase: Canary_Phase.AWAITING_PROMOTION,
      message: "waits for its promotion",
      sample: { requests: 200n, errors: 2n, latencyS: 0.0125 },
      stableSample: { requests: 0n, errors: 0n },
    });
    expect(application?.canary?.stableSample?.latencyS).toBeUndefined();
    expect(application?.reconciling).toBe(true);
    const { applications } = await client.listApplications({});
    expect(applications.map(({ canary }) => canary?.weight)).toEqual([50, undefined]);
  });

  it("shows of a canary in the feed what its record says, and of one that starts no weight", () => {
    const record = applicationRecord("a", { canary: CANARY });
    expect(applicationView(record, false).canary).toMatchObject({ weight: 50, message: "", step: 1 });
    expect(applicationView(record, false).canary?.sample).toBeUndefined();
    const starting = { ...CANARY, step: 0, phase: { kind: "starting" as const, since: SINCE } };
    expect(applicationView({ ...record, canary: starting }, false).canary).toMatchObject({
      weight: 0,
      phase: Canary_Phase.STARTING,
    });
  });

  it("moves a canary, and refuses what REST refuses", async () => {
    await using api = await startWithCanary();
    const client = clientOf(api);
    const name = "applications/a";
    expect((await client.promoteCanary({ name, full: true })).application?.canary?.weight).toBe(50);
    await client.abortCanary({ name, reason: "slow" });
    await client.pauseCanary({ name });
    await client.resumeCanary({ name });
    expect(changes(api)).toEqual([
      { application: "a", verb: "promote", full: true, reason: "", actor: "admin" },
      { application: "a", verb: "abort", full: false, reason: "slow", actor: "admin" },
      { application: "a", verb: "pause", full: false, reason: "", actor: "admin" },
      { application: "a", verb: "resume", full: false, reason: "", actor: "admin" },
    ]);
    const codeOf = (call: Promise<unknown>): Promise<Code | undefined> =>
      call.then(
        () => undefined,
        (error: unknown) => ConnectError.from(error).code,
      );
    expect(await codeOf(client.abortCanary({ name, reason: "x".repeat(1025) }))).toBe(Code.InvalidArgument);
    expect(await codeOf(client.pauseCanary({ name: "a" }))).toBe(Code.InvalidArgument);
    expect(await codeOf(client.resumeCanary({ name: "applications/nope" }))).toBe(Code.NotFound);
    const viewer = clientOf(api, api.tokens.viewer);
    expect(await codeOf(viewer.promoteCanary({ name }))).toBe(Code.PermissionDenied);
    expect(await codeOf(viewer.abortCanary({ name }))).toBe(Code.PermissionDenied);
    expect(changes(api)).toHaveLength(5);
  });
});
