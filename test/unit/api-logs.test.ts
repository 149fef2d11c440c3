import { appendFileSync, rmSync, writeFileSync } from "node:fs";
import * as http from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LogCursor } from "../../src/api/log-cursor.ts";
import { keys } from "../../src/controller/records.ts";
import { replicaLogName } from "../../src/core/names.ts";
import { rotateClosed, rotateOpen } from "../../src/observability/rotate.ts";
import { ADMIN_TOKEN, ask, SEED, startTestApi, type TestApi } from "../support/api-harness.ts";
import { applicationRecord, deploymentRecord, put, replicaRecord } from "../support/fake-controller.ts";
import { tempDir } from "../support/temp-dir.ts";
import { eventually } from "../support/windlass.ts";

/** a/Echo has a running and an ended replica, a/Other one of its own, and b/Echo one that must never show up in a's. */
function logsOf() {
  const dir = tempDir();
  const write = (app: string, deployment: string, id: string, text: string): string => {
    const path = join(dir, replicaLogName(app, deployment, id));
    writeFileSync(path, text);
    return path;
  };
  write("a", "Echo", "dead1234", "early\n");
  const live = write("a", "Echo", "abcd1234", "one\ntwo\nthree\n");
  write("a", "Other", "efgh5678", "other\n");
  write("b", "Echo", "ijkl9012", "of b\n");
  write("secret", "Echo", "zzzz9999", "of nobody\n");
  const seed = [
    ...SEED,
    put.deployment(deploymentRecord("a", "Echo", { recentDead: [{ id: "dead1234", pid: 1, startedAt: 1 }] })),
    put.deployment(deploymentRecord("a", "Other")),
    put.replica(replicaRecord("a", "Other", "efgh5678")),
    put.replica(replicaRecord("b", "Echo", "ijkl9012")),
  ];
  const unique = new Map(seed.map((op) => [op.key, op]));
  return { dir, live, seed: [...unique.values()] };
}

describe("GET /api/v1/applications/{application}/logs", () => {
  const path = "/api/v1/applications/a/logs";
  const cases = [
    {
      name: "sends the last lines of each replica, ended ones first",
      query: "?lines=2",
      text: "Echo/dead1234 early\nEcho/abcd1234 two\nEcho/abcd1234 three\nOther/efgh5678 other\n",
    },
    { name: "sends those of one deployment", query: "?deployment=Other", text: "Other/efgh5678 other\n" },
    { name: "sends those of one replica", query: "?replica=dead1234", text: "Echo/dead1234 early\n" },
    { name: "sends none of 0 lines", query: "?lines=0&follow=false", text: "" },
  ];
  it.each(cases)("$name", async ({ query, text }) => {
    const { dir, seed } = logsOf();
    await using api = await startTestApi({ logsDir: dir, seed });
    for (const http2 of [false, true]) {
      const answer = await ask(api.port, { path: path + query, token: ADMIN_TOKEN, http2 });
      expect([answer.status, answer.text]).toEqual([200, text]);
      expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
    }
  });

  const refused = [
    { path: "/api/v1/applications/nope/logs", status: 404, error: 'there is no application "nope"' },
    { path: `${path}?deployment=Nope`, status: 404, error: 'there is no deployment "Nope" in application "a"' },
    { path: `${path}?replica=zzzz9999`, status: 404, error: "zzzz9999" },
    { path: `${path}?replica=ijkl9012`, status: 404, error: "ijkl9012" },
    { path: `${path}?replica=..%2F..%2Fadmin`, status: 404, error: "../../admin" },
    { path: `${path}?deployment=..%2FEcho`, status: 404, error: "../Echo" },
    { path: "/api/v1/applications/..%2Fsecret/logs", status: 404, error: "../secret" },
    { path: "/api/v1/applications/secret/logs", status: 404, error: "secret" },
    { path: `${path}?lines=-1`, status: 400, error: 'lines "-1"' },
    { path: `${path}?lines=1e9`, status: 400, error: "lines" },
    { path: `${path}?lines=100001`, status: 400, error: "100000" },
    { path: `${path}?follow=yes`, status: 400, error: 'follow "yes"' },
  ];
  it.each(refused)("$path is $status", async ({ path, status, error }) => {
    const { dir, seed } = logsOf();
    await using api = await startTestApi({ logsDir: dir, seed });
    const answer = await ask(api.port, { path, token: ADMIN_TOKEN });
    expect([answer.status, answer.json.error]).toEqual([status, expect.stringContaining(error)]);
  });

  it.each([
    { role: "viewer", status: 200 },
    { role: "deployer", status: 200 },
    { role: "scaler", status: 403 },
    { role: "derived", status: 403 },
    { role: undefined, status: 401 },
  ] as const)("$role gets $status", async ({ role, status }) => {
    const { dir, seed } = logsOf();
    await using api = await startTestApi({ logsDir: dir, seed });
    const token = role === undefined ? undefined : api.tokens[role];
    expect((await ask(api.port, { path, token })).status).toBe(status);
  });

  it("an application whose name holds separators reads its own files alone", async () => {
    const name = "../a_Echo";
    const dir = tempDir();
    const seed = [
      ...SEED,
      put.application(applicationRecord(name)),
      put.deployment(deploymentRecord(name, "D")),
      put.replica(replicaRecord(name, "D", "r1")),
    ];
    writeFileSync(join(dir, replicaLogName(name, "D", "r1")), "mine\n");
    await using api = await startTestApi({ logsDir: dir, seed });
    const answer = await ask(api.port, {
      path: `/api/v1/applications/${encodeURIComponent(name)}/logs`,
      token: ADMIN_TOKEN,
    });
    expect(answer.text).toBe("D/r1 mine\n");
  });

  it("without files, and for HEAD, the body is empty", async () => {
    await using api = await startTestApi({ logsDir: tempDir() });
    const answers = [await ask(api.port, { path, token: ADMIN_TOKEN })];
    answers.push(await ask(api.port, { path: `${path}?follow=true`, token: ADMIN_TOKEN, method: "HEAD" }));
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, ""],
      [200, ""],
    ]);
  });
});

describe("following", () => {
  it("goes on with what is written, takes new replicas in, and ends with the application", async () => {
    const { dir, live, seed } = logsOf();
    await using api = await startTestApi({ logsDir: dir, seed });
    const reader = follow(api, "/api/v1/applications/a/logs?follow=true&lines=1&deployment=Echo");
    await eventually(() => reader.text() === "Echo/dead1234 early\nEcho/abcd1234 three\n");
    appendFileSync(live, "fo");
    appendFileSync(live, "ur\n");
    await eventually(() => reader.text().endsWith("Echo/abcd1234 four\n"));
    writeFileSync(join(dir, replicaLogName("a", "Echo", "new00000")), "hello\nworld\n");
    await api.write(put.replica(replicaRecord("a", "Echo", "new00000")));
    await eventually(() => reader.text().endsWith("Echo/new00000 hello\nEcho/new00000 world\n"));
    appendFileSync(live, "last words");
    await api.write(
      { kind: "delete", key: keys.replica("a", "Echo", "abcd1234") },
      { kind: "delete", key: keys.replica("a", "Echo", "new00000") },
      { kind: "delete", key: keys.deployment("a", "Echo") },
      { kind: "delete", key: keys.application("a") },
    );
    await reader.ended;
    expect(reader.text()).toMatch(/Echo\/abcd1234 last words\n$/);
  });

  it("ends when the server stops and the replicas have ended", async () => {
    const { dir, live, seed } = logsOf();
    const api = await startTestApi({ logsDir: dir, seed });
    const reader = follow(api, "/api/v1/applications/a/logs?follow=1&replica=abcd1234&lines=1");
    await eventually(() => reader.text() === "Echo/abcd1234 three\n");
    api.server.api.feed.close();
    appendFileSync(live, "bye\n");
    await api.write(
      { kind: "delete", key: keys.replica("a", "Echo", "abcd1234") },
      { kind: "delete", key: keys.replica("a", "Other", "efgh5678") },
    );
    await reader.ended;
    expect(reader.text()).toBe("Echo/abcd1234 three\nEcho/abcd1234 bye\n");
    await api[Symbol.asyncDispose]();
  });

  it("lets go when the client leaves", async () => {
    const { dir, seed } = logsOf();
    await using api = await startTestApi({ logsDir: dir, seed });
    const reader = follow(api, "/api/v1/applications/a/logs?follow=1");
    await eventually(() => reader.text() !== "");
    reader.leave();
    await eventually(() => api.server.connections() === 0);
  });
});

function follow(api: TestApi, path: string) {
  let text = "";
  let over = (): void => {};
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const request = http.get({ host: "127.0.0.1", port: api.port, path, headers, agent: false }, (response) => {
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", over);
  });
  request.on("error", () => {});
  return { text: () => text, ended, leave: () => request.destroy() };
}

describe("LogCursor", () => {
  const all = async (cursor: LogCursor): Promise<string> => {
    let text = "";
    for await (const part of cursor.read()) text += part;
    for (const part of cursor.rest()) text += part;
    return text;
  };
  const numbered = Array.from({ length: 30_000 }, (_, i) => `line ${i} é`);
  it.each([
    { name: "an empty file", text: "", lines: 3, expected: [] },
    { name: "fewer lines than asked for", text: "a\nb\n", lines: 5, expected: ["a", "b"] },
    { name: "exactly as many", text: "a\nb\n", lines: 2, expected: ["a", "b"] },
    { name: "the last line without an end", text: "a\nb", lines: 1, expected: ["b"] },
    { name: "empty lines", text: "\n\n\n", lines: 2, expected: ["", ""] },
    { name: "a first empty line", text: "\na\n", lines: 2, expected: ["", "a"] },
    { name: "CRLF", text: "a\r\nb\r\n", lines: 1, expected: ["b"] },
    { name: "many blocks", text: `${numbered.join("\n")}\n`, lines: 20_000, expected: numbered.slice(10_000) },
    { name: "all of many blocks", text: numbered.join("\n"), lines: Number.POSITIVE_INFINITY, expected: numbered },
  ])("reads $name", async ({ text, lines, expected }) => {
    const path = join(tempDir(), "x.log");
    writeFileSync(path, text);
    expect(await all(await LogCursor.open(path, "> ", lines))).toBe(expected.map((line) => `> ${line}\n`).join(""));
  });

  it("cuts a line of megabytes in pieces, starts again in an emptied file, and waits for one that is not there", async () => {
    const path = join(tempDir(), "x.log");
    const cursor = await LogCursor.open(path, "", 10);
    expect(await all(cursor)).toBe("");
    writeFileSync(path, "x".repeat(3_000_000));
    const pieces = (await all(cursor)).trimEnd().split("\n");
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join("")).toHaveLength(3_000_000);
    writeFileSync(path, "new\n");
    // The first look may have come in the middle of a rotation.
    expect((await all(cursor)) + (await all(cursor))).toBe("new\n");
    rmSync(path);
    expect(await all(cursor)).toBe("");
  });

  it("loses and repeats no line over rotations, whoever is slower", async () => {
    const path = join(tempDir(), "x.log");
    const limits = { maxBytes: 500, backups: 4 };
    const cursor = await LogCursor.open(path, "", 10);
    let read = "";
    let written = 0;
    for (let round = 0; round < 60; round++) {
      // Sometimes two rotations fall between two looks.
      for (let part = 0; part <= round % 3; part++) {
        for (let line = 0; line < 60; line++) appendFileSync(path, `line ${written++}\n`);
        if (part % 2 === 0) await rotateOpen(path, limits);
        else rotateClosed(path, limits);
      }
      read += await all(cursor);
    }
    read += await all(cursor);
    expect(read.split("\n").slice(0, -1)).toEqual(Array.from({ length: written }, (_, i) => `line ${i}`));
  });

  it("takes the lines that are missing from the older part, when the log has just been rotated", async () => {
    const path = join(tempDir(), "x.log");
    writeFileSync(`${path}.2`, "a\n");
    writeFileSync(`${path}.1`, "b\nc\nd\n");
    writeFileSync(path, "e\n");
    expect(await all(await LogCursor.open(path, "", 3))).toBe("c\nd\ne\n");
    expect(await all(await LogCursor.open(path, "", 1))).toBe("e\n");
    expect(await all(await LogCursor.open(path, "", 9))).toBe("b\nc\nd\ne\n");
  });
});
