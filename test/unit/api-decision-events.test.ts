import { describe, expect, it } from "vitest";
import { createClient, type WatchEvent } from "../../src/client/index.ts";
import type { ScalingDecision } from "../../src/controller/controller.ts";
import { keys } from "../../src/controller/records.ts";
import type { Op } from "../../src/store/store.ts";
import { startTestApi, type TestApi } from "../support/api-harness.ts";

function told(application: string, results: readonly number[], shadow = false): Op {
  const decisions = results.map(
    (result): ScalingDecision => ({
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
    }),
  );
  const value = JSON.stringify({ application, deployment: "Echo", decisions });
  return { kind: "put", key: keys.decision(application, "Echo", shadow), value };
}

/** What a watch by server-sent events tells until there are so many events. */
async function read(
  api: TestApi,
  request: { name?: string; shadow?: boolean; startRevision?: bigint },
  count: number,
  then: (api: TestApi) => Promise<unknown> = async () => {},
) {
  using client = createClient({ address: `http://127.0.0.1:${api.port}`, token: api.tokens.viewer });
  const events: string[] = [];
  const textOf = (event: WatchEvent<{ result: number }>): string =>
    event.kind === "updated" ? `${event.name} ${event.resource.result}` : event.kind;
  for await (const event of client.watch.scalingDecisions(request, { via: "sse" })) {
    events.push(textOf(event as WatchEvent<never>));
    if (event.kind === "synced") await then(api);
    if (events.length === count) break;
  }
  return events;
}

const ECHO = "applications/a/deployments/Echo";

describe("scaling decisions as server-sent events", () => {
  it("are the newest, synced, then each one, also several of one deployment at once", async () => {
    await using api = await startTestApi();
    await api.write(told("a", [1, 2]));
    const more = (): Promise<number> => api.write(told("a", [3, 4, 4]));
    expect(await read(api, { name: ECHO }, 6, more)).toEqual([
      "reset",
      `${ECHO} 2`,
      "synced",
      `${ECHO} 3`,
      `${ECHO} 4`,
      `${ECHO} 4`,
    ]);
  });

  it("are resumed after a revision, and kept to the application or the shadow that is asked for", async () => {
    await using api = await startTestApi();
    const from = await api.write(told("a", [1]));
    await api.write(told("b", [5]));
    await api.write(told("a", [2]));
    await api.write(told("a", [7], true));
    expect(await read(api, { name: "applications/a", startRevision: BigInt(from) }, 1)).toEqual([`${ECHO} 2`]);
    expect(await read(api, { shadow: true }, 3)).toEqual(["reset", `${ECHO} 7`, "synced"]);
    expect(await read(api, {}, 4)).toEqual(["reset", `${ECHO} 2`, "applications/b/deployments/Echo 5", "synced"]);
  });

  it("name their events, and only the last of a revision has an id", async () => {
    await using api = await startTestApi();
    const revision = await api.write(told("a", [1]));
    const left = new AbortController();
    const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/watch?feed=decisions&name=${ECHO}`, {
      headers: { authorization: `Bearer ${api.tokens.scaler}` },
      signal: left.signal,
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("synced")) text += (await reader.read()).value;
    left.abort();
    expect(text.split("\n\n").map((event) => event.replace(/^data: .*$/m, "data"))).toEqual([
      "retry: 1000",
      "event: decision\ndata",
      `id: ${revision}\nevent: synced\ndata`,
      "",
    ]);
  });

  it.each([
    { query: "feed=nope", status: 400, says: 'feed "nope" is not known: send resources or decisions' },
    { query: "feed=decisions&shadow=perhaps", status: 400, says: "must be true or false" },
    { query: "feed=decisions&name=nope", status: 400, says: "must be applications/{application}" },
    { query: "feed=decisions&since=-1", status: 400, says: "is not a revision" },
    { query: "feed=decisions&since=999999", status: 410, says: "999999" },
    { query: "feed=decisions&progress_interval_s=99", status: 400, says: 'progress_interval_s "99" must be' },
    { query: "progress_interval_s=soon", status: 400, says: '"soon" must be a number of seconds from 0.1 to 20' },
    { query: "progress_interval_s=", status: 400, says: 'progress_interval_s "" must be a number' },
  ])("are refused with $status for ?$query", async ({ query, status, says }) => {
    await using api = await startTestApi();
    const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/watch?${query}`, {
      headers: { authorization: `Bearer ${api.tokens.viewer}` },
    });
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(says);
  });

  it("of all applications are not for the scaler of one", async () => {
    await using api = await startTestApi();
    const headers = { authorization: `Bearer ${api.tokens.scaler}` };
    const response = await fetch(`http://127.0.0.1:${api.port}/api/v1/watch?feed=decisions`, { headers });
    expect(response.status).toBe(403);
  });

  it("are the only others that come so", async () => {
    using client = createClient({ address: "http://127.0.0.1:1", token: "" });
    expect(() => client.watch.replicas({}, { via: "sse" })).toThrow(/does not come as server-sent events/);
  });
});
