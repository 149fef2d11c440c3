// The client for browsers, in one, from a page of another origin: over CORS, through an intermediary that cuts.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Lab, startLab } from "../clients/lab.ts";
import { eventually } from "../support/windlass.ts";
import { bundlePage, launch, type OpenPage, openPage, servePage } from "./chromium.ts";
import type { Told, Way } from "./page.ts";

const INSTALL_TIMEOUT_MS = 300_000;
const FEED = "applications/feed/deployments/Waiter";

let browser: Browser;
let bundle: Awaited<ReturnType<typeof bundlePage>>;
let site: Awaited<ReturnType<typeof servePage>>;
let lab: Lab;
let page: OpenPage;
const atEnd: (() => unknown)[] = [];

beforeAll(async () => {
  bundle = await bundlePage();
  site = await servePage(bundle.script);
  atEnd.push(() => site.close());
  browser = await launch();
  atEnd.push(() => browser.close());
  lab = await startLab({ flags: ["--allowed-origin", site.origin], atEnd: (end) => void atEnd.push(end) });
  page = await openPage(browser, site.origin);
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  for (const end of atEnd.reverse()) await end();
});

const WAYS = [
  { name: "the Connect protocol", protocol: "connect", via: "rpc" },
  { name: "gRPC-web", protocol: "grpc-web", via: "rpc" },
  { name: "server-sent events", protocol: "connect", via: "sse" },
] as const;
const CALLS = WAYS.filter(({ via }) => via === "rpc");

function way(protocol: Way["protocol"] = "connect", token: string = lab.windlass.token): Way {
  return { address: lab.env["WINDLASS_ADDRESS"]!, token, protocol };
}

async function ask(path: string): Promise<{ first: number; last: number }> {
  const response = await fetch(lab.env["WINDLASS_LAB"] + path, { method: "POST" });
  expect(response.status).toBe(200);
  return (await response.json()) as { first: number; last: number };
}

/** What a watch told of the targets' reasons, each once where it repeats itself. */
function reasonsOf(told: readonly Told[]): string[] {
  const reasons = told.filter(({ name }) => name === FEED).map(({ reason }) => reason);
  return reasons.filter((reason, i) => reason !== reasons[i - 1]);
}

it("the bundle of a page needs nothing of Node", () => {
  const imports = Object.values(bundle.metafile.outputs).flatMap((output) => output.imports);
  expect(imports).toEqual([]);
  const inputs = Object.keys(bundle.metafile.inputs);
  expect(inputs.some((path) => path.endsWith("dist/client/web.js"))).toBe(true);
  expect(bundle.script).not.toMatch(/["']node:/);
});

describe.each(CALLS)("a page of another origin, over $name,", ({ protocol }) => {
  it("reads", async () => {
    expect(await page.call("applications", way(protocol))).toEqual(["applications/feed", "applications/plain"]);
  });

  it("writes", async () => {
    expect(await page.call("scale", way(protocol), FEED, 2)).toMatchObject({ ok: true });
  });

  it("is told why a call failed", async () => {
    const outcome = await page.call("read", way(protocol), "nope");
    expect(outcome).toMatchObject({ ok: false, reason: "NOT_FOUND" });
    expect(outcome.message).toContain("nope");
  });

  it("gets nowhere without a token", async () => {
    for (const token of ["", "nobody"]) {
      const refused = { ok: false, reason: "UNAUTHENTICATED" };
      expect(await page.call("read", way(protocol, token), "feed")).toMatchObject(refused);
      expect(await page.call("scale", way(protocol, token), FEED, 1)).toMatchObject(refused);
    }
  });
});

describe.each(WAYS)("a page's watch, by $name,", ({ protocol, via }) => {
  it("tells what is, synced, then each change, over cuts without a gap or a repeat", async () => {
    const number = await page.call("watch", way(protocol), "applications/feed", via, 1_000);
    const told = () => page.call("told", number);
    await eventually(async () => (await told()).some(({ kind }) => kind === "synced"));
    const before = reasonsOf(await told()).length;
    const writing = ask("/write?count=40&pause_ms=20");
    for (let cut = 0; cut < 3; cut++) {
      const seen = (await told()).length;
      await eventually(async () => (await told()).length > seen + 2);
      await ask("/cut");
    }
    const { first, last } = await writing;
    await eventually(async () => reasonsOf(await told()).at(-1) === `write ${last}`);
    const wanted = Array.from({ length: last - first + 1 }, (_, i) => `write ${first + i}`);
    expect(reasonsOf(await told()).slice(before)).toEqual(wanted);
    expect((await told()).filter(({ kind }) => kind === "reset")).toHaveLength(1);
    expect(await page.call("end", number)).toMatchObject({ ok: true });
  });

  it("begins anew where history is gone", async () => {
    const number = await page.call("watch", way(protocol), "applications/feed", via, 1_000);
    const kinds = async () => (await page.call("told", number)).map(({ kind }) => kind);
    await eventually(async () => (await kinds()).includes("synced"));
    await ask("/admit?how=refuse");
    await ask("/cut");
    await ask("/compact");
    await ask("/admit?how=forward");
    await eventually(async () => (await kinds()).filter((kind) => kind === "synced").length === 2);
    expect((await kinds()).filter((kind) => kind === "reset")).toHaveLength(2);
    expect(await page.call("end", number)).toMatchObject({ ok: true });
  });

  it("notices a connection that is half-open", async () => {
    const number = await page.call("watch", way(protocol), "applications/feed", via, 300);
    const told = () => page.call("told", number);
    await eventually(async () => (await told()).some(({ kind }) => kind === "synced"));
    await ask("/freeze");
    const { last } = await ask("/write?count=1");
    await eventually(async () => reasonsOf(await told()).at(-1) === `write ${last}`);
    expect((await told()).filter(({ kind }) => kind === "reset")).toHaveLength(1);
    expect(await page.call("end", number)).toMatchObject({ ok: true });
    // What else was open then is dead, too.
    await ask("/cut");
  });

  it("gives up at once without a token", async () => {
    expect(await page.call("firstOf", way(protocol, "nobody"), via)).toMatchObject({
      ok: false,
      reason: "UNAUTHENTICATED",
    });
  });
});

it("a page reads the headers that matter over REST, and is refused without a token", async () => {
  const url = `${lab.env["WINDLASS_ADDRESS"]}/api/v1/applications/feed`;
  const headers = { authorization: `Bearer ${lab.windlass.token}` };
  const { status, headers: read, text } = await page.call("fetch", url, { headers });
  expect(status).toBe(200);
  expect(read["etag"]).toContain((JSON.parse(text) as { etag: string }).etag);
  const patch = { method: "PATCH", headers, body: JSON.stringify({ route_prefix: null }) };
  const patched = await page.call("fetch", `${url}?validate_only=true`, {
    ...patch,
    headers: { ...headers, "content-type": "application/merge-patch+json" },
  });
  expect(patched.status).toBe(200);
  expect(patched.headers["x-windlass-warnings"] ?? patched.text).toContain("route_prefix");
  expect((await page.call("fetch", url, {})).status).toBe(401);
});

it("a page of an origin that is not allowed is told so, and its console shows 403", async () => {
  const stranger = await openPage(browser, site.otherOrigin);
  const told = { ok: false, message: expect.stringContaining("start with --allowed-origin to allow it") };
  for (const { protocol } of CALLS) {
    const refused = { ...told, reason: "ORIGIN_DENIED" };
    expect(await stranger.call("read", way(protocol), "feed")).toMatchObject(refused);
    expect(await stranger.call("scale", way(protocol), FEED, 1)).toMatchObject(refused);
    expect(await stranger.call("firstOf", way(protocol), "rpc")).toMatchObject(refused);
  }
  expect(await stranger.call("firstOf", way(), "sse")).toMatchObject(told);
  expect(stranger.console.filter((line) => line.includes("403 (Forbidden)")).length).toBeGreaterThan(0);
});

it("the page's console shows no request that the browser blocked", () => {
  expect(page.console.filter((line) => /CORS|blocked|Refused/.test(line))).toEqual([]);
});
