import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect, it } from "vitest";
import { DeploymentService, type WatchScalingDecisionsResponse } from "../../gen/windlass/v1/deployment_service_pb.ts";
import { createFeed } from "../../src/api/feed.ts";
import type { DecisionNews, ScalingDecision } from "../../src/controller/controller.ts";
import { keys } from "../../src/controller/records.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Op } from "../../src/store/store.ts";
import { ADMIN_TOKEN, startTestApi, type TestApi } from "../support/api-harness.ts";

const decisionOf = (result: number, shadow: boolean): ScalingDecision => ({
  atS: 1_700_000_000 + result,
  sinceS: 1_700_000_000 + result,
  turns: 1,
  policy: "built-in",
  running: 1,
  target: 1,
  totalRequests: result,
  load: { runningFrom: "handles", series: 2, oldestAgeS: 1.5, newestAgeS: 0.5 },
  desired: result,
  adjustments: [],
  result,
  withoutDelays: result,
  keptBecause: null,
  ...(shadow ? { shadow } : {}),
});

/** What the controller writes of decisions with these results. */
function told(application: string, deployment: string, results: readonly number[], shadow = false): Op {
  const news: DecisionNews = {
    application,
    deployment,
    decisions: results.map((result) => decisionOf(result, shadow)),
  };
  return { kind: "put", key: keys.decision(application, deployment, shadow), value: JSON.stringify(news) };
}

const gone = (application: string, deployment: string): Op => ({
  kind: "delete",
  key: keys.decision(application, deployment),
});

/** Changes no decision. */
const OTHER: Op = { kind: "put", key: keys.instance, value: "{}" };

const clientOf = (api: TestApi, token: string = ADMIN_TOKEN) =>
  createClient(
    DeploymentService,
    createConnectTransport({
      baseUrl: `http://127.0.0.1:${api.port}`,
      httpVersion: "1.1",
      interceptors: [
        (next) => (request) => {
          request.header.set("Authorization", `Bearer ${token}`);
          return next(request);
        },
      ],
    }),
  );

/** "3 a/D 4", "3 synced", "4 deleted a/D", "4 progress" */
function line({ revision, decision, name, deleted, synced }: WatchScalingDecisionsResponse): string {
  const short = (resource: string): string =>
    resource.replace("applications/", "").replace("/deployments/", "/").replaceAll("%20", " ");
  if (decision !== undefined) return `${revision} ${short(name)} ${decision.result}${decision.shadow ? " shadow" : ""}`;
  if (deleted !== "") return `${revision} deleted ${short(deleted)}`;
  return `${revision} ${synced ? "synced" : "progress"}`;
}

type Watch = Parameters<ReturnType<typeof clientOf>["watchScalingDecisions"]>[0];

/** A client's watch, read line by line. */
function open(api: TestApi, request: Watch, token?: string) {
  const leave = new AbortController();
  const stream = clientOf(api, token).watchScalingDecisions(request, { signal: leave.signal })[Symbol.asyncIterator]();
  return {
    async take(count: number): Promise<string[]> {
      const lines: string[] = [];
      while (lines.length < count) {
        const result = await stream.next();
        if (result.done) throw new Error(`the watch ended after ${JSON.stringify(lines)}`);
        lines.push(line(result.value));
      }
      return lines;
    },
    leave: () => leave.abort(),
  };
}

/** Decisions on three deployments of two applications, at revision 3; `Da` begins as `D` does. */
const SEED: readonly Op[] = [
  told("a", "D", [1, 2]),
  told("a", "Da", [3]),
  told("b c", "D", [4]),
  told("a", "D", [7], true),
];

async function start(): Promise<TestApi & { seeded: number }> {
  const api = await startTestApi({ seed: [] });
  return { ...api, seeded: await api.write(...SEED), [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

describe("a watch of scaling decisions", () => {
  it.each([
    { name: "applications/-", lines: ["a/D 2", "a/Da 3", "b c/D 4"] },
    { name: "applications/-/deployments/-", lines: ["a/D 2", "a/Da 3", "b c/D 4"] },
    { name: "applications/a", lines: ["a/D 2", "a/Da 3"] },
    { name: "applications/b%20c/deployments/-", lines: ["b c/D 4"] },
    { name: "applications/a/deployments/D", lines: ["a/D 2"] },
    { name: "applications/a/deployments/D", shadow: true, lines: ["a/D 7 shadow"] },
    { name: "applications/b%20c", shadow: true, lines: [] },
    { name: "applications/nobody", lines: [] },
  ])("of $name (shadow: $shadow) begins with the newest of each, then synced", async ({ name, shadow, lines }) => {
    await using api = await start();
    const watch = open(api, { name, shadow: shadow ?? false });
    expect(await watch.take(lines.length + 1)).toEqual([...lines, "synced"].map((one) => `${api.seeded} ${one}`));
    watch.leave();
  });

  it("tells each decision in scope and none else, several of one revision in order, and who is decided on no more", async () => {
    await using api = await start();
    const watch = open(api, { name: "applications/a/deployments/D" });
    await watch.take(2);
    const revision = await api.write(told("a", "D", [5, 6, 5]), told("a", "Da", [9]), told("a", "D", [8], true));
    await api.write(told("b c", "D", [9]), OTHER);
    await api.write(gone("a", "D"));
    await api.write(told("a", "D", [1]));
    expect(await watch.take(5)).toEqual([
      `${revision} a/D 5`,
      `${revision} a/D 6`,
      `${revision} a/D 5`,
      `${revision + 2} deleted a/D`,
      `${revision + 3} a/D 1`,
    ]);
    watch.leave();
  });

  it("resumes after a revision, without gap or duplicate, what was deleted meanwhile among it", async () => {
    await using api = await start();
    const first = open(api, { name: "applications/-" });
    await first.take(4);
    const revision = await api.write(told("a", "D", [5]));
    expect(await first.take(1)).toEqual([`${revision} a/D 5`]);
    first.leave();
    await api.write(told("b c", "D", [6, 7]));
    await api.write(gone("a", "Da"));
    const second = open(api, { name: "applications/-", startRevision: BigInt(revision) });
    expect(await second.take(4)).toEqual([
      `${revision} progress`,
      `${revision + 1} b c/D 6`,
      `${revision + 1} b c/D 7`,
      `${revision + 2} deleted a/Da`,
    ]);
    second.leave();
  });

  it("cannot be resumed where the history is compacted, and says to begin again", async () => {
    await using api = await start();
    await api.write(OTHER);
    await api.write(OTHER);
    await api.store.compact(api.seeded + 1);
    const error = await open(api, { name: "applications/-", startRevision: BigInt(api.seeded) })
      .take(1)
      .catch((cause: unknown) => ConnectError.from(cause));
    expect(error).toMatchObject({ code: Code.OutOfRange });
    expect(String((error as ConnectError).rawMessage)).toContain("compacted");
  });

  it("is cut with OUT_OF_RANGE where its reader falls behind the history, whose writer never waits", async () => {
    const store = createMemoryStore({ watchLimits: { queuedBatches: 2, pageRevisions: 2 } });
    const write = async (op: Op): Promise<unknown> => store.txn([], [op]);
    const reader = createFeed(store, systemClock).watchDecisions(
      { scope: { under: undefined, shadow: false }, startRevision: 0 },
      new AbortController().signal,
    );
    expect((await reader.next()).value).toMatchObject({ event: { case: "synced" } });
    // It waits for news, and takes no more than the first.
    const first = reader.next();
    for (let result = 0; result < 20; result++) await write(told("a", "D", [result]));
    await store.compact(store.revision);
    expect((await first).value).toMatchObject({ event: { case: "decision", value: { result: 0 } } });
    const rest = async (): Promise<number[]> => {
      const results: number[] = [];
      for await (const { event } of reader) if (event?.case === "decision") results.push(event.value.result);
      return results;
    };
    await expect(rest()).rejects.toMatchObject({ compactedRevision: store.revision });
  });

  it("says which revision it has reached as often as it was asked to, whatever happens elsewhere", async () => {
    await using api = await start();
    const request = { name: "applications/a/deployments/D", progressInterval: { seconds: 0n, nanos: 100_000_000 } };
    const watch = open(api, request);
    await watch.take(2);
    let revision = 0;
    const lines: string[] = [];
    const heard = watch.take(3).then((all) => lines.push(...all));
    while (lines.length === 0) {
      // Its key begins as that of D.
      revision = await api.write(told("a", "Da", [revision]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await heard;
    expect(lines.every((one) => one.endsWith("progress"))).toBe(true);
    expect(Number(lines.at(-1)!.split(" ")[0])).toBeGreaterThan(api.seeded);
    expect(Number(lines.at(-1)!.split(" ")[0])).toBeLessThanOrEqual(revision);
    watch.leave();
  });

  it.each([
    { request: { name: "a" }, code: Code.InvalidArgument, says: "applications/-" },
    { request: { name: "applications/-/deployments/D" }, code: Code.InvalidArgument, says: "applications/-" },
    {
      request: { name: "applications/a/deployments/D/replicas/r" },
      code: Code.InvalidArgument,
      says: "applications/-",
    },
    { request: { name: "applications/a", startRevision: -1n }, code: Code.InvalidArgument, says: ">= 0" },
    {
      request: { name: "applications/a", progressInterval: { seconds: 60n, nanos: 0 } },
      code: Code.InvalidArgument,
      says: "progress_interval",
    },
  ])("is refused as $request", async ({ request, code, says }) => {
    await using api = await start();
    const error = await open(api, request)
      .take(1)
      .catch((cause: unknown) => ConnectError.from(cause));
    expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
  });

  it("of all needs a token for all, of one application one for it", async () => {
    await using api = await start();
    const refused = await open(api, { name: "applications/-" }, api.tokens.scaler)
      .take(1)
      .catch((cause: unknown) => ConnectError.from(cause));
    expect(refused).toMatchObject({ code: Code.PermissionDenied });
    const own = open(api, { name: "applications/a/deployments/Da" }, api.tokens.scaler);
    expect(await own.take(1)).toEqual([`${api.seeded} a/Da 3`]);
    own.leave();
  });
});
