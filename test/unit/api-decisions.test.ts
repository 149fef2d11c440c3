import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { DeploymentService } from "../../gen/windlass/v1/deployment_service_pb.ts";
import type { ScalingDecision } from "../../src/controller/controller.ts";
import { ADMIN_TOKEN, ask, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, put } from "../support/fake-controller.ts";

const AT_S = 1_700_000_000;
const PATH = "/api/v1/applications/a/deployments/Echo/decisions";
const NAME = "applications/a/deployments/Echo";

const decisionOf = (atS: number, result: number): ScalingDecision => ({
  atS: atS + 3,
  sinceS: atS,
  turns: 30,
  policy: "built-in",
  running: 1,
  target: 1,
  totalRequests: 5.5,
  load: { runningFrom: "handles", series: 2, oldestAgeS: 1.5, newestAgeS: 0.5 },
  desired: 2.75,
  adjustments: [
    { kind: "factor", factor: 1, from: 2.75, to: 3 },
    { kind: "delay", direction: "up", delayS: 30, leftS: 12, from: 3, to: result },
  ],
  result,
  withoutDelays: 3,
  keptBecause: null,
});

async function start(): Promise<{ api: TestApi; asked: unknown[] }> {
  const api = await startTestApi();
  await api.write(put.application(applicationRecord("a")), put.deployment(deploymentRecord("a", "Echo")));
  api.controller.decisions = async (_application, _deployment, shadow) =>
    shadow ? [{ ...decisionOf(AT_S, 7), shadow }] : [decisionOf(AT_S + 10, 1), decisionOf(AT_S, 2)];
  const asked: unknown[] = [];
  api.controller.decisionAt = async (...of) => {
    asked.push(of);
    return of[2] < AT_S ? undefined : decisionOf(AT_S, 2);
  };
  return { api, asked };
}

const clientOf = (api: TestApi) =>
  createClient(
    DeploymentService,
    createConnectTransport({
      baseUrl: `http://127.0.0.1:${api.port}`,
      httpVersion: "1.1",
      interceptors: [
        (next) => (request) => {
          request.header.set("Authorization", `Bearer ${ADMIN_TOKEN}`);
          return next(request);
        },
      ],
    }),
  );

describe("the decisions on a deployment", () => {
  it("are listed over REST, newest first, with each step", async () => {
    const { api } = await start();
    const answer = await ask(api.port, { token: ADMIN_TOKEN, path: PATH });
    expect(answer.status).toBe(200);
    const { decisions } = JSON.parse(answer.text) as { decisions: Record<string, unknown>[] };
    expect(decisions.map(({ since_s }) => since_s)).toEqual([AT_S + 10, AT_S]);
    expect(decisions[1]).toEqual({
      time_s: AT_S + 3,
      since_s: AT_S,
      turns: 30,
      policy: "built-in",
      running_replicas: 1,
      target_replicas: 1,
      total_requests: 5.5,
      running_from: "handles",
      series: 2,
      oldest_age_s: 1.5,
      newest_age_s: 0.5,
      desired: 2.75,
      adjustments: [
        { kind: "factor", factor: 1, from: 2.75, to: 3 },
        { kind: "delay", direction: "up", delay_s: 30, left_s: 12, from: 3, to: 2 },
      ],
      result: 2,
      without_delays: 3,
      kept_because: "",
      shadow: false,
    });
  });

  it.each([
    { at: String(AT_S + 9.5), atS: AT_S + 9.5, held: [2] },
    { at: "2023-11-14T22:13:31Z&shadow=true", atS: AT_S + 11, shadow: true, held: [2] },
    { at: String(AT_S - 1), atS: AT_S - 1, held: [] },
  ])("are asked for by the moment $at", async ({ at, atS, shadow = false, held }) => {
    const { api, asked } = await start();
    const { text } = await ask(api.port, { token: ADMIN_TOKEN, path: `${PATH}?at=${at}` });
    const { decisions } = JSON.parse(text) as { decisions: { result: number }[] };
    expect(decisions.map(({ result }) => result)).toEqual(held);
    const atTime = timestampFromMs(atS * 1_000);
    const answer = await clientOf(api).listScalingDecisions({ name: NAME, atTime, shadow });
    expect(answer.decisions.map(({ result }) => result)).toEqual(held);
    expect(asked).toEqual([
      ["a", "Echo", atS, shadow],
      ["a", "Echo", atS, shadow],
    ]);
  });

  it("are a shadow's where that is asked for, over REST and Connect", async () => {
    const { api } = await start();
    const { text } = await ask(api.port, { token: ADMIN_TOKEN, path: `${PATH}?shadow=true` });
    expect(JSON.parse(text)).toMatchObject({ decisions: [{ result: 7, shadow: true }] });
    const wrong = await ask(api.port, { token: ADMIN_TOKEN, path: `${PATH}?shadow=maybe` });
    expect([wrong.status, wrong.text]).toEqual([400, expect.stringContaining("shadow")]);
    const client = clientOf(api);
    const { decisions } = await client.listScalingDecisions({ name: NAME, shadow: true });
    expect(decisions.map(({ result, shadow }) => [result, shadow])).toEqual([[7, true]]);
  });

  it("are refused by name and by a moment that is none", async () => {
    const { api } = await start();
    const unknown = await ask(api.port, { token: ADMIN_TOKEN, path: PATH.replace("Echo", "Nobody") });
    expect(unknown.status).toBe(404);
    const never = await ask(api.port, { token: ADMIN_TOKEN, path: `${PATH}?at=noon` });
    expect([never.status, never.text]).toEqual([400, expect.stringContaining("ISO 8601")]);
  });

  it("come in pages over Connect", async () => {
    const { api } = await start();
    const client = clientOf(api);
    const first = await client.listScalingDecisions({ name: NAME, pageSize: 1 });
    expect(first.decisions.map(({ result }) => result)).toEqual([1]);
    const rest = await client.listScalingDecisions({ name: NAME, pageSize: 1, pageToken: first.nextPageToken });
    expect(rest.decisions.map(({ result, desired, keptBecause }) => [result, desired, keptBecause])).toEqual([
      [2, 2.75, ""],
    ]);
    expect(rest.nextPageToken).toBe("");
  });
});

describe("the recorded load of a deployment", () => {
  const load = {
    fromS: AT_S,
    toS: AT_S + 60,
    requests: { timesS: [AT_S, AT_S + 9.5], values: [4, 0] },
    replicas: { timesS: [AT_S], target: [2], running: [1] },
  };

  it("is told between two moments", async () => {
    const { api } = await start();
    const asked: number[] = [];
    api.controller.recordedLoad = (_application, _deployment, fromS, toS) => {
      asked.push(fromS, toS);
      return load;
    };
    const client = clientOf(api);
    const startTime = timestampFromMs(AT_S * 1_000);
    const endTime = timestampFromMs((AT_S + 60) * 1_000);
    expect(await client.getRecordedLoad({ name: NAME, startTime, endTime })).toMatchObject({
      startTimeS: AT_S,
      endTimeS: AT_S + 60,
      requestTimesS: [AT_S, AT_S + 9.5],
      requests: [4, 0],
      replicaTimesS: [AT_S],
      targetReplicas: [2],
      runningReplicas: [1],
    });
    await client.getRecordedLoad({ name: NAME });
    expect(asked).toEqual([AT_S, AT_S + 60, 0, Number.POSITIVE_INFINITY]);
  });

  it("is NOT_FOUND where there is no deployment, or nothing of that time", async () => {
    const { api } = await start();
    const client = clientOf(api);
    for (const name of [NAME, "applications/a/deployments/Nobody"]) {
      const error = await client.getRecordedLoad({ name }).catch((cause) => ConnectError.from(cause));
      expect(error).toMatchObject({ code: Code.NotFound });
    }
  });
});
