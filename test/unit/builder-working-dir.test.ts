import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { ZIP_LIMITS, type ZipLimits } from "../../src/builder/limits.ts";
import { fetchWorkingDirs } from "../../src/builder/working-dir.ts";
import { systemClock } from "../../src/core/system-clock.ts";
import { serve } from "../support/file-server.ts";
import { tempDir } from "../support/temp-dir.ts";
import { zipOf } from "../support/zip.ts";

const ZIP = zipOf({ "app.ts": "export const app = 1;" });
const HASH = createHash("sha256").update(ZIP).digest("hex");

async function fetchOne(uri: string, folder = tempDir(), limits: Partial<ZipLimits> = {}) {
  const found = await fetchWorkingDirs([uri], folder, { clock: systemClock, limits: { ...ZIP_LIMITS, ...limits } });
  return found[uri]!;
}

/** What is wrong, in one line that begins with the URI. */
async function errorOf(uri: string, limits: Partial<ZipLimits> = {}): Promise<string> {
  const folder = tempDir();
  const error = await fetchOne(uri, folder, limits).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  const { message } = error as Error;
  expect(message).not.toContain("\n");
  expect(readdirSync(folder)).toEqual([]);
  return message;
}

describe("a working dir", () => {
  it("is fetched over http and lies under the hash of the zip", async () => {
    const { url } = await serve((_request, response) => response.end(ZIP));
    const folder = tempDir();
    expect(await fetchOne(`${url}/x.zip`, folder)).toEqual({ path: join(folder, HASH), hash: HASH });
    expect(readFileSync(join(folder, HASH, "app.ts"), "utf8")).toBe("export const app = 1;");
    expect(readdirSync(folder)).toEqual([HASH]);
  });

  it("is read from a file, anew each time", async () => {
    const folder = tempDir();
    const uri = pathToFileURL(join(folder, "my app.zip")).href;
    writeFileSync(join(folder, "my app.zip"), ZIP);
    expect((await fetchOne(uri, join(folder, "w"))).hash).toBe(HASH);
    writeFileSync(join(folder, "my app.zip"), zipOf({ "app.ts": "2" }));
    expect((await fetchOne(uri, join(folder, "w"))).hash).not.toBe(HASH);
  });

  it("is fetched by many at once, and is whole for each", async () => {
    const { url } = await serve((_request, response) => response.end(ZIP));
    const folder = tempDir();
    const found = await Promise.all(Array.from({ length: 8 }, (_, i) => fetchOne(`${url}/${i}`, folder)));
    for (const { path } of found) expect(readdirSync(path)).toEqual(["app.ts"]);
    expect(readdirSync(folder)).toEqual([HASH]);
  });

  it("is not sent again by a server that has an ETag, until it changes or is gone here", async () => {
    let zip = ZIP;
    const { url, asked } = await serve((request, response) => {
      const etag = `"${zip.length}"`;
      const same = request.headers["if-none-match"] === etag;
      response.writeHead(same ? 304 : 200, { etag }).end(same ? undefined : zip);
    });
    const folder = tempDir();
    const hashes = [await fetchOne(url, folder), await fetchOne(url, folder)].map(({ hash }) => hash);
    zip = zipOf({ "app.ts": "a longer text" });
    const third = await fetchOne(url, folder);
    rmSync(third.path, { recursive: true });
    const fourth = await fetchOne(url, folder);
    expect(hashes).toEqual([HASH, HASH]);
    expect(third.hash).not.toBe(HASH);
    expect(fourth).toEqual(third);
    expect(existsSync(fourth.path)).toBe(true);
    expect(asked.map(({ status }) => status)).toEqual([200, 304, 200, 200]);
  });

  it("is fetched again where the ETag is weak: it may stand for other bytes", async () => {
    const { url, asked } = await serve((_request, response) => response.writeHead(200, { etag: 'W/"1"' }).end(ZIP));
    const folder = tempDir();
    await fetchOne(url, folder);
    await fetchOne(url, folder);
    expect(asked.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, undefined]);
  });

  it("may be at the end of redirects; credentials stay with the first server", async () => {
    const second = await serve((_request, response) => response.end(ZIP));
    const first = await serve((request, response) => {
      if (request.url === "/a") response.writeHead(302, { location: "/b" }).end("moved");
      else response.writeHead(307, { location: `${second.url}/c?signature=1` }).end();
    });
    expect((await fetchOne(first.url.replace("//", "//user:p%40ss@").concat("/a"))).hash).toBe(HASH);
    const basic = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
    expect(first.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/a", basic],
      ["/b", basic],
    ]);
    expect(second.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/c?signature=1", undefined],
    ]);
  });
});

describe("a working dir that cannot be had fails in one line and leaves nothing", () => {
  type Answer = (request: IncomingMessage, response: ServerResponse) => void;
  it.each<[string, Answer, RegExp, Partial<ZipLimits>?]>([
    [
      "404",
      (_, response) => response.writeHead(404).end("no"),
      /x\.zip: the server answered 404 Not Found; is the URL right\?$/,
    ],
    ["403", (_, response) => response.writeHead(403).end(), /403 Forbidden; are the credentials in the URL right\?$/],
    ["500", (_, response) => response.writeHead(500).end(), /the server answered 500 Internal Server Error$/],
    ["no content", (_, response) => response.writeHead(204).end(), /answered 204/],
    ["an unasked 304", (_, response) => response.writeHead(304).end(), /answered 304/],
    ["something else than a zip", (_, response) => response.end("<html>"), /is not a zip, or a damaged one: /],
    ["an escape", (_, response) => response.end(zipOf([{ name: "../x", data: "1" }])), /would lie outside/],
    [
      "a length over the limit",
      (_, response) => response.writeHead(200, { "content-length": 5000 }).write("x"),
      /is larger than the limit of 1000 bytes: leave out/,
      { zipBytes: 1000 },
    ],
    [
      "an endless answer",
      (_, response) => void setInterval(() => response.write(Buffer.alloc(400)), 1).unref(),
      /is larger than the limit of 1000 bytes/,
      { zipBytes: 1000 },
    ],
    ["a server that says nothing", () => {}, /the server was silent for 0\.1 s$/, { silenceMs: 100 }],
    ["a server that stops", (_, response) => response.write("PK"), /silent for 0\.1 s$/, { silenceMs: 100 }],
    [
      "a server that is slow",
      (_, response) => void setInterval(() => response.write("P"), 5).unref(),
      /took longer than 0\.2 s to download$/,
      { downloadMs: 200 },
    ],
    [
      "an answer that is cut",
      (_, response) => {
        response.writeHead(200, { "content-length": 100 }).write("PK");
        setImmediate(() => response.destroy());
      },
      /cannot be fetched: /,
    ],
    [
      "a circle of redirects",
      (_, response) => response.writeHead(302, { location: "/x" }).end(),
      /redirects more than 5 times$/,
    ],
    [
      "a redirect to a file",
      (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
      /redirects to something/,
    ],
  ])("%s", async (_name, answer, message, limits) => {
    const { url } = await serve(answer);
    const error = await errorOf(`${url}/x.zip`, limits);
    expect(error).toMatch(message);
    expect(error.startsWith(`runtime_env.working_dir ${url}/x.zip: `)).toBe(true);
  });

  it("without telling what is secret in the URI", async () => {
    const { url } = await serve((_request, response) => response.writeHead(401).end());
    const error = await errorOf(`${url.replace("//", "//me:hunter2@")}/x.zip?token=s3cret`);
    expect(error).toMatch(/^runtime_env\.working_dir http:\/\/<redacted>@127\.0\.0\.1:\d+\/x\.zip\?<redacted>: .*401/);
    expect(error).not.toMatch(/hunter2|s3cret/);
  });

  it.each<[string, (folder: string) => string, RegExp]>([
    ["no server", () => "http://127.0.0.1:2/x.zip", /cannot be fetched: connect ECONNREFUSED/],
    ["no such file", (folder) => pathToFileURL(join(folder, "x.zip")).href, /: no such file$/],
    ["a folder", (folder) => pathToFileURL(folder).href, /: is not a file$/],
    ["another scheme", () => "s3://bucket/x.zip", /must be an http:\/\/, https:\/\/ or file:\/\/ URI of a zip$/],
  ])("%s", async (_name, uri, message) => {
    const folder = tempDir();
    mkdirSync(join(folder, "w"));
    expect(await errorOf(uri(folder))).toMatch(message);
  });

  it("says which of several it was", async () => {
    const { url } = await serve((request, response) =>
      request.url === "/bad" ? response.writeHead(404).end() : response.end(ZIP),
    );
    const all = fetchWorkingDirs([`${url}/good`, `${url}/bad`], tempDir(), { clock: systemClock, limits: ZIP_LIMITS });
    await expect(all).rejects.toThrow(/\/bad: the server answered 404/);
  });
});
