import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { ApplicationService } from "../../gen/windlass/v1/application_service_pb.ts";
import { Revision_Cause, Revision_State } from "../../gen/windlass/v1/revision_pb.ts";
import type { RevisionRecord } from "../../src/controller/records.ts";
import { ADMIN_TOKEN, type Answer, type Ask, ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, put } from "../support/fake-controller.ts";

const A = "/api/v1/applications/a";

function revision(number: number, over: Partial<RevisionRecord> = {}): RevisionRecord {
  const { config, built, baseDir, uid } = applicationRecord("a");
  const base = { application: "a", applicationUid: uid, number, config, baseDir, built, actor: "admin", reason: "" };
  return {
    ...base,
    cause: { kind: "config" },
    outcome: "superseded",
    message: "",
    createdAt: 1_700_000_000_000 + number,
    ...over,
  };
}

const RECORDS = [
  revision(1),
  revision(2, { built: null, outcome: "failed", message: "no module", cause: { kind: "sources" } }),
  revision(3, { cause: { kind: "auto-rollback", of: 1 }, actor: "controller", reason: "it died", outcome: "running" }),
];

async function startWithRevisions(): Promise<TestApi> {
  const api = await startTestApi();
  await api.write(put.application(applicationRecord("a", { revision: 3 })), ...RECORDS.map(put.revision));
  return api;
}

const asAdmin = (api: TestApi, request: Ask): Promise<Answer> => ask(api.port, { token: ADMIN_TOKEN, ...request });
const post = (api: TestApi, what: string, body?: unknown, more: Partial<Ask> = {}): Promise<Answer> =>
  asAdmin(api, { method: "POST", path: `${A}/${what}`, ...(body === undefined ? {} : { body }), ...more });
const called = (api: TestApi, method: string): unknown[] =>
  api.controller.calls.filter((call) => call.method === method).map(({ request }) => request);

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

describe("GET …/revisions", () => {
  it("answers those that are kept, newest first, with all there is to know", async () => {
    await using api = await startWithRevisions();
    const { status, json } = await asAdmin(api, { path: `${A}/revisions` });
    expect(status).toBe(200);
    const { revisions } = json as { revisions: Record<string, unknown>[] };
    expect(revisions.map(({ number, state, cause }) => [number, state, cause])).toEqual([
      [3, "RUNNING", "AUTO_ROLLBACK"],
      [2, "FAILED", "SOURCES"],
      [1, "SUPERSEDED", "CONFIG"],
    ]);
    expect(revisions[0]).toEqual({
      number: 3,
      state: "RUNNING",
      message: "",
      cause: "AUTO_ROLLBACK",
      rollback_of: 1,
      code_hash: "hash",
      actor: "controller",
      reason: "it died",
      create_time_s: 1_700_000_000.003,
      config: applicationRecord("a").config,
    });
    expect(revisions[1]).toMatchObject({ code_hash: "", message: "no module", rollback_of: 0 });
    expect((await asAdmin(api, { path: A })).json).toMatchObject({ revision: 3 });
  });

  it("is for viewers and the application's scaler, without values of environment variables", async () => {
    await using api = await startWithRevisions();
    for (const token of [api.tokens.viewer, api.tokens.scaler]) {
      const { status, json, text } = await ask(api.port, { path: `${A}/revisions`, token });
      expect(status).toBe(200);
      expect(json.revisions[0].config.runtime_env.env_vars).toEqual({ SECRET: "<redacted>" });
      expect(text).not.toContain("s3cret");
    }
    const other = await ask(api.port, { path: "/api/v1/applications/b/revisions", token: api.tokens.scaler });
    expect(other.status).toBe(403);
    expect((await asAdmin(api, { path: "/api/v1/applications/nope/revisions" })).status).toBe(404);
  });
});

describe("POST …/rollback", () => {
  it("asks the controller with what the body says, and answers with the etag", async () => {
    await using api = await startWithRevisions();
    const body = { to_revision: 1, reason: "slow", request_id: "r", validate_only: false };
    const { status, headers, json } = await post(api, "rollback", body, { headers: { "if-match": '"uid-of-a-1"' } });
    expect([status, headers.etag]).toEqual([200, '"uid-of-a-2"']);
    expect(json).toEqual({
      name: "a",
      generation: 2,
      etag: "uid-of-a-2",
      revision: expect.any(Number),
      application_revision: 3,
      rolled_back_to: 1,
    });
    expect(called(api, "rollback")).toEqual([
      {
        application: "a",
        toRevision: 1,
        reason: "slow",
        requestId: "r",
        validateOnly: false,
        etag: "uid-of-a-1",
        actor: "admin",
      },
    ]);
  });

  it("needs no body", async () => {
    await using api = await startWithRevisions();
    expect((await post(api, "rollback")).status).toBe(200);
    expect(called(api, "rollback")).toMatchObject([{ toRevision: 0, reason: "", requestId: "", etag: "" }]);
  });

  it.each([
    { name: "a list", body: "[]", says: "must be a JSON object" },
    { name: "null", body: "null", says: "must be a JSON object" },
    { name: "no JSON", body: "{", says: "is not JSON" },
    { name: "an unknown field", body: '{"revision": 3}', says: '"revision" is no field of a rollback' },
    { name: "a name of every object", body: '{"constructor": 3}', says: '"constructor" is no field' },
    { name: "a number as text", body: '{"to_revision": "3"}', says: 'to_revision must be a number, got "3"' },
    { name: "half a revision", body: '{"to_revision": 1.5}', says: "to_revision 1.5 must be the number of a revision" },
    { name: "a negative one", body: '{"to_revision": -1}', says: "to_revision -1 must be the number" },
    { name: "a huge one", body: '{"to_revision": 1e300}', says: "must be the number of a revision" },
    { name: "a flag as text", body: '{"validate_only": "yes"}', says: "validate_only must be a boolean" },
    { name: "a long reason", body: JSON.stringify({ reason: "x".repeat(1025) }), says: "at most 1024" },
  ])("refuses $name with 400 and changes nothing", async ({ body, says }) => {
    await using api = await startWithRevisions();
    const { status, json } = await post(api, "rollback", body);
    expect(status).toBe(400);
    expect((json as { error: string }).error).toContain(says);
    expect(called(api, "rollback")).toEqual([]);
  });

  it("is for deployers; a stale etag is 409, an unknown application 404", async () => {
    await using api = await startWithRevisions();
    for (const what of ["rollback", "retry"]) {
      for (const token of [api.tokens.viewer, api.tokens.scaler]) {
        expect((await post(api, what, undefined, { token })).status).toBe(403);
      }
      expect((await post(api, what, undefined, { token: api.tokens.deployer })).status).toBe(200);
      const unknown = { method: "POST", path: `/api/v1/applications/nope/${what}` };
      expect((await asAdmin(api, unknown)).status).toBe(404);
    }
    expect((await post(api, "rollback", {}, { headers: { "if-match": '"old"' } })).status).toBe(409);
  });
});

describe("POST …/retry", () => {
  it("asks the controller and answers where the application stands", async () => {
    await using api = await startWithRevisions();
    const { status, json } = await post(api, "retry");
    expect([status, json.status, json.name]).toEqual([200, "RUNNING", "a"]);
    expect(called(api, "retry")).toEqual([{ application: "a", actor: "admin" }]);
  });
});

describe("windlass.v1.ApplicationService", () => {
  it("lists revisions page by page, newest first", async () => {
    await using api = await startWithRevisions();
    const client = clientOf(api);
    const seen: bigint[] = [];
    let pageToken = "";
    do {
      const page = await client.listRevisions({ parent: "applications/a", pageSize: 2, pageToken });
      seen.push(...page.revisions.map(({ number }) => number));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual([3n, 2n, 1n]);
    const [newest] = (await client.listRevisions({ parent: "applications/a" })).revisions;
    expect(newest).toMatchObject({
      name: "applications/a/revisions/3",
      state: Revision_State.RUNNING,
      cause: Revision_Cause.AUTO_ROLLBACK,
      rollbackOf: 1n,
      codeHash: "hash",
    });
    expect((await client.getApplication({ name: "applications/a" })).application?.revision).toBe(3n);
    const viewer = (await clientOf(api, api.tokens.viewer).listRevisions({ parent: "applications/a" })).revisions[0]!;
    expect(JSON.stringify(viewer.config?.runtimeEnv)).not.toContain("s3cret");
  });

  it("rolls back and retries, and refuses what REST refuses", async () => {
    await using api = await startWithRevisions();
    const client = clientOf(api);
    const name = "applications/a";
    const answer = await client.rollbackApplication({ name, toRevision: 2n, reason: "slow", validateOnly: true });
    expect([answer.rolledBackTo, answer.application?.name]).toEqual([2n, name]);
    expect(called(api, "rollback")).toMatchObject([{ toRevision: 2, reason: "slow", validateOnly: true }]);
    expect((await client.retryApplication({ name })).application?.name).toBe(name);
    const codeOf = (call: Promise<unknown>): Promise<Code | undefined> =>
      call.then(
        () => undefined,
        (error: unknown) => ConnectError.from(error).code,
      );
    expect(await codeOf(client.rollbackApplication({ name, toRevision: -1n }))).toBe(Code.InvalidArgument);
    expect(await codeOf(client.rollbackApplication({ name, reason: "x".repeat(1025) }))).toBe(Code.InvalidArgument);
    expect(await codeOf(client.rollbackApplication({ name, etag: "old" }))).toBe(Code.Aborted);
    expect(await codeOf(client.listRevisions({ parent: "applications/nope" }))).toBe(Code.NotFound);
    const viewer = clientOf(api, api.tokens.viewer);
    expect(await codeOf(viewer.rollbackApplication({ name }))).toBe(Code.PermissionDenied);
    expect(await codeOf(viewer.retryApplication({ name }))).toBe(Code.PermissionDenied);
  });
});
